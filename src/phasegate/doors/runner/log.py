"""What a runner of GitHub Actions reads on standard output: its commands, and lines that it cannot take for any.

The runner knows two syntaxes (actions/runner, ActionCommand.cs): `::name key=value::data` after leading white space,
and `##[name key=value]data` anywhere in a line. Data and properties are escaped as GitHub documents it.
"""

import re
from collections.abc import Mapping

_LINE_ENDS = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""Where Python ends a line: more places than the runner knows, so that no other reader of the log sees new lines."""
_NO_WIDTH = (
    r"\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
"""Characters that comparing text may overlook: controls, and Unicode's default-ignorable ones."""
_BLANKS = r" \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""White space inside a line. With the two sets above, all that either Python or the runner calls white space."""
# One set, not alternatives: a run of blanks is read once, however long.
_COMMAND = re.compile(rf"(\A|[{_LINE_ENDS}])([{_BLANKS}{_NO_WIDTH}]*):([{_NO_WIDTH}]*):")
_OLD_COMMAND = re.compile(rf"#([{_NO_WIDTH}]*)#([{_NO_WIDTH}]*)\[")


def log_safe(text: str) -> str:
    """Return the text with a blank inside whatever the runner could take for the start of a command.

    `::` at the start of a line becomes `: :`, and `##[` becomes `## [`; all other text is unchanged. Characters without
    width are looked through: the runner compares text by the rules of a culture, which may overlook them.
    """
    return _OLD_COMMAND.sub(r"#\1#\2 [", _COMMAND.sub(r"\1\2: \3:", text))


def command(name: str, data: str = "", properties: Mapping[str, str] | None = None) -> str:
    """Return a workflow command as one line without its end; empty properties are left out."""
    given = ",".join(f"{key}={_escape_property(value)}" for key, value in (properties or {}).items() if value)
    return f"::{name} {given}::{_escape(data)}" if given else f"::{name}::{_escape(data)}"


def _escape(data: str) -> str:
    return data.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(value: str) -> str:
    return _escape(value).replace(":", "%3A").replace(",", "%2C")
