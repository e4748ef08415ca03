import io
from decimal import Decimal

import pytest
from rich.console import Console

import examples
from phasegate.documents.chain import AuditReport, ChainFault
from phasegate.documents.progress import (
    PhaseName,
    PhaseProgress,
    PhaseStatus,
    RunState,
    Spent,
    Usage,
    Verdict,
    WaitingFor,
    WorkProgress,
    WorkStatus,
)
from phasegate.publishing import terminal
from phasegate.publishing.views import audit_view, line_of, view_of

SPENT = Spent(
    usage=Usage(input_tokens=500, cache_read_tokens=1500, cache_write_tokens=0, output_tokens=120),
    usd=Decimal("0.25"),
    turns=3,
    seconds=65.0,
)


def shown(renderable, width=160):
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def phases(**statuses):
    return tuple(
        PhaseProgress(id=name, status=PhaseStatus(statuses.get(str(name), "pending")), spent=SPENT, model="m")
        for name in PhaseName
    )


@pytest.mark.parametrize(
    ("status", "sign"),
    [("pending", "·"), ("running", "▸"), ("done", "✓"), ("failed", "✗"), ("skipped", "-")],
)
def test_each_phase_has_a_sign_a_model_and_what_it_cost(status, sign):
    told = shown(terminal.status(examples.progress(phases=phases(research=status))))
    [line] = [line for line in told.splitlines() if " research " in line]

    assert line.split() == [sign, "research", "m", "3", "2.0k", "75%", "120", "1m05s", "$0.25"]


def test_the_sum_of_all_phases_stands_below():
    told = shown(terminal.status(examples.progress(phases=phases())))

    assert [line.split() for line in told.splitlines() if "total" in line] == [
        ["total", "18", "12.0k", "75%", "720", "6m30s", "$1.50"]
    ]


@pytest.mark.parametrize("status", WorkStatus)
def test_each_task_has_a_sign_its_commit_and_its_summary(status):
    task = WorkProgress(id="T1", title="Add it", status=status, commit="c" * 40, summary="It is there.", spent=SPENT)
    told = shown(terminal.status(examples.progress(tasks=(task,))))
    [line] = [line for line in told.splitlines() if " T1 " in line]

    assert line.split()[1:] == ["T1", "Add", "it", "ccccccccc", "$0.25", "It", "is", "there."]


def test_a_run_that_waits_says_for_what_and_why():
    progress = examples.progress(
        state=RunState.WAITING, waiting_for=WaitingFor.APPROVAL, reason="The plan waits\x1b[2J."
    )
    told = shown(terminal.status(progress))

    assert "L1  Add a --json flag  waiting for approval" in told
    assert "The plan waits<U+001B>[2J." in told


def test_the_list_of_runs():
    told = shown(
        terminal.runs_table([line_of(examples.progress()), line_of(examples.progress(run="L2", title="y" * 99))])
    )

    assert [line.split()[0] for line in told.splitlines()] == ["run", "L1", "L2"]
    assert "2026-01-01 12:00 UTC" in told
    assert "y" * 59 + "…" in told
    assert "There are no runs" in shown(terminal.runs_table([]))


def test_all_of_a_run_in_the_order_of_its_phases():
    documents = {
        document.kind: document
        for document in (examples.findings(), examples.plan(), examples.gate_report(), examples.review())
    }
    said = Verdict(passed=True, reason="2 tasks, 2 files, none protected")
    progress = examples.progress(
        phases=tuple(PhaseProgress(id=name, validation=said if name is PhaseName.PLAN else None) for name in PhaseName)
    )
    view = view_of(progress, examples.snapshot(), documents)
    told = shown(terminal.run(view, cost=Decimal("0.5"), primer=""))

    parts = ["Findings", "# Plan: Add a --json flag", "Validation gates", "✓ plan: 2 tasks", "Quality gates", "Review"]
    assert [told.index(part) for part in parts] == sorted(told.index(part) for part in parts)
    assert view.plan_digest == examples.plan().digest


def test_questions_that_wait_are_shown_beside_an_older_plan():
    documents = {"plan": examples.plan(), "questions": examples.questions()}
    view = view_of(examples.progress(), examples.snapshot(), documents)
    told = shown(terminal.run(view, cost=Decimal(0), primer=""))

    assert "The planner asks" in told
    assert "# Plan: Add a --json flag" in told


def test_a_draft_is_shown_against_the_primer_that_there_is():
    view = view_of(examples.progress(), examples.snapshot(), {"primer-draft": examples.primer_draft()})
    told = shown(terminal.run(view, cost=Decimal(0), primer="# Primer\n\nOld.\n"))

    assert "-Old." in told
    assert "+One package." in told


def test_an_audit_names_every_place_where_the_chain_breaks():
    good = audit_view("L1", AuditReport(documents=3, faults=()))
    bad = audit_view("L1", AuditReport(documents=3, faults=(ChainFault("plan \x1b", "its parent is missing"),)))

    assert shown(terminal.audit(good)) == "✓ L1: the chain of 3 documents is intact.\n"
    assert shown(terminal.audit(bad)).splitlines() == [
        "✗ L1: the chain is broken in 1 place.",
        "  plan <U+001B>: its parent is missing",
    ]
