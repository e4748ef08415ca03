"""Markdown of ours cut to a size, between its blocks, with everything closed that was open."""

import re
from dataclasses import dataclass, replace

_OPENS_FENCE = re.compile(r" {0,3}(?P<ticks>`{3,}|~{3,})[^`]*\Z")


@dataclass(frozen=True, slots=True)
class _Open:
    """What is open after a line: a fence of that many ticks, and so many `<details>`."""

    fence: str = ""
    details: int = 0

    def after(self, line: str) -> "_Open":
        if self.fence:
            closed = line.strip().startswith(self.fence) and not line.strip().strip(self.fence[0])
            return replace(self, fence="") if closed else self
        opens = _OPENS_FENCE.match(line)
        if opens:
            return replace(self, fence=opens["ticks"])
        return replace(self, details=self.details + line.startswith("<details") - line.startswith("</details"))

    def may_end_after(self, line: str) -> bool:
        if self.fence:
            return not _OPENS_FENCE.match(line)
        return not line.strip() or (line.startswith(("|", ">", "- ", "</details")) and not line.endswith("\\"))

    @property
    def closing(self) -> str:
        return (f"\n{self.fence}\n" if self.fence else "\n") + "\n</details>\n" * self.details


def cut_between_blocks(text: str, limit: int, note: str) -> str:
    """Return the beginning of the text in at most `limit` bytes of UTF-8, and the note if something is missing.

    The first line always stays. Raises `ValueError` when it and the note are longer than that.
    """
    if len(text.encode()) <= limit:
        return text
    lines, ending = text.split("\n"), f"\n{note}\n"
    kept, closing = 1, "\n"
    if len(f"{lines[0]}{closing}{ending}".encode()) > limit:
        raise ValueError(f"{limit} bytes are too few for the first line and the note")
    size, state = 0, _Open()
    for number, line in enumerate(lines, 1):
        size += len(line.encode()) + 1
        state = state.after(line)
        if size > limit:
            break
        if state.may_end_after(line) and size + len((state.closing + ending).encode()) <= limit:
            kept, closing = number, state.closing
    return "\n".join(lines[:kept]) + closing + ending
