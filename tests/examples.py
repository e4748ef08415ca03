"""Small valid documents for tests: every function takes the payload's fields, or those of the envelope, as keywords.

`plan(title="Other")` changes a field of the payload; `envelope={"run": "L2"}` changes what surrounds it.
"""

import base64
from datetime import UTC, datetime
from typing import Any

from phasegate.documents.approval import Approval, ApprovalPayload, Approver
from phasegate.documents.base import Document, MadeBy, Step, digest_of
from phasegate.documents.change_set import (
    Blocked,
    BlockedPayload,
    BlockedReason,
    ChangeEntry,
    ChangeSet,
    ChangeSetPayload,
    CriterionResult,
    TaskResult,
    TaskResultPayload,
    WorkResult,
)
from phasegate.documents.findings import (
    Claim,
    CodeReference,
    Decision,
    Findings,
    FindingsPayload,
    ScoutReport,
    ScoutReportPayload,
)
from phasegate.documents.gate_report import GateReport, GateReportPayload, GateResult
from phasegate.documents.interview import Feedback, FeedbackPayload, Question, Questions, QuestionsPayload
from phasegate.documents.plan import EdgeCase, Estimate, Operation, Plan, PlannedFile, PlanPayload, Task
from phasegate.documents.primer import PrimerDraft, PrimerDraftPayload, PrimerText
from phasegate.documents.progress import Progress
from phasegate.documents.review import Review, ReviewFinding, ReviewPayload
from phasegate.documents.snapshot import Comment, Issue, Snapshot, SnapshotPayload, Trigger

RUN = "L1"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BASE = "a" * 40
HEAD = "b" * 40
CONFIG = digest_of(b"config")
TOOLSET = digest_of(b"tools")

Values = dict[str, Any]


def _document(kind: type[Document], step: Step, payload: object, parents: tuple[str, ...], envelope: Values | None):
    made_by = MadeBy(step=step, model="claude-opus-5-5", version="0.1.0")
    fields: Values = {"run": RUN, "parents": parents, "made_by": made_by, "payload": payload}
    return kind(**(fields | (envelope or {})))


def issue(**changes: Any) -> Issue:
    """Return an issue with one comment."""
    comment = Comment(author="ann", permission="write", at=NOW, body="Yes, please.")
    fields: Values = {
        "number": 7,
        "title": "Add a --json flag",
        "body": "The list command should print JSON.",
        "author": "bob",
        "labels": ("phasegate",),
        "comments": (comment,),
    }
    return Issue(**(fields | changes))


def snapshot(*, envelope: Values | None = None, **changes: Any) -> Snapshot:
    """Return what a run starts from."""
    fields: Values = {
        "purpose": "change",
        "issue": issue(),
        "base_branch": "main",
        "base_sha": BASE,
        "primer": None,
        "config": CONFIG,
        "trigger": Trigger(event="run", actor="ann", permission="admin", at=NOW),
    }
    return _document(Snapshot, Step.DECIDE, SnapshotPayload(**(fields | changes)), (), envelope)


def scout_report(*, envelope: Values | None = None, **changes: Any) -> ScoutReport:
    """Return one scout's result."""
    fields: Values = {
        "scout": "S1",
        "question": "Where is the list command?",
        "status": "success",
        "summary": "In src/app/cli.py.",
        "details_file": "scout-s1.md",
        "details_digest": digest_of(b"details"),
    }
    payload = ScoutReportPayload(**(fields | changes))
    return _document(ScoutReport, Step.RESEARCH, payload, (snapshot().digest,), envelope)


def findings(*, envelope: Values | None = None, **changes: Any) -> Findings:
    """Return what research leaves; cites src/app/cli.py, tests/test_cli.py and README.md."""
    fields: Values = {
        "asked": "A flag that prints JSON.\n\nNothing else.",
        "code": (CodeReference(path="src/app/cli.py", first_line=1, last_line=20, why="the command"),),
        "interfaces": (Claim(statement="main(argv) returns an exit code", path="src/app/cli.py"),),
        "tests": (Claim(statement="the output is compared", path="tests/test_cli.py"),),
        "decisions": (
            Decision(decision="use json.dumps", rationale="no new package", alternatives=("orjson",), path="README.md"),
        ),
        "open_questions": ("Indented or not?",),
    }
    payload = FindingsPayload(**(fields | changes))
    return _document(Findings, Step.RESEARCH, payload, (snapshot().digest,), envelope)


