from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import examples
from phasegate.documents.base import canonical_json, digest_of
from phasegate.documents.markers import NoteMarker, NoticeMarker, PlanMarker, ReplyMarker, ReviewMarker, StatusMarker
from phasegate.documents.snapshot import Comment
from phasegate.policy.branches import branch_of, run_of
from phasegate.policy.config import ApprovalRules, Comments
from phasegate.policy.events import EventIssue
from phasegate.policy.issue_text import CUT, ROOM_FOR_BODY, issue_of
from phasegate.policy.thread_rules import (
    MOST_EARLIER_YES,
    EarlierYes,
    answered_before,
    comments_that_count,
    earlier_yes,
    find_ours,
    notice_comment,
    people_to_ask,
    plan_comment,
    status_comment,
    status_is_edited,
    tip_is_ours,
    work_of,
)
from threads import BOB, NOW, TIP, ago, comment, our_comment

OTHER_TIP = "e" * 40
PLAN = digest_of(b"plan")
OTHER_PLAN = digest_of(b"another plan")
WRITERS, EVERYBODY = Comments(), Comments(of="everybody")
SECOND = timedelta(seconds=1)


def plan_marker(**changes):
    return PlanMarker(**({"run": "7", "revision": 1, "plan": PLAN, "tip": TIP} | changes))


# Whose branch it is


def test_a_branch_says_which_run_it_is_of():
    assert branch_of("7") == "phasegate/issue-7"
    assert run_of(branch_of("1234567890")) == "1234567890"


@pytest.mark.parametrize(
    "branch",
    [
        *("", "main", "phasegate", "phasegate/l1", "phasegate/issue-", "phasegate/issue-0", "phasegate/issue-07"),
        *(
            "phasegate/issue-7x",
            "xphasegate/issue-7",
            "phasegate/issue-7/x",
            "phasegate/issue-7\n",
            "Phasegate/issue-7",
        ),
        *(
            "refs/heads/phasegate/issue-7",
            "phasegate/issue-12345678901",
            "phasegate/issue-\u0667",
            "phasegate/issue--7",
        ),
    ],
)
def test_any_other_branch_is_of_no_run(branch):
    assert run_of(branch) is None


# Whose comments are ours


def test_a_comment_is_ours_by_its_author_and_not_by_what_it_says():
    marker = NoticeMarker("7")
    spoofed = comment(1, f"{marker}\nText.")
    bot = comment(2, f"{marker}\n", is_bot=True, author="evil[bot]")
    ours = our_comment(3, marker)
    assert notice_comment((spoofed, bot), "7") is None
    assert notice_comment((spoofed, bot, ours, our_comment(4, marker)), "7") is ours
    assert notice_comment((our_comment(1, "no marker"), our_comment(2, f"text\n{marker}")), "7") is None


def test_what_is_looked_for_says_a_predicate():
    review, reply = our_comment(1, ReviewMarker("7", TIP)), our_comment(2, ReplyMarker("7", 5))
    assert find_ours((review, reply), lambda marker: isinstance(marker, ReplyMarker)) is reply
    assert find_ours((review, reply), lambda _: True) is review
    assert find_ours((review, reply), lambda _: False) is None
    assert find_ours((), lambda _: True) is None


def test_the_status_and_the_notice_of_this_run_are_found_and_of_no_other():
    other = our_comment(1, StatusMarker("8", TIP, None)), our_comment(2, NoticeMarker("8", work=5))
    more = our_comment(3, NoteMarker("findings", "7")), our_comment(4, plan_marker())
    status, notice = our_comment(5, StatusMarker("7", TIP, None)), our_comment(6, NoticeMarker("7", work=5))
    thread = (*other, *more, status, notice)
    assert (status_comment(thread, "7"), notice_comment(thread, "7")) == (status, notice)
    assert (status_comment((*other, *more), "7"), notice_comment((*other, *more), "7")) == (None, None)


def test_the_plan_comment_is_that_of_this_plan_on_this_tip():
    other_run = our_comment(1, plan_marker(run="8"))
    other_plan = our_comment(2, plan_marker(plan=OTHER_PLAN))
    spoofed = comment(3, f"{plan_marker()}\n")
    first, second = our_comment(4, plan_marker()), our_comment(5, plan_marker(revision=2))
    status = our_comment(6, StatusMarker("7", TIP, None))
    thread = (other_run, other_plan, spoofed, status)
    assert plan_comment(thread, "7", PLAN, TIP) is None
    assert plan_comment((*thread, first, second), "7", PLAN, TIP) is first


