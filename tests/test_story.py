"""The story of the demo, told by what it leaves: documents, conversations, commits, progress, evidence."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from phasegate.documents.approval import Approval
from phasegate.documents.chain import audit
from phasegate.documents.change_set import Blocked, ChangeSet, TaskResult
from phasegate.documents.findings import Findings, ScoutReport
from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import parse_plan
from phasegate.documents.progress import PhaseName, PhaseStatus, Progress, RunState, Usage, WorkStatus
from phasegate.documents.review import Review
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.prices import Prices
from phasegate.steps import STEPS
from repositories import git, user_state, write_file
from scenes import HAIKU, OPUS, SONNET
from stage import DEMO, Stage, demo_stage, identity

READING = {"read", "list", "search"}
WORKING = READING | {"str_replace_based_edit_tool", "bash"}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The demo, played once in a checkout that is dirty and has a stash; and the user's state before it."""
    stage = demo_stage(tmp_path_factory.mktemp("story"))
    identity(stage)
    write_file(stage.repository, "tally/report.py", "stashed\n")
    git(stage.repository, "stash", "push", "--quiet")
    write_file(stage.repository, "tally/counting.py", "half of an idea\n")
    write_file(stage.repository, "notes.txt", "mine\n")
    write_file(stage.repository, "README.md", "staged\n")
    git(stage.repository, "add", "README.md")
    before = user_state(stage.repository)
    outcome = stage.cli("run", "--issue", str(DEMO / "issue.md"), "--yes")
    assert outcome.code == 0, outcome.err
    return stage, outcome, before


@pytest.fixture
def stage(told) -> Stage:
    return told[0]


@pytest.fixture
def progress(stage) -> Progress:
    return stage.store().progress


def only(stage, kind):
    [document] = stage.store().all(kind)
    return document


def plans(stage):
    first, second = sorted(stage.store().all(Plan), key=lambda plan: plan.revision)
    return first, second


def reports(stage):
    """The gate reports: the one that failed, the one that passed."""
    return sorted(stage.store().all(GateReport), key=lambda report: report.payload.passed)


def change_sets(stage):
    """The change sets before and after the repair."""
    return sorted(stage.store().all(ChangeSet), key=lambda change: len(change.payload.tasks))


def test_the_snapshot_freezes_what_was_asked_and_on_what(stage):
    snapshot = only(stage, Snapshot).payload
    title, _, body = (DEMO / "issue.md").read_text("utf-8").partition("\n")

    assert snapshot.issue.title == title.removeprefix("# ")
    assert snapshot.issue.body == body.strip()
    assert snapshot.base_sha == git(stage.repository, "rev-parse", "main")
    assert snapshot.base_branch == "main"
    assert snapshot.trigger.actor == "Ann Author"


def test_each_scout_leaves_a_report_and_its_details_in_a_file(stage):
    found = sorted(stage.store().all(ScoutReport), key=lambda report: report.payload.scout)

    assert [report.payload.scout for report in found] == ["S1", "S2", "S3"]
    for report in found:
        assert report.made_by.model == HAIKU
        assert report.payload.status == "success"
        assert report.parents == (only(stage, Snapshot).digest,)
        assert stage.store().details(report.payload.details_file).startswith(("tally/", "tests/", "tools/"))


def test_the_findings_rest_on_the_snapshot_and_the_scouts(stage):
    findings = only(stage, Findings)
    scouts = {report.digest for report in stage.store().all(ScoutReport)}

    assert findings.parents[0] == only(stage, Snapshot).digest
    assert set(findings.parents[1:]) == scouts
    assert findings.made_by.model == OPUS
    assert findings.payload.cited_paths() <= set(git(stage.repository, "ls-tree", "-r", "--name-only", "main").split())


def test_the_plan_rests_on_the_findings_and_its_correction_on_the_blocked_task(stage):
    first, second = plans(stage)

    assert first.parents == (only(stage, Snapshot).digest, only(stage, Findings).digest)
    assert (first.revision, first.made_by.step, first.made_by.model) == (1, "plan", OPUS)
    assert second.parents == (first.digest, only(stage, Blocked).digest)
    assert (second.revision, second.made_by.step, second.made_by.model) == (2, "correct", OPUS)
    assert second.scope == first.scope
    assert second.payload.task("T2").description != first.payload.task("T2").description


def test_the_approval_binds_the_first_plan_its_commit_and_the_person(stage):
    approval, [first, _] = only(stage, Approval), plans(stage)
    plan_commit = git(stage.repository, "rev-list", "--reverse", "main..phasegate/L1").split()[0]

    assert approval.parents == (first.digest,)
    assert approval.payload.subject == first.digest
    assert approval.payload.base_sha == git(stage.repository, "rev-parse", "main")
    assert approval.payload.head_sha == plan_commit
    assert approval.payload.approver.login == "Ann Author"


def test_the_blocked_task_says_what_does_not_hold(stage):
    blocked = only(stage, Blocked)

    assert blocked.payload.task == "T2"
    assert "render() takes no parameter form" in blocked.payload.blocked.reason
    assert blocked.parents == (plans(stage)[0].digest, only(stage, Approval).digest)


