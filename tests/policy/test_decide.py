import inspect
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import examples
from phasegate.documents.approval import Approver
from phasegate.documents.base import digest_of
from phasegate.documents.hand_over import Answer
from phasegate.documents.markers import PlanMarker, ReplyMarker
from phasegate.documents.progress import PhaseName, PhaseProgress, PhaseStatus, Progress, RunState, WaitingFor
from phasegate.documents.snapshot import Overrides, TierModel
from phasegate.policy import approving, events, hearing, run_states, standing
from phasegate.policy import decide as decide_module
from phasegate.policy.codes import CODES
from phasegate.policy.commands import VERBS
from phasegate.policy.config import Config
from phasegate.policy.decide import (
    Counted,
    Decision,
    Facts,
    GoOn,
    Ignore,
    Refuse,
    RunFacts,
    Speak,
    Start,
    Target,
    Tell,
    Yes,
    decide,
)
from phasegate.policy.events import GHOST, CommentWritten, Dispatched, Foreign, parse_event
from phasegate.policy.requests import STARTING, DispatchRequest
from phasegate.policy.standing import ON_PULL_ONLY
from threads import (
    ANN,
    BOB,
    BOT,
    NOW,
    OURSELVES,
    OWN,
    TIP,
    account,
    ago,
    comment,
    commented,
    issue_json,
    labelled,
    our_comment,
    pull,
    repository_dispatched,
    thread,
)

PLAN = digest_of(b"plan")
OTHER_TIP = "e" * 40
CONFIG = Config()
ISSUE = issue_json()
ARGUMENTS = {"revise": " smaller", "answer": " yes"}
APPROVAL, ANSWERS = WaitingFor.APPROVAL, WaitingFor.ANSWERS


# How things stand


def progress(state=RunState.WAITING, **changes):
    """The run of issue 7, which waits for the approval of its plan unless said otherwise."""
    waiting = APPROVAL if state is RunState.WAITING else None
    fields = {"run": "7", "state": state, "waiting_for": waiting, "plan": PLAN, "created": ago(7200)}
    return examples.progress(**(fields | {"branch": "phasegate/issue-7"} | changes))


SHOWN = our_comment(10, PlanMarker("7", 1, PLAN, TIP), created=ago(3600))


def run(state=RunState.WAITING, **changes):
    """The same with its pull request and the comment that shows the plan; a key goes to where it belongs."""
    of_progress = {key: changes.pop(key) for key in Progress.model_fields.keys() & changes}
    fields = {
        "run": "7",
        "progress": progress(state, **of_progress),
        "requester": "bob",
        "requester_id": 2,
        "base_branch": "main",
        "pull": pull(),
        "tip": TIP,
        "is_ours": True,
        "plan_comment": SHOWN,
    }
    return RunFacts(**(fields | changes))


def facts(run_facts=None, **changes):
    fields = {"permission": "write", "own_login": OWN, "run": run_facts, "target": Target(7, True, False, False)}
    return Facts(**(fields | changes))


def label(name="phasegate", **changes):
    return parse_event("issues", labelled(name, **changes))


def said(body="/approve", *, on_issue=False, at=None, **changes):
    event = parse_event("issue_comment", commented(body, issue=ISSUE if on_issue else None, **changes))
    return event if at is None else replace(event, at=at)


def dispatched(command="start", sender=ANN, **changes):
    return Dispatched("repository_dispatch", sender, DispatchRequest(7, command, **changes))


def config(**approval):
    return Config.model_validate({"approval": approval})


def decision(event, found, rules=CONFIG, now=NOW):
    made = decide(event, found, rules, now)
    assert isinstance(made, get_args(Decision))
    if isinstance(made, Refuse | Ignore):
        assert made.code in CODES
    if isinstance(made, Refuse):
        assert Answer(code=made.code, topic="refused", what=made.what, mend=made.mend)
        assert made.what.endswith(".")
        assert made.mend.endswith(".")
    return made


def code(event, found, rules=CONFIG, now=NOW):
    return decision(event, found, rules, now).code


# Who is heard


@pytest.mark.parametrize(
    ("permission", "wanted"),
    [
        ("admin", "start"),
        ("write", "start"),
        ("read", "not-permitted"),
        ("none", "not-permitted"),
        (None, "permission-unknown"),
    ],
)
@pytest.mark.parametrize("event", [label(), label("phasegate:plan"), dispatched()], ids=["label", "plan", "dispatch"])
def test_only_a_writer_starts_a_run_and_no_answer_is_a_no(permission, wanted, event):
    assert code(event, facts(permission=permission)) == wanted


@pytest.mark.parametrize("permission", ["admin", "write", "read", "none", None])
@pytest.mark.parametrize(
    "association", ["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIMER", "NONE", "admin", None]
)
def test_an_association_or_the_name_of_a_role_proves_nothing(permission, association):
    written = {
        "id": 501,
        "body": "/approve",
        "user": account() | {"role_name": association, "permissions": {"admin": True}},
        "created_at": "2026-03-01T11:58:00Z",
        "author_association": association,
    }
    found = code(said(comment=written), facts(run(), permission=permission))
    assert (found == "approve") is (permission in {"admin", "write"})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("permission", ["read", "none", None])
def test_no_command_is_done_for_who_may_not_write(verb, permission):
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}")
    assert code(event, facts(run(), permission=permission)) in {"not-permitted", "permission-unknown"}