def files(**operations: str) -> tuple[PlannedFile, ...]:
    """Return planned files by operation, a path or several paths with blanks between: `files(create="a b")`."""
    return tuple(
        PlannedFile(path=path, op=Operation(operation))
        for operation, paths in operations.items()
        for path in paths.split()
    )


def task(id_: str = "T1", **changes: Any) -> Task:
    """Return one task of a plan."""
    fields: Values = {
        "id": id_,
        "title": f"Do {id_}",
        "files": files(modify="src/app/cli.py"),
        "description": "Add the flag.\n\nKeep the rest.",
        "success_criteria": ("`list --json` prints valid JSON",),
        "check": "test",
        "depends_on": (),
        "complexity": "small",
    }
    return Task(**(fields | changes))


def plan_payload(**changes: Any) -> PlanPayload:
    """Return the payload of a plan with two tasks that follow each other."""
    fields: Values = {
        "title": "Add a --json flag",
        "overview": "The list command learns to print JSON.",
        "prerequisites": (),
        "tasks": (task(), task("T2", files=files(create="tests/test_json.py"), depends_on=("T1",), check=None)),
        "edge_cases": (EdgeCase(case="an empty list", handling="prints []"),),
        "verification": ("Run `list --json | python -m json.tool`.",),
        "documentation": ("README.md",),
        "questions": (),
        "estimate": Estimate(turns=20, reason="two small tasks"),
    }
    return PlanPayload(**(fields | changes))


def plan(*, envelope: Values | None = None, **changes: Any) -> Plan:
    """Return a plan; `envelope={"revision": 2}` for a later one."""
    surroundings = {"revision": 1} | (envelope or {})
    return _document(Plan, Step.PLAN, plan_payload(**changes), (snapshot().digest, findings().digest), surroundings)


def questions(*, envelope: Values | None = None, **changes: Any) -> Questions:
    """Return what a planner asks."""
    question = Question(id="Q1", question="Which format?", why="the parser depends on it", suggestion="JSON lines")
    payload = QuestionsPayload(**({"questions": (question,)} | changes))
    return _document(Questions, Step.PLAN, payload, (snapshot().digest,), envelope)


def feedback(*, envelope: Values | None = None, **changes: Any) -> Feedback:
    """Return what a person said to the plan."""
    fields: Values = {"verb": "revise", "text": "Smaller steps.", "author": "ann", "at": NOW}
    return _document(Feedback, Step.DECIDE, FeedbackPayload(**(fields | changes)), (plan().digest,), envelope)


def primer_draft(*, envelope: Values | None = None, **changes: Any) -> PrimerDraft:
    """Return a proposal for a primer."""
    fields: Values = {"primer": PrimerText(text="# Primer\n\nOne package."), "replaces": None}
    payload = PrimerDraftPayload(**(fields | changes))
    return _document(PrimerDraft, Step.PLAN, payload, (snapshot().digest,), envelope)


def approval(*, envelope: Values | None = None, **changes: Any) -> Approval:
    """Return an approval of `plan()`, on BASE, HEAD and CONFIG."""
    subject = changes.get("subject", plan().digest)
    fields: Values = {
        "subject": subject,
        "head_sha": HEAD,
        "base_sha": BASE,
        "config": CONFIG,
        "toolset": TOOLSET,
        "version": "0.1.0",
        "approver": Approver(id="1", login="ann", permission="write"),
        "comment": None,
        "at": NOW,
    }
    return _document(Approval, Step.DECIDE, ApprovalPayload(**(fields | changes)), (subject,), envelope)


def gate_result(**changes: Any) -> GateResult:
    """Return a gate that passed."""
    fields: Values = {
        "name": "test",
        "command": "make test",
        "required": True,
        "exit_code": 0,
        "timed_out": False,
        "seconds": 1.5,
        "tail": "2 passed\n",
    }
    return GateResult(**(fields | changes))