def test_a_plan_that_was_only_shown_on_another_tip_is_found_there():
    old, newer = our_comment(1, plan_marker(tip=OTHER_TIP)), our_comment(2, plan_marker(tip="f" * 40))
    here = our_comment(3, plan_marker())
    assert plan_comment((old, newer), "7", PLAN, TIP) is old
    assert plan_comment((old, newer, here), "7", PLAN, TIP) is here
    assert plan_comment((here, old), "7", PLAN, TIP) is here


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (our_comment(1, StatusMarker("7", TIP, None)), True),
        (our_comment(1, StatusMarker("7", TIP, OTHER_TIP)), True),
        (our_comment(1, StatusMarker("7", OTHER_TIP, TIP)), True),
        (our_comment(1, StatusMarker("7", TIP, None), edited=ago(10)), True),
        (our_comment(1, StatusMarker("7", OTHER_TIP, None)), False),
        (our_comment(1, StatusMarker("8", TIP, None)), False),
        (our_comment(1, StatusMarker("7", TIP, None), edited_by_other=True), False),
        (comment(1, f"{StatusMarker('7', TIP, None)}\n"), False),
        (our_comment(1, ReviewMarker("7", TIP)), False),
        (comment(1, f"{plan_marker()}\n"), False),
    ],
)
def test_a_tip_is_ours_if_our_own_status_comment_names_it(status, ours):
    assert tip_is_ours((comment(9), status), "7", TIP) is ours


def test_without_a_status_comment_or_beside_the_first_one_no_tip_is_ours():
    assert not tip_is_ours((), "7", TIP)
    first, second = our_comment(1, StatusMarker("7", OTHER_TIP, None)), our_comment(2, StatusMarker("7", TIP, None))
    assert not tip_is_ours((first, second), "7", TIP)


EDITED = our_comment(1, StatusMarker("7", TIP, None), edited_by_other=True)


@pytest.mark.parametrize("status", [(), (EDITED,)])
@pytest.mark.parametrize(
    ("plans", "ours"),
    [
        ((our_comment(2, plan_marker()),), True),
        ((our_comment(2, plan_marker(tip=OTHER_TIP)), our_comment(3, plan_marker(revision=2))), True),
        ((our_comment(2, plan_marker()), our_comment(3, plan_marker(tip=OTHER_TIP))), False),
        ((our_comment(2, plan_marker(run="8")),), False),
        ((our_comment(2, plan_marker(tip=OTHER_TIP)),), False),
        ((our_comment(2, plan_marker(), edited_by_other=True),), False),
        ((comment(2, f"{plan_marker()}\n"),), False),
        ((our_comment(2, ReviewMarker("7", TIP)),), False),
    ],
)
def test_without_a_status_comment_that_proves_anything_the_newest_plan_comment_does(status, plans, ours):
    assert tip_is_ours((*status, *plans), "7", TIP) is ours


def test_beside_a_status_comment_a_plan_comment_proves_nothing():
    """Else whoever may push could undo what came after the plan."""
    status = our_comment(1, StatusMarker("7", OTHER_TIP, None))
    assert not tip_is_ours((status, our_comment(2, plan_marker())), "7", TIP)


@pytest.mark.parametrize(
    ("comments", "edited"),
    [
        ((), True),
        ((our_comment(1, plan_marker()), our_comment(2, StatusMarker("8", TIP, None))), True),
        ((EDITED,), True),
        ((our_comment(1, StatusMarker("7", TIP, None), edited=ago(10)),), False),
    ],
)
def test_a_status_comment_that_is_gone_or_of_somebody_else_proves_nothing(comments, edited):
    assert status_is_edited(comments, "7") is edited


NOTICE = our_comment(8, NoticeMarker("7", work=70))


@pytest.mark.parametrize(
    ("comments", "work"),
    [
        ((), None),
        ((NOTICE,), 70),
        ((our_comment(8, NoticeMarker("7")),), None),
        ((our_comment(8, NoticeMarker("8", work=80)),), None),
        ((comment(8, f"{NoticeMarker('7', work=66)}\n"),), None),
        ((our_comment(8, NoticeMarker("7", work=66), edited_by_other=True),), None),
        ((our_comment(9, StatusMarker("7", TIP, None, work=71)),), 71),
        ((NOTICE, our_comment(9, StatusMarker("7", TIP, None, work=71))), 71),
        ((NOTICE, our_comment(9, StatusMarker("7", TIP, None))), None),
        ((our_comment(9, StatusMarker("7", TIP, None, work=66), edited_by_other=True),), None),
    ],
)
def test_who_is_at_work_says_our_status_comment_or_before_there_is_one_our_notice(comments, work):
    assert work_of((comment(1), *comments), "7") == work