@pytest.mark.parametrize("permission", ["admin", "write", "none", None])
@pytest.mark.parametrize(
    "sender", [account("evil[bot]", 66, "User"), account("Copilot", 67, "Bot"), account("x[bot]", 68, "Bot")]
)
@pytest.mark.parametrize("verb", VERBS)
def test_a_bot_commands_nothing_whatever_it_may_do(permission, sender, verb):
    written = {
        "id": 501,
        "body": f"/{verb}{ARGUMENTS.get(verb, '')}",
        "user": sender,
        "created_at": "2026-03-01T11:58:00Z",
    }
    assert code(said(comment=written, sender=sender), facts(run(), permission=permission)) == "bot"


@pytest.mark.parametrize("sender", [BOT, replace(BOT, login="dependabot[bot]"), replace(OURSELVES, login="other[bot]")])
@pytest.mark.parametrize("command", ["start", "research", "plan", "continue", *VERBS])
def test_no_bot_dispatches_anything(sender, command):
    active = run(RunState.ACTIVE, approval=digest_of(b"approval"))
    assert code(dispatched(command, sender), facts(active, permission="admin")) == "bot"


def test_a_bot_that_labels_starts_nothing():
    assert code(label(sender=account("triage[bot]", 9, "Bot")), facts()) == "bot"


@pytest.mark.parametrize("command", ["start", "research", "plan", *VERBS])
def test_our_own_account_dispatches_nothing_but_the_next_slice(command):
    assert code(dispatched(command, OURSELVES), facts(run(), permission="admin")) == "bot"


@pytest.mark.parametrize("type_", ["Bot", "User"])
@pytest.mark.parametrize("own", [OWN, OWN.upper()])
def test_we_do_not_obey_our_own_comments_and_labels(type_, own):
    us = account(OWN, 41898282, type_)
    written = {"id": 501, "body": f"/approve {PLAN}", "user": us, "created_at": "2026-03-01T11:58:00Z"}
    found = facts(run(), permission="admin", own_login=own)
    assert decision(said(comment=written, sender=us), found).code == "own-comment"
    assert decision(label(sender=us), found).code == "own-comment"


@pytest.mark.parametrize("author", [account("bob", 2), account("ann", 99), None])
def test_who_caused_the_event_has_to_be_the_comments_author(author):
    written = {"id": 501, "body": "/approve", "user": author, "created_at": "2026-03-01T11:58:00Z"}
    assert code(said(comment=written), facts(run(), permission="admin")) == "not-the-author"
    assert code(replace(said(), author=GHOST), facts(run(), permission="admin")) == "not-the-author"


@pytest.mark.parametrize("permission", ["read", None])
def test_who_may_not_command_is_told_once_and_then_left_alone(permission):
    found = facts(run(), permission=permission)
    assert isinstance(decision(said(), found), Refuse)
    again = decision(said(), replace(found, answered_before=True))
    assert (again.code, "ann" in again.why) == ("said-before", True)
    assert code(said(sender=account("x[bot]", 5, "Bot")), replace(found, answered_before=True)) == "said-before"


def test_who_may_command_is_answered_every_time():
    assert code(said(), facts(run(), answered_before=True)) == "approve"
    assert code(said("/answer x"), facts(run(), answered_before=True)) == "not-waiting-for-answers"


def test_a_pull_request_that_is_not_ours_is_none_of_our_business():
    for permission in ("admin", "none", None):
        assert decision(said(), facts(None, permission=permission)).code == "not-ours"


@pytest.mark.parametrize("event", [label(), said()], ids=["label", "comment"])
def test_an_event_from_long_ago_is_not_obeyed(event):
    found = facts(run() if isinstance(event, CommentWritten) else None)
    day = timedelta(days=1)
    assert code(event, found, now=event.at + day) in {"start", "approve"}
    assert code(event, found, now=event.at + day + timedelta(seconds=1)) == "stale-event"


SPENDING = ("start", "research", "plan", *(verb for verb in VERBS if verb not in {"status", "cost"}))


@pytest.mark.parametrize("command", SPENDING)
def test_a_dispatch_is_not_obeyed_a_second_time(command):
    """It has no time at which it was said, and a workflow run can be started again for a month."""
    there = {"answer": run(waiting_for=ANSWERS), "retry": run(RunState.FAILED)}.get(command, run())
    found = facts(None if command in STARTING else there)
    event = dispatched(command, digest=PLAN[:12] if command == "approve" else None)
    assert code(event, found) == (command if command not in STARTING else "start")
    made = decision(event, replace(found, attempt=2))
    assert (made.code, "Send it anew" in made.mend) == ("sent-before", True)
    assert code(event, replace(found, attempt=2, permission="read")) == "not-permitted"


@pytest.mark.parametrize("command", ["status", "cost", "continue"])
def test_what_only_asks_or_goes_on_may_be_sent_again(command):
    active = facts(run(RunState.ACTIVE, approval=digest_of(b"approval")), attempt=2)
    assert code(dispatched(command), active) == command


@pytest.mark.parametrize(("event", "wanted"), [(label(), "start"), (said(), "approve")])
def test_a_label_and_a_comment_have_a_time_and_may_be_looked_at_again(event, wanted):
    there = run() if isinstance(event, CommentWritten) else None
    assert code(event, facts(there, attempt=2)) == wanted


