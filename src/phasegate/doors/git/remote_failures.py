"""What git says when a server refuses, or the network fails: the likely cause, what to change."""

import re

from phasegate.documents.parsing import shown
from phasegate.doors.github.failures import ForgeError

_SAID_LENGTH = 300
_NETWORK = re.compile(
    r"returned error: (5\d\d|429)|could not resolve|connection (reset|refused|timed out)|early eof|rpc failed"
    r"|unexpected disconnect|hung up unexpectedly|operation too slow|timed out|http/2 stream|tls connection",
    re.IGNORECASE,
)

# By what git or the server says: the likely cause, what to do.
_KNOWN = (
    (
        "without `workflows?` permission",
        "The commits change files under .github/workflows, which phasegate's token never may.",
        "Make that change by hand, and take it out of what phasegate is asked to do.",
    ),
    (
        "cannot contain secrets",
        "The commits have something in them that looks like a secret.",
        "Look at the files that the message names; the push protection of the repository stopped it.",
    ),
    (
        "GH006|GH013|protected branch|rule violations|pre-receive hook declined",
        "A rule of the repository protects the branch.",
        "Settings → Rules (or Branches): let `phasegate/*` be made, changed and removed by GitHub Actions.",
    ),
    ("archived", "The repository is archived and can only be read.", "Unarchive it in its settings."),
    ("GH001|exceeds GitHub's file size limit", "A file is larger than GitHub takes.", "Keep it out of the repository."),
    (
        "permission to .* denied|write access .* not granted|error: 403",
        "The token may not write to the repository.",
        "Give the job `contents: write` under `permissions:`.",
    ),
    (
        "could not read username|authentication failed|error: 401",
        "The server does not accept the token, or none was given.",
        "Give the job `contents: read` (or `write`) under `permissions:`, and a valid token.",
    ),
    (
        "repository .*not found|error: 404",
        "There is no such repository, or the token may not see it.",
        "Check the repository's name and what the token is for.",
    ),
    (
        "not our ref|no such remote ref|couldn't find remote ref|bad object",
        "The server does not have the commit any more: its branch was deleted or rewritten.",
        "Start the run again from the present state of the repository.",
    ),
    (
        "fsck|in packed data|did not receive expected object",
        "An object of the repository is damaged or dangerous.",
        "See what `git fsck` says in a full clone.",
    ),
    ("certificate|SSL", "The server's certificate is not accepted.", "Install it in the machine's certificate store."),
    ("", "", "Look at what git says; try again if the network may have failed."),
)
_TELLING = re.compile(
    r"^(remote: +)?(fatal|error): |^! ?\t|^remote: .*(GH\d|denied|not found|refus)|refusing", re.MULTILINE
)


def is_of_the_network(said: str) -> bool:
    """Return whether another attempt may succeed: the connection broke, or the server is in trouble."""
    return _NETWORK.search(said) is not None


def refusal(doing: str, said: str) -> ForgeError:
    """Return the error for a transfer that failed, from what git said; `doing` is an infinitive, as in "push x"."""
    cause, mend = next((cause, mend) for phrase, cause, mend in _KNOWN if re.search(phrase, said, re.IGNORECASE))
    lines = [" ".join(line.split()) for line in said.splitlines() if _TELLING.search(line)]
    words = shown("; ".join(dict.fromkeys(lines)) or "nothing", _SAID_LENGTH)
    return ForgeError(
        f"Could not {doing}.", cause=" ".join(part for part in (cause, f"git says: {words}") if part), mend=mend
    )
