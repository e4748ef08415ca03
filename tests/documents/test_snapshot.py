import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.parsing import DocumentError, parse_document
from phasegate.documents.snapshot import Comment, Snapshot

LIMIT = Snapshot.max_bytes


def test_an_issue_without_number_body_or_branch_is_fine():
    issue = examples.issue(number=None, body="", labels=(), comments=())
    snapshot = examples.snapshot(issue=issue, base_branch=None)
    assert parse_document(snapshot.to_bytes(), Snapshot).payload.issue == issue


def test_an_issue_of_any_text_survives():
    body = "\x00\x1b[31m\r\n\u202e" + "".join(chr(code) for code in range(0x20, 0x300))
    snapshot = examples.snapshot(issue=examples.issue(body=body))
    assert parse_document(snapshot.to_bytes(), Snapshot).payload.issue.body == body


@pytest.mark.parametrize(
    "issue",
    [
        examples.issue(body="x" * LIMIT),
        examples.issue(comments=(Comment(author="a", permission="read", at=examples.NOW, body="x" * 1000),) * 140),
    ],
    ids=["body", "comments"],
)
def test_a_huge_issue_is_refused(issue):
    with pytest.raises(ValidationError, match=rf"the snapshot has \d+ bytes, {LIMIT} are allowed"):
        examples.snapshot(issue=issue)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": 0}, "number"),
        ({"number": 2**53}, "number"),
        ({"title": "  "}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"comments": ({"author": "a"},)}, "comments.0.permission"),
    ],
)
def test_what_an_issue_refuses(change, field):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        examples.issue(**change)


def test_text_that_is_no_unicode_is_refused_and_not_a_crash():
    with pytest.raises(ValidationError, match="non-UTF-8"):
        examples.snapshot(issue=examples.issue(author="a\ud800"))


@pytest.mark.parametrize("permission", ["maintain", "triage", "owner", ""])
def test_permissions_are_the_four_that_the_api_gives(permission):
    content = (
        examples.snapshot().to_bytes().replace(b'"permission":"admin"', b'"permission":"%s"' % permission.encode())
    )
    with pytest.raises(DocumentError, match=r"payload\.trigger\.permission: Input should be 'admin', 'write', 'read'"):
        parse_document(content, Snapshot)