def test_each_task_leaves_its_result_with_the_check_that_decided(stage):
    results = {result.payload.task: result for result in stage.store().all(TaskResult)}
    first, second = plans(stage)

    assert {task: result.payload.plan for task, result in results.items()} == {
        "T1": first.digest,
        "T3": first.digest,
        "T2": second.digest,
        "R1": second.digest,
    }
    assert {task: result.payload.check and result.payload.check.passed for task, result in results.items()} == {
        "T1": True,
        "T2": True,
        "T3": None,
        "R1": None,
    }
    assert all(result.made_by.model == SONNET for result in results.values())
    assert reports(stage)[0].digest in results["R1"].parents


def test_the_change_sets_hold_what_the_branch_changes_but_for_the_plan(stage, progress):
    before, after = change_sets(stage)
    listed = git(stage.repository, "diff", "--name-only", "main", progress.head_sha).split()

    assert [entry.path for entry in after.payload.entries] == [path for path in listed if ".claude" not in path]
    assert {entry.path: entry.op for entry in after.payload.entries} == {
        "README.md": "modify",
        "tally/cli.py": "modify",
        "tally/json_report.py": "create",
        "tests/test_cli.py": "modify",
        "tests/test_json_report.py": "create",
    }
    assert [task.task for task in after.payload.tasks] == ["T1", "T2", "T3", "R1"]
    assert [task.task for task in before.payload.tasks] == ["T1", "T2", "T3"]
    for entry in after.payload.entries:
        assert entry.data().decode().rstrip("\n") == stage.file(entry.path).rstrip("\n")


def test_the_gates_leave_their_evidence(stage):
    failed, passed = reports(stage)
    before, after = change_sets(stage)

    assert (failed.parents, passed.parents) == ((before.digest,), (after.digest,))
    assert [(gate.name, gate.exit_code) for gate in failed.payload.gates] == [("test", 0), ("docs", 1)]
    assert "the table of options has no row for `--json`" in failed.payload.gates[1].tail
    assert [(gate.name, gate.exit_code) for gate in passed.payload.gates] == [("test", 0), ("docs", 0)]
    assert "OK" in passed.payload.gates[0].tail
    assert passed.payload.definitions_from == git(stage.repository, "rev-parse", "main")


def test_the_review_rests_on_plan_change_and_gates(stage):
    review = only(stage, Review)

    assert review.parents == (plans(stage)[1].digest, change_sets(stage)[1].digest, reports(stage)[1].digest)
    assert review.payload.verdict == "approve"
    assert review.made_by.model == OPUS


def test_every_document_was_made_by_a_step_that_may_make_it(stage):
    stored = stage.store().stored()

    for file in stored:
        made_by = json.loads(file.content)["made_by"]["step"]
        assert file.kind in STEPS[made_by].makes, f"{made_by} made a {file.kind}"
    assert Counter(file.kind for file in stored) == {
        "snapshot": 1,
        "scout-report": 3,
        "findings": 1,
        "plan": 2,
        "approval": 1,
        "blocked": 1,
        "task-result": 4,
        "change-set": 2,
        "gate-report": 2,
        "review": 1,
    }


def test_the_chain_is_intact(stage, progress):
    assert audit(progress, stage.store().stored()).faults == ()


def test_who_was_asked_in_which_order_and_with_which_tools(stage):
    work = WORKING | {"submit", "report_blocked"}
    conversations = list(dict.fromkeys((one.scene, one.body["model"], frozenset(one.tools)) for one in stage.asked()))
    scouts, rest = conversations[:3], conversations[3:]
    side_by_side, rest = rest[2:4], rest[:2] + rest[4:]

    assert {scene for scene, _, _ in scouts} == {"scout-code", "scout-tests", "scout-interfaces"}
    assert {(model, tools) for _, model, tools in scouts} == {(HAIKU, frozenset(READING | {"submit"}))}
    assert sorted(side_by_side) == [
        ("implement-json", SONNET, frozenset(work)),
        ("implement-readme", SONNET, frozenset(work)),
    ]
    assert rest == [
        ("research", OPUS, READING | {"details", "submit"}),
        ("plan", OPUS, READING | {"submit", "ask"}),
        ("implement-option", SONNET, work),
        ("correct", OPUS, READING | {"submit"}),
        ("implement-option-corrected", SONNET, work),
        ("repair", SONNET, work),
        ("review", OPUS, READING | {"submit"}),
    ]


def test_no_request_was_refused(stage):
    assert {one.status for one in stage.asked()} == {200}


def test_each_task_starts_in_a_fresh_context_with_its_own_files(stage):
    firsts = {one.scene: one.body["messages"] for one in stage.asked() if one.turn == 1}

    assert all(len(messages) == 1 for messages in firsts.values())
    assert "def main(argv" in str(firsts["implement-option"])
    assert "def render(" not in str(firsts["implement-option"])


