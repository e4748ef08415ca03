from decimal import Decimal

import pytest

import examples
from page_reading import everything, fences, headings, kinds, links, tables
from phasegate.documents.markers import PlanMarker
from phasegate.documents.progress import PhaseName, PhaseStatus, RunState, Verdict, WaitingFor
from phasegate.doors.templates import Templates, template_directory
from phasegate.publishing.page import Page
from phasegate.publishing.safe_markdown import SUMMARY_BYTES, SafeMarkdown
from phasegate.publishing.step_summary import Intended, dry_run_summary, step_summary

RENDER = Templates(template_directory()).render
PAGE = Page("https://github.example", "octo/app", "https://github.example/octo/app/actions/runs/5")


def run(phases=None, **changes):
    progress = examples.progress(run="7", branch="phasegate/issue-7")
    entries = tuple(phase.model_copy(update=(phases or {}).get(phase.id, {})) for phase in progress.phases)
    return progress.model_copy(update={"phases": entries, **changes})


def summary(progress, **changes):
    return step_summary(RENDER, progress=progress, page=PAGE, **changes).text


def picture(progress):
    return [line.strip() for line in fences(summary(progress))[0].split("\n")]


def test_a_summary_draws_the_phases_with_the_human_gate_between_them():
    drawn = picture(
        run({PhaseName.RESEARCH: {"status": PhaseStatus.DONE}, PhaseName.PLAN: {"status": PhaseStatus.RUNNING}})
    )

    assert drawn[:6] == [
        "flowchart LR",
        'research["research: done"]:::done',
        'plan["plan: running"]:::running',
        'approval["approval: pending"]:::pending',
        'implement["implement: pending"]:::pending',
        'verify["verify: pending"]:::pending',
    ]
    assert [line for line in drawn if "-->" in line] == [
        "research --> plan",
        "plan --> approval",
        "approval --> implement",
        "implement --> verify",
        "verify --> review",
    ]


def test_every_look_in_the_picture_is_defined():
    drawn = picture(run({PhaseName.PLAN: {"status": PhaseStatus.FAILED}, PhaseName.CORRECT: {"attempts": 1}}))
    used = {line.split(":::")[1] for line in drawn if ":::" in line}

    assert used <= {line.split()[1] for line in drawn if line.startswith("classDef")}
    assert 'plan["plan: failed"]:::failed' in drawn
    assert "implement --> correct" in drawn


@pytest.mark.parametrize(
    ("changes", "drawn"),
    [
        ({"state": RunState.WAITING, "waiting_for": WaitingFor.APPROVAL}, 'approval["approval: waiting"]:::waiting'),
        ({"approval": "a" * 64}, 'approval["approval: given"]:::done'),
        ({"state": RunState.REJECTED}, 'approval["approval: refused"]:::failed'),
        ({}, 'approval["approval: pending"]:::pending'),
    ],
)
def test_the_human_gate_shows_what_was_said(changes, drawn):
    assert drawn in picture(run(**changes))


def test_a_summary_says_in_words_what_the_picture_shows():
    refused = Verdict(passed=False, reason="no")
    progress = run({PhaseName.RESEARCH: {"status": PhaseStatus.DONE, "validation": refused}})

    assert (
        "In words: ❌ research not accepted → ⚪ plan pending → ⚪ approval pending → ⚪ implement pending → "
        "⚪ verify pending → ⚪ review pending"
    ) in everything(summary(progress))


def test_a_summary_says_what_the_status_comment_says():
    report, review = examples.gate_report(), examples.review()
    progress = run(state=RunState.FAILED, reason="The gates failed.")
    page = summary(progress, plan=examples.plan(), report=report, review=review, estimate=Decimal(1), note="A note.")

    assert headings(page)[0] == "❌ failed: #7 Add a --json flag"
    assert "The gates failed." in everything(page)
    assert "A note." in everything(page)
    assert tables(page)[0][0][1:3] == ["phase", "state"]
    assert tables(page)[1][1][1] == "test"
    assert "a shorter name would do" in everything(page)
    assert "/retry" in page
    assert PAGE.run_url in links(page)


def test_a_summary_of_a_run_on_no_issue_names_none():
    assert headings(summary(examples.progress()))[0] == "🔵 at work: Add a --json flag"


def test_a_summary_without_a_run_is_the_note():
    page = summary(None, note="The comment is no command.")

    assert everything(page).split("\n")[0] == "The comment is no command."
    assert fences(page) == []


def test_a_summary_takes_much_more_than_a_comment():
    tail = "\n".join(f"line {number} " + "@" * 80 for number in range(70))
    gates = tuple(examples.gate_result(name=f"gate{number}", tail=tail) for number in range(9))
    page = summary(run(), report=examples.gate_report(gates=gates))

    assert all("line 10 " in shown for shown in fences(page)[1:])
    assert len(page.encode()) <= SUMMARY_BYTES


def test_a_dry_run_lists_what_would_be_written_with_the_texts():
    marker = PlanMarker("7", 1, "a" * 64, "b" * 40)
    actions = [
        Intended("open a draft pull request", "phasegate/issue-7", SafeMarkdown("### A heading\n\nwords\n")),
        Intended("comment", "on the pull request", SafeMarkdown(f"{marker}\n## The plan\n")),
        Intended("label", "phasegate:waiting"),
        Intended("title", text="# Add a flag"),
    ]
    page = dry_run_summary(RENDER, actions=actions, page=PAGE).text
    shown = everything(page)

    assert headings(page) == ["Dry run: nothing was written", "A heading", "The plan"]
    assert "open a draft pull request: phasegate/issue-7" in shown
    assert "label: phasegate:waiting" in shown
    assert "# Add a flag" in shown
    assert kinds(page).count("list_item_open") == 4


def test_a_dry_run_that_would_write_nothing_says_so():
    assert "Nothing would have been written either." in dry_run_summary(RENDER, actions=[], page=PAGE).text