def test_what_is_foreign_stays_so():
    made = decision(Foreign("other-label", "Not ours."), facts())
    assert made == Ignore("other-label", "Not ours.")


# Starting


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("phasegate", Start("change", with_research=True)),
        ("phasegate:research", Start("findings", with_research=True)),
        ("phasegate:plan", Start("change", with_research=False)),
    ],
)
def test_what_a_label_starts(name, start):
    assert decision(label(name), facts()) == start


@pytest.mark.parametrize(
    ("command", "purpose", "with_research"),
    [("start", "change", True), ("research", "findings", True), ("plan", "change", False)],
)
def test_what_a_dispatch_starts(command, purpose, with_research):
    wishes = Overrides(models=(TierModel(tier="plan", model="m"),), usd=Decimal(3))
    made = decision(dispatched(command, overrides=wishes, dry_run=True), facts())
    assert made == Start(purpose, with_research=with_research, overrides=wishes, dry_run=True)


@pytest.mark.parametrize(
    ("event", "found", "wanted"),
    [
        (label(issue=issue_json(state="closed")), facts(), "issue-closed"),
        (label(issue=issue_json(locked=True)), facts(), "locked"),
        (label(issue=issue_json(pull_request={})), facts(), "is-pull-request"),
        (dispatched(), facts(target=None), "no-such-issue"),
        (dispatched(), facts(target=Target(7, False, False, False)), "issue-closed"),
        (dispatched(), facts(target=Target(7, True, False, True)), "locked"),
        (dispatched(), facts(target=Target.of(thread(number=9, pull=pull()))), "is-pull-request"),
        (dispatched("status"), facts(target=Target.of(thread(number=9, pull=pull()))), "is-pull-request"),
        (dispatched(), facts(target=Target.of(thread(pull=pull()))), "start"),
        (dispatched(), facts(target=Target.of(thread(is_open=False))), "issue-closed"),
        (dispatched(), facts(target=Target.of(thread(), is_locked=True)), "locked"),
    ],
)
def test_what_can_be_started(event, found, wanted):
    assert code(event, found) == wanted


OPEN, CLOSED, READY = pull(), pull(is_open=False), pull(is_draft=False)
OVER = (RunState.FAILED, RunState.REJECTED, RunState.CANCELLED)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (run(RunState.ACTIVE), "run-under-way"),
        (run(RunState.WAITING), "run-under-way"),
        (run(RunState.WAITING, waiting_for=ANSWERS, pull=None), "run-under-way"),
        (run(RunState.DONE), "done-already"),
        (run(RunState.MANUAL), "done-already"),
        (run(RunState.DONE, pull=CLOSED), "start"),
        (run(RunState.DONE, pull=None), "start"),
        (run(RunState.MANUAL, pull=None), "start"),
        *((run(state, pull=it), "start") for state in OVER for it in (OPEN, CLOSED, None)),
        (run(progress=None, pull=OPEN), "done-already"),
        (run(progress=None, pull=None), "start"),
        (run(progress=None, tip=None, is_ours=False), "start"),
        (run(RunState.FAILED, created=ago(59)), "older-than-run"),
        (run(RunState.ACTIVE, created=ago(59)), "older-than-run"),
        (run(RunState.FAILED, created=ago(60)), "start"),
        (run(RunState.REJECTED, pull=READY), "done-already"),
    ],
)
def test_whether_there_was_a_run_before(before, wanted):
    assert code(label(), facts(before)) == wanted


FOREIGN = ({"unreadable": "it is no JSON."}, {"is_status_edited": True}, {})
"""Why a branch may not be ours."""


@pytest.mark.parametrize("why", FOREIGN)
@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (run(progress=None), "start"),
        (run(progress=None, pull=None), "start"),
        (run(progress=None, pull=CLOSED), "start"),
        *((run(state), "start") for state in RunState if state not in {RunState.DONE, RunState.MANUAL}),
        (run(RunState.DONE), "done-already"),
        (run(RunState.MANUAL), "done-already"),
        (run(RunState.MANUAL, pull=None), "start"),
        (run(RunState.ACTIVE, created=ago(59)), "older-than-run"),
        (run(progress=None, pull=READY), "done-already"),
        (run(RunState.ACTIVE, pull=READY), "done-already"),
        (run(progress=None, pull=replace(READY, is_open=False)), "start"),
    ],
)
@pytest.mark.parametrize("event", [label(), dispatched()], ids=["label", "dispatch"])
def test_a_run_that_proves_nothing_is_replaced_unless_people_work_on_it(event, before, wanted, why):
    """A dispatch is said now, so it is never older than the run."""
    there = replace(before, is_ours=False, **why)
    expected = "start" if isinstance(event, Dispatched) and wanted == "older-than-run" else wanted
    assert code(event, facts(there)) == expected
    assert code(event, facts(there, permission="read")) == "not-permitted"


@pytest.mark.parametrize("why", FOREIGN)
def test_whoever_speaks_to_a_run_that_proves_nothing_is_told_how_to_start_anew(why):
    there = run(progress=None, is_ours=False, **why)
    made = decision(said("/cancel"), facts(there))
    assert "Label issue #7 again to start anew; that replaces what is on the branch `phasegate/issue-7`." in made.mend
    assert "merged or closed" not in made.mend
    assert code(label(), facts(there)) == "start"
    assert "Once it is merged or closed" in decision(said("/cancel"), facts(replace(there, pull=READY))).mend
    merged = replace(there, pull=replace(READY, is_open=False))
    assert decision(said("/cancel"), facts(merged)).mend == made.mend


