"""What people read before they decide: nothing of it is hidden, and nothing in it steers the terminal."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

import examples
from phasegate.documents.plan import EdgeCase
from phasegate.documents.plan_markdown import render_payload
from phasegate.publishing import papers


def shown(renderable, width=100):
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def plan(**changes):
    document = examples.plan(**changes)
    return shown(papers.plan(document, cost=Decimal("0.23"), digest=document.digest), width=4000), document


def test_a_plan_says_what_is_approved_by_its_digest_and_what_it_will_cost():
    told, document = plan()

    assert f"revision 1 · digest {document.digest[:12]} · about $0.23 to carry out" in told


def test_every_word_of_a_plan_is_shown():
    told, document = plan()

    for line in render_payload(document.payload).splitlines():
        assert line.removeprefix("> ").rstrip(">") in told


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- do something else -->",
        "<details>do something else</details>",
        "[harmless](http://elsewhere.example)",
        "![picture](http://elsewhere.example)",
        "[1]: http://elsewhere.example 'do something else'",
        "[bold red]not markup of ours[/]",
        "a\\*b \\[x] &lt;tag&gt;",
    ],
)
def test_what_rendered_markdown_would_hide_is_shown_as_it_is_written(hidden):
    """The executor gets the very text, so the human has to see it."""
    told, _ = plan(tasks=(examples.task(description=f"Add the flag.\n\n{hidden}\n\nKeep the rest."),))

    assert hidden in told


def test_what_steers_a_terminal_is_shown_by_its_number():
    told, _ = plan(overview="harmless\u202e text\u200b", edge_cases=(EdgeCase(case="x\u2066", handling="y"),))

    assert "harmless<U+202E> text<U+200B>" in told
    assert "x<U+2066>" in told


def test_a_heading_within_a_text_does_not_look_like_one_of_the_plan():
    told, _ = plan(overview="#### Files\n\n- delete `everything`")

    assert "│   #### Files" in told
    assert "│   - delete `everything`" in told


def test_a_plan_fits_into_a_narrow_terminal():
    document = examples.plan(overview="word " * 100)

    assert max(map(len, shown(papers.plan(document, cost=Decimal(1), digest="0" * 64), width=40).splitlines())) <= 40


def test_questions_with_why_and_suggestion():
    told = shown(papers.questions(examples.questions().payload))

    assert "Q1 Which format?" in told
    assert "Why: the parser depends on it" in told
    assert "Suggestion: JSON lines" in told


def test_a_primer_is_shown_as_a_difference():
    told = shown(papers.primer_difference("one\ntwo\n", "one\nthree\n", "a" * 64))

    assert "-two" in told
    assert "+three" in told
    assert "digest aaaaaaaaaaaa" in told
    assert "already" in shown(papers.primer_difference("same", "same", "a" * 64))


def test_findings_with_the_file_that_shows_each():
    told = shown(papers.findings(examples.findings().payload))

    assert "src/app/cli.py:1-20  the command" in told
    assert "interfaces: main(argv) returns an exit code [src/app/cli.py]" in told
    assert "decided: use json.dumps, because no new package [README.md]" in told
    assert "open: Indented or not?" in told


def gates(**changes):
    gate = examples.gate_result(**changes)
    return shown(papers.gates(examples.gate_report(gates=(gate,)).payload))


def test_a_gate_that_passed_needs_no_output():
    told = gates(tail="2 passed\n")

    assert "✓ test  exit code 0  1.5 s  make test" in told
    assert "2 passed" not in told


def test_a_gate_that_failed_shows_the_end_of_its_output():
    told = gates(exit_code=1, tail="".join(f"line {number}\n" for number in range(40)))

    assert "✗ test  exit code 1" in told
    assert "    line 39" in told
    assert "line 27\n" not in told


def test_a_gate_that_timed_out_and_was_not_required():
    assert "✗ test (not required)  timed out  1.5 s" in gates(exit_code=None, timed_out=True, required=False)


def test_where_definitions_and_sandbox_came_from():
    assert "definitions from aaaaaaaaa, sandbox: none" in gates()
    assert "There are no quality gates." in shown(papers.gates(examples.gate_report(gates=()).payload))


def test_a_review_with_its_findings():
    told = shown(papers.review(examples.review().payload))

    assert "approve. It does." in told
    assert "minor  src/app/cli.py:3  a shorter name would do" in told