def test_an_answer_to_a_label_is_for_whoever_labels():
    answered = (comment(1), our_comment(2, ReplyMarker("7", 7)))
    assert answered_before(answered, "triage[bot]", 7)
    assert not answered_before(answered, "triage[bot]", 8)
    assert not answered_before(answered, "ann")
    assert answered_before((comment(1), our_comment(2, ReplyMarker("7", 1))), "ann", 7)


@pytest.mark.parametrize(
    ("thread", "login", "answered"),
    [
        ((comment(1), our_comment(2, ReplyMarker("7", 1))), "ann", True),
        ((comment(1), our_comment(2, ReplyMarker("7", 1))), "ANN", True),
        ((comment(1), our_comment(2, ReplyMarker("7", 1))), "bob", False),
        ((comment(1), our_comment(2, ReplyMarker("7", 3))), "ann", False),
        ((comment(1), comment(2, f"{ReplyMarker('7', 1)}\n")), "ann", False),
        ((comment(1, author=None), our_comment(2, ReplyMarker("7", 1))), "ann", False),
        ((comment(1), our_comment(2, plan_marker())), "ann", False),
        ((comment(1), our_comment(2, "no marker")), "ann", False),
        ((), "ann", False),
    ],
)
def test_somebody_was_answered_before_if_we_replied_to_a_comment_of_theirs(thread, login, answered):
    assert answered_before(thread, login) is answered


# Which comments the model sees


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"created": NOW - SECOND}, True),
        ({"created": NOW}, False),
        ({"created": NOW + SECOND}, False),
        ({"edited": NOW - SECOND}, True),
        ({"edited": NOW}, False),
        ({"edited": NOW + SECOND}, False),
        ({"edited": NOW - SECOND, "edited_by_other": True}, True),
        ({"author": "bob"}, False),
        ({"author": "carl"}, False),
        ({"author": "ANN"}, False),
        ({"author": None}, False),
        ({"is_minimised": True}, False),
        ({"association": "NONE"}, True),
        ({"author": "bob", "association": "OWNER"}, False),
        ({"body": "> /approve"}, True),
    ],
)
def test_a_comment_counts_if_a_writer_wrote_and_left_it_before_the_trigger(changes, counts):
    one = comment(**changes)
    kept, left_out = comments_that_count((one,), NOW, {"ann": "write", "bob": "read"}, WRITERS)
    assert (len(kept), left_out) == ((1, 0) if counts else (0, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"is_bot": True},
        {"is_bot": True, "author": "evil[bot]", "association": "OWNER"},
        {"is_ours": True},
        {"body": "/approve"},
        {"body": "/revise smaller"},
        {"body": "/status please"},
    ],
)
@pytest.mark.parametrize("rules", [WRITERS, EVERYBODY])
def test_bots_ourselves_and_commands_are_no_part_of_the_conversation(changes, rules):
    assert comments_that_count((comment(**changes),), NOW, {"ann": "admin"}, rules) == ((), 0)


@pytest.mark.parametrize(
    ("permission", "counts"), [("admin", True), ("write", True), ("read", False), ("none", False), (None, False)]
)
@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIMER", "NONE", ""])
def test_permission_counts_and_association_does_not(permission, counts, association):
    permissions = {"ann": permission} if permission else {}
    kept, left_out = comments_that_count((comment(association=association),), NOW, permissions, WRITERS)
    assert (len(kept), left_out) == ((1, 0) if counts else (0, 1))


def test_everybody_means_every_human_with_what_they_may_do_beside_it():
    said = tuple(comment(number, author=author) for number, author in enumerate(("ann", "bob", "carl", None), 1))
    kept, left_out = comments_that_count(said, NOW, {"ann": "admin", "bob": "read"}, EVERYBODY)
    assert [(one.author, one.permission) for one in kept] == [("ann", "admin"), ("bob", "read"), ("carl", "none")]
    assert left_out == 1
    assert comments_that_count((comment(created=NOW),), NOW, {}, EVERYBODY) == ((), 1)