def test_an_edit_of_the_status_comment_is_not_called_a_push():
    made = decision(said("/retry"), facts(run(is_ours=False, is_status_edited=True)))
    assert (made.code, "pushed" in made.what) == ("status-edited", False)
    assert "status comment" in made.what


def test_a_run_that_is_under_way_says_how_it_goes_on():
    made = decision(label(), facts(run()))
    assert "waits for the approval of its plan" in made.what
    assert "`/approve`" in made.mend
    assert "`/cancel`" in made.mend


# Where commands are said


@pytest.mark.parametrize("verb", [*sorted(ON_PULL_ONLY), "answer", "retry", "status", "cost", "cancel"])
def test_every_command_is_heard_on_the_pull_request(verb):
    there = {
        "answer": run(waiting_for=ANSWERS),
        "retry": run(RunState.FAILED),
    }.get(verb, run())
    assert code(said(f"/{verb}{ARGUMENTS.get(verb, '')}"), facts(there)) == verb


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("found", [pull(), None])
def test_what_is_about_the_plan_belongs_on_the_pull_request(verb, found):
    there = {"answer": run(waiting_for=ANSWERS, pull=found), "retry": run(RunState.FAILED, pull=found)}
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}", on_issue=True)
    made = decision(event, facts(there.get(verb, run(pull=found))))
    if verb not in ON_PULL_ONLY:
        assert made.code == verb
    elif found is None:
        assert made.code == "no-pull"
    else:
        assert (made.code, "#9" in made.mend) == ("comment-on-pull", True)


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_run_there_is_nothing_to_say(verb):
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}", on_issue=True)
    assert code(event, facts()) == "no-run"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"pull": None}, "no-pull"),
        ({"pull": pull(number=10)}, "other-pull"),
        ({"pull": pull(is_from_fork=True)}, "from-fork"),
        ({"pull": pull(is_from_fork=True, is_open=False, base_branch="x")}, "from-fork"),
        ({"pull": pull(head_branch="phasegate/issue-8")}, "other-branch"),
        ({"pull": pull(head_branch="phasegate/issue-07")}, "other-branch"),
        ({"pull": pull(head_branch="refs/heads/phasegate/issue-7")}, "other-branch"),
        ({"tip": None, "progress": None, "is_ours": False}, "no-run"),
        ({"is_ours": False}, "head-moved"),
        ({"is_ours": False, "unreadable": "it is no JSON"}, "run-unreadable"),
        ({"is_ours": False, "is_status_edited": True}, "status-edited"),
        ({"is_ours": False, "is_status_edited": True, "unreadable": "it carries no state"}, "status-edited"),
    ],
)
def test_no_command_is_heard_where_the_run_cannot_be_trusted(verb, changes, wanted):
    assert code(said(f"/{verb}{ARGUMENTS.get(verb, '')}"), facts(run(**changes))) == wanted


@pytest.mark.parametrize("verb", VERBS)
def test_a_finished_run_does_nothing_more_and_tells_where_everything_is_told(verb):
    made = decision(said(f"/{verb}{ARGUMENTS.get(verb, '')}"), facts(run(progress=None)))
    if verb in {"status", "cost"}:
        assert (made.code, "#9" in made.what) == (verb, True)
        assert isinstance(made, Tell)
    else:
        assert (made.code, type(made)) == ("run-over", Refuse)


@pytest.mark.parametrize("verb", ["status", "cost"])
def test_a_finished_run_whose_pull_request_is_merged_is_told_of_on_its_issue(verb):
    made = decision(said(f"/{verb}", on_issue=True), facts(run(progress=None, pull=None)))
    assert made == Tell(
        verb, "The run is done. The status comment on its pull request says how it went and what it cost."
    )


def test_a_branch_that_was_renamed_is_not_said_to_be_there_to_point_at():
    made = decision(said(), facts(run(pull=pull(base_branch="trunk"))))
    assert made.mend.startswith("Point it at `main` again. If that branch is gone or has another name now, write")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("changes", "wanted", "heard"),
    [
        ({"pull": pull(is_open=False)}, "pull-closed", {"status", "cost", "cancel"}),
        ({"pull": pull(base_branch="release")}, "base-changed", {"status", "cost", "cancel"}),
        ({"is_plan_edited": True}, "plan-edited", {"status", "cost", "cancel", "adopt"}),
    ],
)
def test_what_is_heard_when_somebody_changed_something(verb, changes, wanted, heard):
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}")
    assert code(event, facts(run(**changes))) == (verb if verb in heard else wanted)


@pytest.mark.parametrize("verb", ["answer", "retry", "status", "cost", "cancel"])
def test_on_a_closed_issue_a_run_is_only_looked_at_or_ended(verb):
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}", on_issue=True)
    there = (
        run(waiting_for=ANSWERS) if verb == "answer" else run(RunState.FAILED if verb == "retry" else RunState.ACTIVE)
    )
    event = replace(event, issue=replace(event.issue, is_open=False))
    assert code(event, facts(there)) == (verb if verb in {"status", "cost", "cancel"} else "issue-closed")


