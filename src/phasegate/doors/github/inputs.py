"""What may be sent to GitHub: names, tokens, texts."""

import re
from typing import TYPE_CHECKING

from phasegate.documents.parsing import shown
from phasegate.doors.github.failures import ForgeError
from phasegate.errors import UserError

if TYPE_CHECKING:
    from phasegate.publishing.safe_markdown import SafeMarkdown

MAX_BODY_BYTES = 65_536
"""GitHub takes 65,536 characters and does not say of what kind; as many bytes are never more."""
MAX_TITLE = 256
_REPOSITORY = re.compile(r"([A-Za-z0-9][A-Za-z0-9-_]*)/((?!\.{1,2}\Z)[A-Za-z0-9._-]+)")


def check_repository(name: str) -> str:
    """Return an "owner/name" unchanged. Raises `UserError` for anything else."""
    if _REPOSITORY.fullmatch(name) is None:
        raise UserError(f"{shown(name)!r} is no repository on GitHub.", mend="Give it as owner/name.")
    return name


def check_token(token: str) -> str:
    """Return a token without the white space around it. Raises `UserError` for what cannot be one."""
    bare = token.strip()
    if not bare or not all("!" <= character <= "~" for character in bare):
        raise UserError(
            "The GitHub token cannot be one: it is empty, or has blanks or characters that no token has.",
            mend="In a workflow give `${{ github.token }}`; elsewhere set GITHUB_TOKEN.",
        )
    return bare


def text_of(body: "SafeMarkdown") -> str:
    """Return what may be published. Raises `ForgeError` for more than GitHub takes."""
    size = len(body.text.encode(errors="replace"))
    if size > MAX_BODY_BYTES:
        raise ForgeError(f"The text has {size} bytes, GitHub takes {MAX_BODY_BYTES}.", mend="Say less, or link to it.")
    return body.text


def title_of(title: str) -> str:
    """Return a title in one line, cut to what GitHub takes."""
    return shown(" ".join(title.split()), MAX_TITLE)