def test_history_says_who_did_what(stage, progress):
    log = git(stage.repository, "log", "--reverse", "--format=%s|%(trailers:separator=%x2C,only)", "main..phasegate/L1")
    commits = dict(line.split("|") for line in log.splitlines())
    first, second = (f"Phasegate-Plan: L1 {plan.digest[:12]}" for plan in plans(stage))
    corrected = f"{first},Phasegate-Corrected: {plans(stage)[1].digest[:12]}"
    people = f"Planned-by: {OPUS},Implemented-by: {SONNET},Reviewed-by: {OPUS},Approved-by: Ann Author"

    assert commits == {
        "Plan: Add --json to tally": f"Planned-by: {OPUS},{first}",
        "Render counts as JSON": f"{people},{first},Phasegate-Task: T1",
        "Describe --json in the README": f"{people},{first},Phasegate-Task: T3",
        "Revise the plan: Add --json to tally": f"Planned-by: {OPUS},{second}",
        "Print JSON when --json is given": f"{people},{corrected},Phasegate-Task: T2",
        "Repair what the gate docs found": f"{people},{corrected},Phasegate-Task: R1",
    }
    assert list(commits)[3:] == [
        "Revise the plan: Add --json to tally",
        "Print JSON when --json is given",
        "Repair what the gate docs found",
    ]
    assert {task.commit for task in progress.tasks} <= set(
        git(stage.repository, "rev-list", "phasegate/L1").splitlines()
    )


def test_the_plan_on_the_branch_is_the_plan_in_force(stage, progress):
    [path] = [p for p in git(stage.repository, "ls-tree", "-r", "--name-only", "phasegate/L1").split() if "plans" in p]
    plan = parse_plan(stage.file(path) + "\n").plan()

    assert path == f".claude/plans/{progress.created:%Y-%m-%d}-add-json-to-tally.md"
    assert plan == plans(stage)[1]
    assert plan.digest == progress.plan


def test_the_plan_as_it_was_approved_can_still_be_read_from_its_commit(stage):
    approval = only(stage, Approval)
    listed = git(stage.repository, "ls-tree", "-r", "--name-only", approval.payload.head_sha).split()
    [path] = [path for path in listed if "plans" in path]
    plan = parse_plan(git(stage.repository, "show", f"{approval.payload.head_sha}:{path}") + "\n").plan()

    assert plan.digest == approval.payload.subject


def test_the_progress_file_says_that_all_is_done(stage, progress):
    phases = {str(phase.id): phase for phase in progress.phases}

    assert progress.state is RunState.DONE
    assert progress.head_sha == git(stage.repository, "rev-parse", "phasegate/L1")
    assert {phase.status for phase in progress.phases} == {PhaseStatus.DONE}
    assert all(phase.validation and phase.validation.passed for phase in progress.phases)
    assert {name: phase.attempts for name, phase in phases.items()} == {
        "research": 1,
        "plan": 1,
        "implement": 3,
        "correct": 1,
        "verify": 2,
        "review": 1,
    }
    assert [(task.id, task.status) for task in progress.tasks] == [
        (name, WorkStatus.DONE) for name in ("T1", "T2", "T3", "R1")
    ]
    assert all(phase.started and phase.ended and phase.started <= phase.ended for phase in progress.phases)


def test_costs_are_the_sum_of_all_turns_at_the_list_price(stage, progress):
    """Counted again from the server's side: what it said of its usage, at the price of the model that was asked."""
    turns = [record for record in records(stage) if record["scene"]]
    prices = Prices({})
    told = Usage()
    cost = Decimal(0)
    for record in turns:
        usage = usage_of(record["usage"])
        told += usage
        cost += prices.cost(json.loads(record["body"])["model"], usage)

    assert progress.spent.turns == len(turns)
    assert progress.spent.usage == told
    assert progress.spent.usd == cost > 0
    working = sum((task.spent.usd for task in progress.tasks), Decimal(0))
    assert 0 < working == progress.phase(PhaseName.IMPLEMENT).spent.usd


def records(stage):
    log = stage.store().directory / "rehearsal.jsonl"
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def usage_of(told) -> Usage:
    return Usage(
        input_tokens=told["input_tokens"],
        cache_read_tokens=told["cache_read_input_tokens"],
        cache_write_tokens=told["cache_creation_input_tokens"],
        output_tokens=told["output_tokens"],
    )


def test_the_user_s_checkout_index_stashes_and_status_are_untouched(told):
    stage, _, before = told

    assert user_state(stage.repository) == before
    assert git(stage.repository, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/main",
        "refs/heads/phasegate/L1",
        "refs/stash",
    ]


def test_nothing_is_left_behind(stage):
    assert stage.left_behind() == []


def test_the_end_says_what_was_made_where_to_look_and_what_to_type(told, progress):
    _, outcome, _ = told

    assert "Note: Your uncommitted changes are not part of this" in outcome.err
    assert f"Made: the branch phasegate/L1, {progress.base_sha[:12]}..{progress.head_sha[:12]}" in outcome.out
    assert "Look: git log --stat" in outcome.out
    assert "Next: git switch phasegate/L1" in outcome.out
    assert "implement-T2       ✗" in outcome.err
    assert "verify             ✗" in outcome.err