def test_in_a_locked_conversation_nothing_is_heard():
    event = said()
    assert code(replace(event, issue=replace(event.issue, is_locked=True)), facts(run())) == "locked"


def test_a_command_that_cannot_be_understood_is_answered():
    made = decision(said("/approve please"), facts(run()))
    assert (made.code, "8 to 64" in made.what) == ("malformed", True)
    assert code(said("/approve please"), facts(run(), permission="read")) == "not-permitted"


# What a run in each state has a use for


STATES = {
    "active": run(RunState.ACTIVE),
    "waiting": run(),
    "asking": run(waiting_for=ANSWERS),
    "done": run(RunState.DONE),
    "failed": run(RunState.FAILED),
    "rejected": run(RunState.REJECTED),
    "manual": run(RunState.MANUAL),
    "cancelled": run(RunState.CANCELLED),
}
NO_PLAN_TO = "not-waiting-for-approval"
TABLE = {
    "approve": {"waiting": "approve"},
    "revise": {"waiting": "revise"},
    "replan": {"waiting": "replan"},
    "reject": {"waiting": "reject"},
    "adopt": {"waiting": "adopt"},
    "answer": {"asking": "answer"},
    "retry": {"active": "retry", "failed": "retry", "cancelled": "retry", "waiting": "waiting", "asking": "waiting"},
    "cancel": {"active": "cancel", "waiting": "cancel", "asking": "cancel"},
    "manual": dict.fromkeys(STATES, "manual"),
    "status": dict.fromkeys(STATES, "status"),
    "cost": dict.fromkeys(STATES, "cost"),
}
OTHERWISE = {"answer": "not-waiting-for-answers", "retry": "run-over", "cancel": "run-over"}


def test_the_table_has_every_command_and_every_state():
    assert set(TABLE) == set(VERBS)
    assert {(it.progress.state, it.progress.waiting_for) for it in STATES.values()} == {
        (state, waiting)
        for state, waiting in product(RunState, (None, *WaitingFor))
        if (state is RunState.WAITING) == (waiting is not None)
    }


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", VERBS)
def test_what_a_run_in_this_state_has_a_use_for(verb, state):
    made = decision(said(f"/{verb}{ARGUMENTS.get(verb, '')}"), facts(STATES[state]))
    assert made.code == TABLE[verb].get(state, OTHERWISE.get(verb, NO_PLAN_TO))
    if made.code == verb:
        told = verb in {"status", "cost"} or (verb == "manual" and state not in {"active", "waiting", "asking"})
        assert isinstance(made, Tell if told else Speak)


@pytest.mark.parametrize("verb", ["approve", "adopt", "manual"])
def test_without_a_plan_there_is_nothing_to_approve_adopt_or_take_over(verb):
    assert code(said(f"/{verb}"), facts(run(plan=None))) == "no-plan"
    drafted = run(purpose="primer")
    assert code(said(f"/{verb}"), facts(drafted)) == ("approve" if verb == "approve" else "no-plan")
    assert code(said("/manual"), facts(run(RunState.ACTIVE, plan=None))) == "no-plan"


def test_what_was_said_reaches_the_run_with_who_said_it():
    by = Approver(id="1", login="ann", permission="write")
    made = decision(said("/revise smaller\nsteps"), facts(run()))
    assert made == Speak("revise", by, text="smaller\nsteps")
    made = decision(dispatched("reject", text="no", dry_run=True), facts(run(), permission="admin"))
    assert made == Speak("reject", by.model_copy(update={"permission": "admin"}), text="no", dry_run=True)


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_from_before_the_run_is_not_applied_to_it(verb):
    there = (
        run(waiting_for=ANSWERS) if verb == "answer" else run(RunState.ACTIVE if verb == "retry" else RunState.WAITING)
    )
    event = said(f"/{verb}{ARGUMENTS.get(verb, '')}", at=ago(7201))
    assert code(event, facts(there)) == (verb if verb in {"status", "cost"} else "older-than-run")


def ended(name, seconds):
    entries = (PhaseProgress(id=phase) for phase in PhaseName)
    changes = {"status": PhaseStatus.DONE, "ended": ago(seconds)}
    return tuple(entry.model_copy(update=changes) if entry.id is name else entry for entry in entries)


@pytest.mark.parametrize("verb", ["approve", "revise", "replan", "reject", "adopt", "answer"])
@pytest.mark.parametrize("name", [PhaseName.PLAN, PhaseName.CORRECT])
def test_a_word_from_before_the_plan_or_the_questions_is_not_for_them(verb, name):
    waiting = ANSWERS if verb == "answer" else APPROVAL
    there = run(waiting_for=waiting, phases=ended(name, 100), plan_comment=None)
    text = f"/{verb}{ARGUMENTS.get(verb, '')}"
    assert code(said(text, at=ago(101)), facts(there)) == "older-than-plan"
    assert code(said(text, at=ago(100)), facts(there)) == ("plan-comment-missing" if verb == "approve" else verb)
    assert code(said(text, at=ago(3601)), facts(run(waiting_for=waiting))) == "older-than-plan"