def test_a_comment_is_kept_as_it_was_written():
    kept, _ = comments_that_count((comment(body="a\r\n\x00b\ud800"),), NOW, {"ann": "write"}, WRITERS)
    assert kept == (Comment(author="ann", permission="write", at=ago(3600), body="a\r\n\x00b?"),)


def test_the_oldest_come_first_and_the_newest_are_kept():
    said = tuple(comment(number, f"{number}" * 100) for number in (1, 2, 3))
    kept, left_out = comments_that_count(said, NOW, {"ann": "write"}, WRITERS, room=400)
    assert ([one.body[0] for one in kept], left_out) == (["2", "3"], 1)


def test_one_comment_that_is_too_long_does_not_push_out_the_others():
    said = (comment(1, "one"), comment(2, "x" * 70_000), comment(3, "three"))
    kept, left_out = comments_that_count(said, NOW, {"ann": "write"}, WRITERS)
    assert ([one.body for one in kept], left_out) == (["one", "three"], 1)


@given(st.lists(st.text(max_size=200), max_size=30), st.integers(0, 5000))
def test_whatever_is_said_what_is_kept_fits_and_nothing_is_lost_from_sight(bodies, room):
    said = tuple(comment(number, "x" + body) for number, body in enumerate(bodies, 1))
    kept, left_out = comments_that_count(said, NOW, {"ann": "write"}, WRITERS, room=room)
    assert len(kept) + left_out == len(said)
    assert sum(len(one.model_dump_json()) for one in kept) <= max(room, 0) * 2


def test_the_longest_issue_with_the_most_comments_fits_into_a_snapshot():
    """65,536 characters are the most that GitHub takes; \x01 becomes six in JSON, an emoji four bytes."""
    for character in ("x", "\x01", "\U0001f600", '"'):
        said = tuple(comment(number, character * 65_536) for number in range(1, 20))
        said += tuple(comment(number, f"x{character * 900}") for number in range(20, 120))
        kept, _ = comments_that_count(said, NOW, {"ann": "write"}, WRITERS)
        issue = event_issue(title=character * 256, body=character * 65_536, labels=(character * 50,) * 200)
        frozen = issue_of(issue, kept)
        assert examples.snapshot(issue=frozen).payload.issue == frozen
        assert frozen.body.endswith(CUT)
        assert len(canonical_json(frozen.body)) <= ROOM_FOR_BODY + 2
        assert len(frozen.labels) == 100


def event_issue(**changes):
    fields = {"number": 7, "title": "T", "body": "B", "author": BOB, "is_open": True, "is_pull": False}
    more = {"is_locked": False, "labels": ("bug",), "created": NOW, "updated": NOW}
    return EventIssue(**(fields | more | changes))


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Add a flag", "Add a flag"),
        ("  a \t b\r\nc ", "a b c"),
        ("???", "Issue 7 ???"),
        ("", "Issue 7"),
        ("a\x00\u202eb", "a\ufffd\ufffdb"),
        ("x" * 2000, "x" * 899 + "…"),
    ],
)
def test_any_title_becomes_a_line(title, kept):
    assert issue_of(event_issue(title=title), ()).title == kept


def test_an_issue_of_a_usual_length_is_kept_whole():
    frozen = issue_of(event_issue(body="x" * 50_000 + "\r\n\ud800"), ())
    assert frozen.body == "x" * 50_000 + "\r\n?"
    assert (frozen.number, frozen.author, frozen.labels, frozen.comments) == (7, "bob", ("bug",), ())


@given(st.text(), st.text(), st.lists(st.text()))
def test_any_issue_fits_into_a_snapshot(title, body, labels):
    issue = event_issue(title=title, body=body, labels=tuple(labels))
    assert examples.snapshot(issue=issue_of(issue, ())).payload.issue.body == body


# Whom it is worth asking about


def by(author, number, association="MEMBER", **changes):
    return comment(number, author=author, association=association, **changes)


def test_the_newest_authors_are_asked_about_each_once_and_only_three():
    said = (by("a", 1), by("b", 2), by("c", 3), by("a", 4), by("d", 5), by("d", 6))
    assert people_to_ask(said, NOW, WRITERS) == ("d", "a", "c")
    assert people_to_ask(said, NOW, WRITERS, most=9) == ("d", "a", "c", "b")
    assert people_to_ask((), NOW, WRITERS) == ()