def task_result_payload(**changes: Any) -> TaskResultPayload:
    """Return the result of task T1 of `plan()`."""
    criterion = CriterionResult(criterion="prints valid JSON", met=True, evidence="tests/test_json.py passes")
    fields: Values = {
        "task": "T1",
        "plan": plan().digest,
        "result": WorkResult(summary="The flag is there.", criteria=(criterion,), deviations=("another name",)),
        "check": gate_result(),
    }
    return TaskResultPayload(**(fields | changes))


def task_result(*, envelope: Values | None = None, **changes: Any) -> TaskResult:
    """Return the document of a finished task."""
    parents = (plan().digest, approval().digest)
    return _document(TaskResult, Step.IMPLEMENT, task_result_payload(**changes), parents, envelope)


def blocked(*, envelope: Values | None = None, **changes: Any) -> Blocked:
    """Return a task that cannot be done as written."""
    reason = BlockedReason(
        reason="there is no list command", evidence="src/app/cli.py has 3 lines", tried=("a search",)
    )
    payload = BlockedPayload(**({"task": "T1", "plan": plan().digest, "blocked": reason} | changes))
    return _document(Blocked, Step.IMPLEMENT, payload, (plan().digest, approval().digest), envelope)


def change_entry(path: str = "src/app/cli.py", op: str = "modify", data: bytes = b"new\n", **changes: Any):
    """Return one changed file with these bytes, which do not matter for a deletion."""
    there = op != "delete"
    fields: Values = {
        "path": path,
        "op": Operation(op),
        "mode": "100644" if there else None,
        "old_blob": None if op == "create" else "c" * 40,
        "sha256": digest_of(data) if there else None,
        "content": base64.b64encode(data).decode() if there else None,
    }
    return ChangeEntry(**(fields | changes))


def change_set(*, envelope: Values | None = None, **changes: Any) -> ChangeSet:
    """Return what `plan()` became."""
    fields: Values = {
        "base_sha": BASE,
        "head_sha": HEAD,
        "plan": plan().digest,
        "entries": (change_entry(), change_entry("tests/test_json.py", "create"), change_entry("old.py", "delete")),
        "tasks": (task_result_payload(),),
    }
    parents = (plan().digest, approval().digest, task_result().digest)
    return _document(ChangeSet, Step.IMPLEMENT, ChangeSetPayload(**(fields | changes)), parents, envelope)


def gate_report(*, envelope: Values | None = None, **changes: Any) -> GateReport:
    """Return what the gates said to `change_set()`."""
    fields: Values = {
        "change_set": change_set().digest,
        "gates": (gate_result(),),
        "definitions_from": BASE,
        "sandbox": "none",
    }
    payload = GateReportPayload(**(fields | changes))
    return _document(GateReport, Step.VERIFY, payload, (change_set().digest,), envelope)


def review(*, envelope: Values | None = None, **changes: Any) -> Review:
    """Return a review that approves, with one remark."""
    finding = ReviewFinding(path="src/app/cli.py", line=3, severity="minor", message="a shorter name would do")
    fields: Values = {"verdict": "approve", "fulfils_plan": True, "summary": "It does.", "findings": (finding,)}
    parents = (plan().digest, change_set().digest, gate_report().digest)
    return _document(Review, Step.REVIEW, ReviewPayload(**(fields | changes)), parents, envelope)


def progress(**changes: Any) -> Progress:
    """Return a run that has just begun with `snapshot()`."""
    fields: Values = {
        "run": RUN,
        "purpose": "change",
        "title": "Add a --json flag",
        "created": NOW,
        "snapshot": snapshot().digest,
        "branch": "phasegate/l1",
        "base_sha": BASE,
        "head_sha": HEAD,
    }
    return Progress(**(fields | changes))


def every_document() -> tuple[Document, ...]:
    """Return one document of each kind; together with `progress()` they are an intact chain."""
    first = (snapshot(), scout_report(), findings(), questions(), plan(), feedback(), primer_draft(), approval())
    return (*first, blocked(), task_result(), change_set(), gate_report(), review())