@pytest.mark.parametrize("verb", ["retry", "cancel", "manual"])
def test_what_is_no_answer_to_a_plan_may_be_older_than_it(verb):
    there = run(RunState.ACTIVE, phases=ended(PhaseName.PLAN, 100))
    assert code(said(f"/{verb}", at=ago(101)), facts(there)) == verb


# Approving


def test_a_yes_names_the_plan_that_it_is_for():
    by = Approver(id="1", login="ann", permission="write")
    for body in ("/approve", f"/approve {PLAN}", f"/approve {PLAN[:8]}"):
        assert decision(said(body), facts(run())) == Speak("approve", by, digest=PLAN)


@pytest.mark.parametrize(
    ("body", "rules", "wanted"),
    [
        (f"/approve {digest_of(b'other')}", {}, "other-plan"),
        (f"/approve {digest_of(b'other')[:8]}", {}, "other-plan"),
        (f"/approve {PLAN[:8]}00000000", {}, "other-plan"),
        ("/approve", {"require_digest": True}, "digest-needed"),
        (f"/approve {PLAN[:8]}", {"require_digest": True}, "approve"),
    ],
)
def test_the_digest_is_that_of_the_plan_in_force(body, rules, wanted):
    made = decision(said(body), facts(run()), config(**rules))
    assert made.code == wanted
    if isinstance(made, Refuse):
        assert f"`/approve {PLAN[:12]}`" in made.mend


def test_a_dispatch_has_no_time_at_which_it_was_written_so_it_names_the_plan():
    assert code(dispatched("approve"), facts(run())) == "digest-needed"
    made = decision(dispatched("approve", digest=PLAN[:12], dry_run=True), facts(run()))
    assert (made.code, made.digest, made.dry_run) == ("approve", PLAN, True)


def shown(marker=None, **changes):
    return our_comment(10, marker or PlanMarker("7", 1, PLAN, TIP), **({"created": ago(3600)} | changes))


@pytest.mark.parametrize(
    ("plan_comment", "wanted"),
    [
        (None, "plan-comment-missing"),
        (shown("The marker is gone."), "plan-comment-missing"),
        (shown(ReplyMarker("7", 1)), "plan-comment-missing"),
        (shown(PlanMarker("8", 1, PLAN, TIP)), "plan-comment-missing"),
        (shown(PlanMarker("7", 1, digest_of(b"other"), TIP)), "plan-comment-missing"),
        (comment(10, f"{PlanMarker('7', 1, PLAN, TIP)}\n"), "plan-comment-missing"),
        (shown(edited_by_other=True, edited=ago(1000)), "plan-comment-edited"),
        (shown(PlanMarker("7", 1, PLAN, OTHER_TIP)), "head-moved"),
        (shown(PlanMarker("7", 2, PLAN, TIP)), "approve"),
        (shown(edited=ago(1000)), "approve"),
        (shown(is_minimised=True), "approve"),
    ],
)
def test_the_plan_is_approved_as_it_was_shown(plan_comment, wanted):
    assert code(said(), facts(run(plan_comment=plan_comment))) == wanted


def test_an_edited_plan_comment_voids_even_a_yes_that_names_the_plan():
    edited = run(plan_comment=shown(edited_by_other=True))
    assert code(said(f"/approve {PLAN}"), facts(edited)) == "plan-comment-edited"


@pytest.mark.parametrize(
    ("settle", "after", "wanted"),
    [
        (60, 59, "too-early"),
        (60, 60, "approve"),
        (0, 0, "too-early"),
        (0, 1, "approve"),
        (3600, 3599, "too-early"),
        (60, -1, "older-than-plan"),
    ],
)
@pytest.mark.parametrize("body", ["/approve", f"/approve {PLAN}"])
@pytest.mark.parametrize("how", ["created", "edited"])
def test_a_plan_has_to_stand_before_it_can_be_approved(settle, after, wanted, body, how):
    plan_comment = shown(**({"created": ago(5000)} | {how: ago(4000)}))
    made = decision(said(body, at=ago(4000 - after)), facts(run(plan_comment=plan_comment)), config(settle=settle))
    assert made.code == wanted
    if wanted == "too-early":
        assert f"{ago(4000 - max(settle, 1)):%H:%M:%S} UTC" in made.what


def test_a_plan_that_is_too_old_is_made_anew():
    event, at = said(at=ago(10)), ago(3600) + timedelta(hours=2)
    event = replace(event, at=at - timedelta(seconds=10))
    assert code(event, facts(run()), config(expires=2), now=at) == "approve"
    made = decision(event, facts(run()), config(expires=2), now=at + timedelta(seconds=1))
    assert (made.code, "/replan" in made.mend) == ("plan-expired", True)


@pytest.mark.parametrize(
    ("by", "teams", "wanted"),
    [
        ((), frozenset(), "approve"),
        (("ann",), frozenset(), "approve"),
        (("Ann",), frozenset(), "approve"),
        (("bob",), frozenset(), "not-an-approver"),
        (("bob", "ann"), frozenset(), "approve"),
        (("@acme/core",), frozenset({"@acme/core"}), "approve"),
        (("@Acme/Core",), frozenset({"@acme/core"}), "approve"),
        (("@acme/core",), frozenset({"@acme/other"}), "not-an-approver"),
        (("@acme/core",), frozenset(), "not-an-approver"),
        (("bob", "@acme/core"), frozenset({"@acme/core"}), "approve"),
        (("ann-b",), frozenset(), "not-an-approver"),
    ],
)
def test_the_configuration_says_who_approves(by, teams, wanted):
    made = decision(said(), facts(run(), teams=teams), config(by=list(by)))
    assert made.code == wanted
    if wanted == "not-an-approver":
        assert all(f"`{name}`" in made.mend for name in by)