@pytest.mark.parametrize(
    ("association", "worth"),
    [
        *((name, True) for name in ("OWNER", "MEMBER", "COLLABORATOR")),
        *(
            (name, False)
            for name in ("CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", "NONE", "owner")
        ),
    ],
)
def test_nobody_is_asked_about_who_has_no_part_in_the_repository(association, worth):
    said = (by("a", 1, association),)
    assert people_to_ask(said, NOW, WRITERS) == (("a",) if worth else ())
    assert people_to_ask(said, NOW, EVERYBODY) == ("a",)


def test_where_everybody_counts_those_with_a_part_in_the_repository_come_first():
    said = (by("a", 1), by("b", 2, "NONE"), by("c", 3, "NONE"), by("d", 4, "OWNER"))
    assert people_to_ask(said, NOW, EVERYBODY) == ("d", "a", "c")


@pytest.mark.parametrize(
    "changes", [{"is_bot": True}, {"is_ours": True}, {"created": NOW}, {"edited": NOW}, {"is_minimised": True}]
)
def test_nobody_is_asked_about_for_a_comment_that_does_not_count(changes):
    assert people_to_ask((by("a", 1, **changes), by(None, 2)), NOW, EVERYBODY) == ()


# Earlier approvals


SHOWN = our_comment(10, plan_marker(), created=ago(1000))
TWO = ApprovalRules(required=2)


def yes(number=11, body="/approve", **changes):
    return comment(number, body, **({"created": ago(500)} | changes))


@pytest.mark.parametrize(
    ("one", "rules", "counts"),
    [
        (yes(), TWO, True),
        (yes(body=f"/approve {PLAN}"), TWO, True),
        (yes(body=f"/approve {PLAN[:8]}\n\nGood."), TWO, True),
        (yes(body=f"/approve {OTHER_PLAN[:8]}"), TWO, False),
        (yes(body="/approve please"), TWO, False),
        (yes(body="/revise x"), TWO, False),
        (yes(body="> /approve"), TWO, False),
        (yes(), ApprovalRules(required=2, require_digest=True), False),
        (yes(body=f"/approve {PLAN[:12]}"), ApprovalRules(required=2, require_digest=True), True),
        (yes(created=ago(940)), TWO, True),
        (yes(created=ago(941)), TWO, False),
        (yes(created=ago(1001)), TWO, False),
        (yes(created=ago(1000)), ApprovalRules(settle=0), False),
        (yes(created=ago(999)), ApprovalRules(settle=0), True),
        (yes(edited=ago(400)), TWO, False),
        (yes(is_minimised=True), TWO, False),
        (yes(is_bot=True), TWO, False),
        (yes(is_ours=True), TWO, False),
        (yes(author=None), TWO, False),
        (yes(number=20), TWO, False),
        (yes(number=21), TWO, False),
        (yes(association="NONE"), TWO, True),
    ],
)
def test_what_counts_as_a_yes_from_before(one, rules, counts):
    found = earlier_yes((SHOWN, one), SHOWN, PLAN, rules, before=20)
    assert found == ((EarlierYes("ann", one.id),) if counts else ())


def test_a_plan_comment_that_was_edited_counts_from_its_edit_on():
    edited = our_comment(10, plan_marker(), created=ago(1000), edited=ago(500))
    assert earlier_yes((yes(created=ago(441)),), edited, PLAN, TWO, before=20) == ()
    assert earlier_yes((yes(created=ago(440)),), edited, PLAN, TWO, before=20) != ()


def test_each_person_counts_once_with_their_first_yes():
    said = (yes(11), yes(12, author="ANN"), yes(13, author="bob"))
    assert earlier_yes(said, SHOWN, PLAN, TWO, before=20) == (EarlierYes("ann", 11), EarlierYes("bob", 13))


def test_a_crowd_of_strangers_does_not_push_out_who_is_worth_asking_about():
    crowd = tuple(yes(number, author=f"s{number}", association="NONE") for number in range(11, 111))
    found = earlier_yes((*crowd, yes(111)), SHOWN, PLAN, TWO, before=200)
    assert len(found) == MOST_EARLIER_YES
    assert found[:2] == (EarlierYes("ann", 111), EarlierYes("s11", 11))


def test_who_is_named_in_the_configuration_comes_first():
    crowd = tuple(yes(number, author=f"m{number}") for number in range(11, 31))
    rules = ApprovalRules(required=2, by=("@acme/core", "Ann"))
    found = earlier_yes((*crowd, yes(31, association="NONE")), SHOWN, PLAN, rules, before=200)
    assert found[:2] == (EarlierYes("ann", 31), EarlierYes("m11", 11))
