"""The issue as the snapshot keeps it: whatever its title and however long its text, it fits."""

from itertools import accumulate, takewhile

from phasegate.documents.base import KIB, canonical_json
from phasegate.documents.parsing import shown
from phasegate.documents.snapshot import Comment, Issue
from phasegate.policy.events import EventIssue

ROOM_FOR_BODY = 52 * KIB
"""Of the snapshot's bound, as canonical JSON; the comments have another part."""
MOST_LABELS = 100
LONGEST_LABEL = 60
LONGEST_TITLE = 900
CUT = "\n\n[The rest of this text is too long and was cut.]"


def issue_of(issue: EventIssue, comments: tuple[Comment, ...]) -> Issue:
    """Return the issue with the comments that count, cut to what a snapshot can hold."""
    return Issue(
        number=issue.number,
        title=_line(issue.title, issue.number),
        body=_cut(issue.body),
        author=issue.author.login,
        labels=tuple(shown(label, LONGEST_LABEL) for label in issue.labels[:MOST_LABELS]),
        comments=comments,
    )


def _line(title: str, number: int) -> str:
    line = shown(" ".join(title.split()), LONGEST_TITLE)
    return line if any(character.isalnum() for character in line) else f"Issue {number} {line}".strip()


def _cut(body: str) -> str:
    storable = body.encode("utf-8", "replace").decode()
    if _size(storable) <= ROOM_FOR_BODY:
        return storable
    sizes = accumulate(_size(character) for character in storable)
    fitting = sum(1 for _ in takewhile(lambda size: size <= ROOM_FOR_BODY - _size(CUT), sizes))
    return storable[:fitting] + CUT


def _size(text: str) -> int:
    return len(canonical_json(text)) - 2