def test_being_named_does_not_replace_the_permission():
    assert code(said(), facts(run(), permission="read"), config(by=["ann"])) == "not-permitted"


@pytest.mark.parametrize(
    ("login", "id_", "wanted"),
    [
        ("bob", 2, "approve"),
        ("bob", None, "approve"),
        ("ann", 1, "requester"),
        ("ann", None, "requester"),
        ("ANN", None, "requester"),
        ("ann", 99, "requester"),
        ("renamed", 1, "requester"),
    ],
)
def test_four_eyes_mean_that_who_started_the_run_does_not_approve_it(login, id_, wanted):
    there = facts(run(requester=login, requester_id=id_))
    assert code(said(), there, config(not_requester=True)) == wanted
    assert code(said(), there) == "approve"


def yes(id_, login=None, permission="write", teams=frozenset()):
    return Yes(Approver(id=str(id_), login=login or f"p{id_}", permission=permission), teams)


@pytest.mark.parametrize(
    ("required", "before", "wanted"),
    [
        (1, (), None),
        (2, (), Counted(1, 2)),
        (2, (yes(3),), ("p3",)),
        (2, (yes(1, "ann"),), Counted(1, 2)),
        (2, (yes(1, "was-ann"),), Counted(1, 2)),
        (2, (yes(3, permission="read"),), Counted(1, 2)),
        (2, (yes(3, permission="none"),), Counted(1, 2)),
        (3, (yes(3), yes(3, "renamed")), Counted(2, 3)),
        (3, (yes(3), yes(4)), ("p3", "p4")),
        (2, (yes(3), yes(4)), ("p3",)),
        (6, (yes(3), yes(4), yes(5)), Counted(4, 6)),
    ],
)
def test_where_several_have_to_approve_each_counts_once(required, before, wanted):
    made = decision(said(), facts(run(yes=before)), config(required=required))
    if isinstance(wanted, Counted):
        assert made == wanted
    else:
        assert tuple(other.login for other in made.others) == (wanted or ())


def test_the_rules_hold_for_those_who_approved_before_too():
    before = (yes(2, "bob"), yes(3, "carl", teams=frozenset({"@acme/core"})), yes(4, "dora"))
    rules = config(required=2, not_requester=True, by=["ann", "bob", "@acme/core"])
    assert decision(said(), facts(run(yes=before)), rules).others == (before[1].approver,)
    assert decision(said(), facts(run(yes=(before[0], before[2]))), rules) == Counted(1, 2)


# While a workflow run is at work

AT_WORK = "https://github.example/octo/app/actions/runs/77"
CHANGING = tuple(verb for verb in VERBS if verb not in {"status", "cost", "cancel"})


@pytest.mark.parametrize("there", [run(), run(RunState.ACTIVE), run(waiting_for=ANSWERS)])
@pytest.mark.parametrize("verb", CHANGING)
def test_nobody_sets_a_second_one_to_work(verb, there):
    made = decision(said(f"/{verb}{ARGUMENTS.get(verb, '')}"), facts(there, at_work=AT_WORK))
    assert made.code == "at-work"
    assert f"`{AT_WORK}`" in made.what
    assert made.mend == "Wait until it is done, or write `/cancel` and then `/retry`."
    assert code(said("/cancel"), facts(there, at_work=AT_WORK)) == "cancel"


@pytest.mark.parametrize("event", [label(), label("phasegate:plan"), dispatched("research")])
@pytest.mark.parametrize("there", [run(RunState.ACTIVE), run(RunState.FAILED), run(is_ours=False), None])
def test_no_run_starts_beside_one_that_is_at_work(event, there):
    made = decision(event, facts(there, at_work=AT_WORK))
    assert (made.code, "/retry" in made.mend) == ("at-work", False)


@pytest.mark.parametrize("there", [run(), run(RunState.FAILED), run(progress=None)])
@pytest.mark.parametrize("verb", ["status", "cost"])
def test_it_can_be_asked_where_things_are(verb, there):
    assert code(said(f"/{verb}"), facts(there, at_work=AT_WORK)) == verb


@pytest.mark.parametrize(
    "there", [run(RunState.FAILED), run(RunState.CANCELLED), run(progress=None), run(is_ours=False)]
)
@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_what_is_at_work_on_a_run_that_is_over_can_only_be_cancelled_on_its_page(verb, there):
    made = decision(said(f"/{verb}"), facts(there, at_work=AT_WORK))
    assert (made.code, made.mend) == ("at-work", "Wait until it is done, or cancel it on its page.")


@pytest.mark.parametrize("there", [None, run(progress=None, tip=None, is_ours=False, pull=None)])
@pytest.mark.parametrize(
    "event", [*(said(f"/{verb}{ARGUMENTS.get(verb, '')}", on_issue=True) for verb in VERBS), label()]
)
def test_before_anything_is_published_the_page_of_the_workflow_run_is_named(event, there):
    made = decision(event, facts(there, at_work=AT_WORK))
    assert (made.code, "on a branch yet" in made.what, AT_WORK in made.what) == ("at-work", True, True)
    assert made.mend == "Wait until it is done, or cancel it on its page."


@pytest.mark.parametrize("sender", [OURSELVES, ANN])
def test_the_next_slice_waits_for_nobody_who_is_at_work(sender):
    active = facts(run(RunState.ACTIVE, approval=digest_of(b"approval")), at_work=AT_WORK)
    made = decision(dispatched("continue", sender), active)
    assert (made.code, AT_WORK in made.why) == ("at-work", True)


def test_who_may_not_command_is_not_told_what_is_at_work():
    assert code(said(), facts(run(), permission="read", at_work=AT_WORK)) == "not-permitted"


# The next slice


@pytest.mark.parametrize("sender", [OURSELVES, ANN])
def test_an_approved_run_goes_on(sender):
    active = run(RunState.ACTIVE, approval=digest_of(b"approval"))
    permission = None if sender is OURSELVES else "write"
    assert decision(dispatched("continue", sender), facts(active, permission=permission)) == GoOn()
    assert decision(dispatched("continue", sender, dry_run=True), facts(active, permission="write")) == GoOn(
        dry_run=True
    )


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (run(RunState.ACTIVE), "not-approved"),
        *(
            (run(state, approval=digest_of(b"approval")), "not-approved")
            for state in RunState
            if state is not RunState.ACTIVE
        ),
        (None, "no-run"),
    ],
)
def test_a_run_that_is_not_at_work_on_what_was_approved_does_not_go_on(there, wanted):
    assert code(dispatched("continue"), facts(there)) == wanted
    assert code(dispatched("continue", OURSELVES), facts(there, permission=None)) == "nothing-to-continue"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"pull": None}, "no-pull"),
        ({"pull": pull(is_open=False)}, "pull-closed"),
        ({"pull": pull(base_branch="x")}, "base-changed"),
        ({"is_ours": False}, "head-moved"),
        ({"progress": None}, "nothing-to-continue"),
        ({"is_plan_edited": True}, "plan-edited"),
        ({"created": NOW + timedelta(seconds=1)}, "older-than-run"),
    ],
)
def test_a_run_that_somebody_interfered_with_stops_and_says_so(changes, wanted):
    active = run(RunState.ACTIVE, **({"approval": digest_of(b"approval")} | changes))
    assert code(dispatched("continue", OURSELVES), facts(active)) == wanted
    closed = facts(active, target=Target(7, False, False, False))
    assert code(dispatched("continue", OURSELVES), closed) == "issue-closed"


# Everything at once


PEOPLE = (ANN, BOB, BOT, OURSELVES)
EVENTS = (
    *(said(f"/{verb}{ARGUMENTS.get(verb, '')}") for verb in VERBS),
    *(said(f"/{verb}{ARGUMENTS.get(verb, '')}", on_issue=True) for verb in VERBS),
    *(dispatched(command) for command in ("start", "research", "plan", "continue", *VERBS)),
    label(),
)


@given(
    st.sampled_from(EVENTS),
    st.sampled_from(PEOPLE),
    st.sampled_from(PEOPLE),
    st.sampled_from(("admin", "write", "read", "none", None)),
    st.sampled_from((None, *STATES.values())),
    st.booleans(),
)
def test_nothing_is_done_but_for_a_writer_who_is_a_person_and_speaks_for_themselves(
    event, sender, author, permission, there, trusted
):
    event = replace(event, sender=sender)
    if isinstance(event, CommentWritten):
        event = replace(event, author=author)
    there = there and replace(there, is_ours=trusted)
    made = decision(event, facts(there, permission=permission))
    if isinstance(made, Start | Speak | Tell | Counted):
        assert permission in {"admin", "write"}
        assert sender in {ANN, BOB}
        assert not isinstance(event, CommentWritten) or author == sender
    if isinstance(made, Speak | Tell | Counted | GoOn):
        assert trusted


def test_the_payload_of_a_program_is_decided_on_as_a_comment_is():
    event = parse_event("repository_dispatch", repository_dispatched(command="approve", digest=PLAN[:12]))
    assert code(event, facts(run())) == "approve"
    assert code(event, facts(run(), permission="read")) == "not-permitted"


def test_every_decision_has_a_code_that_programs_can_read():
    by = Approver(id="1", login="ann", permission="write")
    made = (Start("change", with_research=True), Speak("retry", by), GoOn(), Tell("cost"), Counted(1, 2))
    assert [one.code for one in made] == ["start", "retry", "continue", "cost", "counted"]
    assert not {one.code for one in made} & CODES.keys()


def test_the_list_of_codes_names_all_that_are_used_and_no_others():
    """Of those that are put together from parts there are two."""
    sources = (
        inspect.getsource(module) for module in (approving, decide_module, events, hearing, run_states, standing)
    )
    used = set(re.findall(r'(?:Refuse|Ignore|Foreign)\(\s*"([a-z-]+)"', "\n".join(sources)))
    used |= {f"not-waiting-for-{waiting}" for waiting in WaitingFor}
    assert used | {"waiting", "run-over"} == CODES.keys()


def test_every_code_has_words_and_fits_into_an_answer():
    for name, words in CODES.items():
        assert Answer(code=name, topic="refused", what=words).code == name
        assert words.endswith(".")
