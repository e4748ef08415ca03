import inspect
from dataclasses import replace
from decimal import Decimal

import pytest

import examples
from page_reading import acting, everything, fences, headings, kinds, links, tables, tokens
from phasegate.documents.hand_over import Answer
from phasegate.documents.interview import Question
from phasegate.documents.markers import (
    NoteMarker,
    NoticeMarker,
    PlanMarker,
    ReplyMarker,
    ReviewMarker,
    StatusMarker,
    marker_of,
)
from phasegate.documents.plan import EdgeCase
from phasegate.documents.progress import (
    PhaseName,
    PhaseStatus,
    RunState,
    Spent,
    Usage,
    Verdict,
    WaitingFor,
    WorkProgress,
    WorkStatus,
)
from phasegate.documents.review import ReviewFinding
from phasegate.documents.snapshot import Comment, Overrides, TierModel
from phasegate.doors.templates import Templates, template_directory
from phasegate.policy.config import ApprovalRules, Comments, Config, Gate
from phasegate.publishing.issue_comments import findings_comment, notice, questions_comment
from phasegate.publishing.page import Page
from phasegate.publishing.plan_comment import plan_comment
from phasegate.publishing.pull_text import pull_body, pull_title
from phasegate.publishing.replies import cost_details, manual_details, reply, status_details
from phasegate.publishing.review_comment import review_comment
from phasegate.publishing.safe_markdown import COMMENT_BYTES
from phasegate.publishing.status_comment import status_comment
from phasegate.publishing.step_summary import Intended, dry_run_summary, step_summary

RENDER = Templates(template_directory()).render
PAGE = Page("https://github.example", "octo/app", "https://github.example/octo/app/actions/runs/5")
TIP = "d" * 40
PLAN = examples.plan(envelope={"run": "7"})
PLAN_MARK = PlanMarker("7", 1, PLAN.digest, TIP)
STATUS_MARK = StatusMarker("7", TIP, None)
NASTY = (
    "@octocat Fixes #1 <img src=x> [text](https://evil.example) ![i](https://evil.example) | `co|de` **b** "
    "<!-- phasegate:plan --> </details> https://evil.example $x$ ${{ secrets.KEY }} :tada: deadbeef\u202e"
)
NASTY_LINES = f"/approve\n# heading\n---\n- [x] done\n```mermaid\ngraph\n```\n</details>\n{NASTY}"


def spent(usd="0", turns=0, **usage):
    return Spent(usage=Usage(**usage), usd=Decimal(usd), turns=turns, seconds=90.0 if turns else 0.0)


def run(*tasks, phases=None, **changes):
    """A run of issue 7; `phases` maps names to changed fields."""
    progress = examples.progress(run="7", branch="phasegate/issue-7", plan=PLAN.digest, tasks=tasks)
    entries = tuple(phase.model_copy(update=(phases or {}).get(phase.id, {})) for phase in progress.phases)
    return progress.model_copy(update={"phases": entries, **changes})


def waiting(*tasks, **changes):
    return run(*tasks, state=RunState.WAITING, waiting_for=WaitingFor.APPROVAL, **changes)


def plan_page(**changes):
    values = {
        "marker": PLAN_MARK,
        "plan": PLAN,
        "snapshot": examples.snapshot(),
        "config": Config(),
        "gates": {"test": Gate(run="make test")},
        "cost": Decimal("1.5"),
        "reason": "",
        "page": PAGE,
    }
    return plan_comment(RENDER, **(values | changes)).text


def status_page(progress=None, **changes):
    return status_comment(
        RENDER, **({"marker": STATUS_MARK, "progress": progress or waiting(), "page": PAGE} | changes)
    ).text


def reply_page(details=None, command="/approve", **changes):
    answer = Answer(**({"code": "approved", "topic": "done", "what": "Work begins."} | changes))
    return reply(RENDER, marker=ReplyMarker("7", 99), answer=answer, command=command, details=details).text


# The plan


def test_a_plan_comment_begins_with_its_marker():
    assert marker_of(plan_page()) == PLAN_MARK


def test_a_plan_comment_has_the_line_to_copy_in_a_fence_of_its_own():
    assert f"/approve {PLAN.digest[:12]}\n" in fences(plan_page())


def test_a_plan_comment_says_who_asked_for_what():
    shown = everything(plan_page())

    assert "#7" in headings(plan_page())[0]
    assert "Asked in #7 by bob: Add a --json flag" in shown
    assert PLAN.payload.overview in shown


def test_a_plan_comment_shows_each_task_with_files_criteria_order_and_check():
    page = plan_page()
    shown = everything(page)

    assert headings(page).count("T1: Do T1") == 1
    assert "modify src/app/cli.py" in shown
    assert "create tests/test_json.py" in shown
    assert "small · checked by the gate test" in shown
    assert "small · after T1" in shown
    assert shown.count("list --json prints valid JSON") == 2
    assert "Keep the rest." in shown


def test_a_plan_comment_lists_the_whole_scope_and_each_path_once():
    scope = everything(plan_page()).split("Only these paths may change:")[1].split("Edge cases")[0]

    assert scope.split() == ["modify", "src/app/cli.py", "create", "tests/test_json.py", "Edge", "cases"][:4]


def test_a_plan_comment_shows_edge_cases_verification_documentation_and_questions():
    plan = examples.plan(questions=("Which name?",), prerequisites=("A database.",))
    shown = everything(plan_page(plan=plan))

    assert "an empty list → prints []" in shown
    assert "python -m json.tool" in shown
    assert "README.md" in shown
    assert "Which name?" in shown
    assert "A database." in shown


def test_a_plan_comment_leaves_out_sections_that_would_be_empty():
    plan = examples.plan(edge_cases=(), documentation=())
    found = headings(plan_page(plan=plan))

    assert not {"Edge cases", "Documentation", "To look at", "Before it starts"} & set(found)


def test_a_plan_comment_shows_the_gates_with_their_commands():
    gates = {"test": Gate(run="make test"), "lint": Gate(run="ruff | tee log", required=False, minutes=3)}

    assert tables(plan_page(gates=gates))[0][1:] == [
        ["test", "make test", "15 min", "required"],
        ["lint", "ruff | tee log", "3 min", "not required"],
    ]


def test_a_plan_comment_says_when_there_are_no_gates():
    assert "nothing but the review will check the change" in everything(plan_page(gates={}))


def test_a_plan_comment_shows_the_models_that_will_work_and_the_money():
    config = Config.model_validate({"budget": {"run": {"usd": 12}}})
    overrides = Overrides(models=(TierModel(tier="implement", model="claude-other"),))
    page = plan_page(config=config, snapshot=examples.snapshot(overrides=overrides))

    assert ["implement", "claude-other"] in tables(page)[1]
    assert ["plan (done)", "claude-opus-5-5"] in tables(page)[1]
    assert "estimated at $1.50 (20 turns: two small tasks)" in everything(page)
    assert "at most" in everything(page)
    assert "$12.00" in everything(page)


def test_a_plan_comment_says_what_money_the_one_who_started_allowed():
    assert "$3.00 at most" in everything(plan_page(snapshot=examples.snapshot(overrides=Overrides(usd=Decimal(3)))))


def test_a_plan_comment_names_everybody_whose_words_the_planner_saw():
    comments = tuple(
        Comment(author=name, permission=permission, at=examples.NOW, body="x")
        for name, permission in (("ann", "write"), ("eve", "none"))
    )
    shown = everything(plan_page(snapshot=examples.snapshot(issue=examples.issue(comments=comments))))

    assert "written by bob; the run was started by ann (admin) on 2026-01-01 12:00 UTC" in shown
    assert "a comment by ann (write), 2026-01-01 12:00 UTC" in shown
    assert "a comment by eve (none), 2026-01-01 12:00 UTC" in shown
    assert "the code at aaaaaaaaa of main" in shown


@pytest.mark.parametrize(
    ("number", "of", "said"),
    [
        (1, "writers", "1 comment was left out: written by people who may not write to this repository, or written or"),
        (2, "everybody", "2 comments were left out: written or edited after the start."),
    ],
)
def test_a_plan_comment_says_how_many_comments_were_left_out_and_why(number, of, said):
    page = plan_page(snapshot=examples.snapshot(left_out=number), config=Config(comments=Comments(of=of)))

    assert said in everything(page)


def test_a_plan_comment_does_not_speak_of_comments_that_were_left_out_when_there_are_none():
    assert "left out" not in plan_page()


def test_a_plan_comment_says_how_many_have_to_approve_and_from_when_on():
    shown = everything(plan_page(config=Config(approval=ApprovalRules(required=2, settle=0))))

    assert "It takes the approval of 2 people." in shown
    assert "seconds" not in shown
    assert "for 60 seconds" in everything(plan_page())


def test_a_plan_comment_says_what_approving_does_and_that_checks_may_wait_for_a_click():
    shown = everything(plan_page(reason="T2 needs more than what was approved."))

    assert "Approving starts a job that writes code into this branch" in shown
    assert "Approve workflows to run" in shown
    assert "T2 needs more than what was approved." in shown


def test_a_plan_made_by_hand_has_no_model():
    by_hand = PLAN.made_by.model_copy(update={"model": None})

    assert ["plan (done)", "by hand"] in tables(plan_page(plan=PLAN.model_copy(update={"made_by": by_hand})))[1]


def test_a_plan_that_is_too_long_leaves_its_descriptions_to_the_branch_and_keeps_everything_else():
    tasks = tuple(
        examples.task(f"T{number}", description="@ " * 2900, files=examples.files(modify=f"src/{number}.py"))
        for number in range(1, 8)
    )
    page = plan_page(plan=examples.plan(tasks=tasks))

    assert len(page.encode()) <= COMMENT_BYTES
    assert "What to do in each task is too long to be shown here" in page
    assert f"https://github.example/octo/app/tree/{TIP}" in links(page)
    assert headings(page)[-1] == "What the planner saw"


def test_a_plan_that_is_much_too_long_is_cut_with_a_warning_and_still_names_the_digest():
    criteria = tuple(f"{number} " + "@#" * 300 for number in range(12))
    tasks = tuple(
        examples.task(f"T{number}", success_criteria=criteria[:6], files=examples.files(modify=f"src/{number}.py"))
        for number in range(1, 12)
    )
    page = plan_page(plan=examples.plan(tasks=tasks))

    assert len(page.encode()) <= COMMENT_BYTES
    assert marker_of(page) == PLAN_MARK
    assert f"/approve {PLAN.digest[:12]}\n" in fences(page)
    assert page.endswith("> The rest of the plan does not fit here. Read it on the branch before you approve it.\n")


# The status


def phases_of(page):
    return {row[1]: row for row in tables(page)[0][1:]}


def test_a_status_comment_begins_with_its_marker_and_says_where_the_run_is():
    page = status_page(waiting(reason="T2 needs more."), note="Something more.")

    assert marker_of(page) == STATUS_MARK
    assert headings(page)[0] == "🟡 waiting for approval: Add a --json flag"
    assert "T2 needs more." in everything(page)
    assert "Something more." in everything(page)


def test_a_status_comment_shows_each_phase_with_model_tokens_cost_and_time():
    costs = spent("0.412", 9, input_tokens=12_000, cache_read_tokens=80_000, output_tokens=3_000)
    phases = {
        PhaseName.RESEARCH: {"status": PhaseStatus.DONE, "model": "claude-opus-5-5", "spent": costs},
        PhaseName.PLAN: {"status": PhaseStatus.RUNNING},
        PhaseName.IMPLEMENT: {"status": PhaseStatus.FAILED},
        PhaseName.REVIEW: {"status": PhaseStatus.SKIPPED},
    }
    rows = phases_of(status_page(run(phases=phases)))

    assert rows["research"] == ["✅", "research", "done", "claude-opus-5-5", "92.0k in, 3.0k out", "$0.41", "1m30s"]
    assert rows["plan"][:3] == ["🔵", "plan", "running"]
    assert rows["implement"][:3] == ["❌", "implement", "failed"]
    assert rows["verify"] == ["⚪", "verify", "pending", "", "", "", ""]
    assert rows["review"][2] == "skipped"
    assert rows["total"] == ["", "total", "", "", "92.0k in, 3.0k out", "$0.41", "1m30s"]


def test_course_correction_is_shown_only_where_it_happened():
    happened = {PhaseName.CORRECT: {"status": PhaseStatus.PENDING, "attempts": 1}}

    assert "correct" not in phases_of(status_page(run()))
    assert "correct" in phases_of(status_page(run(phases=happened)))


def test_a_phase_that_its_gate_refused_does_not_look_like_success():
    refused = Verdict(passed=False, reason="test: exit code 1")
    phases = {PhaseName.VERIFY: {"status": PhaseStatus.DONE, "validation": refused, "summary": "1 of 2 passed"}}
    page = status_page(run(phases=phases))

    assert phases_of(page)["verify"][:3] == ["❌", "verify", "not accepted"]
    assert "verify: 1 of 2 passed · test: exit code 1" in everything(page)


def test_what_a_gate_and_a_phase_say_alike_is_said_once():
    refused = Verdict(passed=False, reason="no budget")
    page = status_page(run(phases={PhaseName.PLAN: {"summary": "no budget", "validation": refused}}))

    assert everything(page).count("no budget") == 1


def test_a_status_comment_compares_the_cost_of_implementing_with_the_estimate():
    progress = run(phases={PhaseName.IMPLEMENT: {"spent": spent("0.5", 3)}})

    assert "Implementing has cost $0.50; when the plan was made, it was estimated at $1.50." in everything(
        status_page(progress, estimate=Decimal("1.5"))
    )
    assert "estimated" not in status_page(progress)
    assert "estimated" not in status_page(progress, estimate=Decimal(0))


def test_a_status_comment_lists_the_tasks_without_boxes_to_tick():
    tasks = (
        WorkProgress(
            id="T1", title="Do", status=WorkStatus.DONE, summary="There.", commit="e" * 40, spent=spent("0.2")
        ),
        WorkProgress(id="R1", title="Repair", status=WorkStatus.BLOCKED),
    )
    page = status_page(run(*tasks))

    assert "✅ T1: Do · done · eeeeeeeee · $0.20: There." in everything(page)
    assert "⛔ R1: Repair · blocked" in everything(page)
    assert f"https://github.example/octo/app/commit/{'e' * 40}" in links(page)
    assert "[ ]" not in page
    assert "[x]" not in page


def test_a_status_comment_shows_the_gates_with_evidence_and_opens_those_that_failed():
    gates = (
        examples.gate_result(),
        examples.gate_result(name="lint", exit_code=1, required=False, tail="\x1b[31mE501\x1b[0m too long\n"),
        examples.gate_result(name="slow", timed_out=True, exit_code=None, tail=""),
        examples.gate_result(name="never", exit_code=None, tail=""),
    )
    page = status_page(report=examples.gate_report(gates=gates))

    assert tables(page)[1][1:] == [
        ["✅", "test", "make test", "exit code 0", "2s"],
        ["❌", "lint (not required)", "make test", "exit code 1", "2s"],
        ["❌", "slow", "make test", "timed out", "2s"],
        ["❌", "never", "make test", "did not run", "2s"],
    ]
    assert fences(page) == ["2 passed\n", "E501 too long\n"]
    assert [token.content.strip() for token in tokens(page) if "<details" in token.content] == [
        "<details><summary>The end of what it printed</summary>",
        "<details open><summary>The end of what it printed</summary>",
    ]
    assert "as aaaaaaaaa defines them" in everything(page)


def test_a_status_comment_says_when_there_were_no_gates():
    assert "nothing but the review checked" in everything(status_page(report=examples.gate_report(gates=())))
    assert "Quality gates" not in headings(status_page())


def test_a_status_comment_shows_the_review():
    shown = everything(status_page(review=examples.review()))
    wants = examples.review(verdict="changes", fulfils_plan=False)

    assert "✅ The reviewer (claude-opus-5-5) approves. The change does what the plan says" in shown
    assert "minor, src/app/cli.py:3: a shorter name would do" in shown
    assert "wants changes. The change does not do what the plan says." in everything(status_page(review=wants))
    assert "There are no remarks." in everything(status_page(review=examples.review(findings=())))


@pytest.mark.parametrize(
    ("changes", "commands"),
    [
        ({"state": RunState.WAITING, "waiting_for": WaitingFor.APPROVAL}, "approve revise replan adopt manual reject"),
        ({"state": RunState.WAITING, "waiting_for": WaitingFor.ANSWERS}, "answer cancel"),
        ({"state": RunState.ACTIVE}, "cancel retry"),
        ({"state": RunState.FAILED}, "retry manual"),
        ({"state": RunState.FAILED, "plan": None}, "retry"),
        ({"state": RunState.CANCELLED}, "retry manual"),
        ({"state": RunState.DONE}, ""),
        ({"state": RunState.DONE, "purpose": "findings"}, ""),
        ({"state": RunState.REJECTED}, ""),
        ({"state": RunState.MANUAL}, ""),
    ],
)
def test_a_status_comment_names_the_commands_that_mean_something_now(changes, commands):
    page = status_page(run(**changes))
    said = page.split("### What can be said now")[1].split("[Workflow run]")[0]

    assert [word.strip("`").removeprefix("/") for word in said.split() if word.startswith("`/")] == [
        *commands.split(),
        "status",
        "cost",
    ]


def test_a_status_comment_links_to_the_run_and_the_branch():
    assert set(links(status_page())) == {PAGE.run_url, "https://github.example/octo/app/tree/phasegate/issue-7"}
    assert "Workflow run" not in status_page(page=replace(PAGE, run_url=""))


def test_a_status_comment_cuts_what_gates_printed_before_anything_else():
    tail = "\n".join(f"line {number} " + "@" * 90 for number in range(80))
    gates = tuple(examples.gate_result(name=f"gate{number}", tail=tail) for number in range(20))
    page = status_page(report=examples.gate_report(gates=gates))

    assert len(page.encode()) <= COMMENT_BYTES
    assert len(fences(page)) == 20
    assert all("line 79" in shown for shown in fences(page))
    assert headings(page)[-1] == "What can be said now"


def test_a_status_comment_leaves_out_remarks_that_do_not_fit():
    remarks = tuple(ReviewFinding(path="a" * 900, line=1, severity="minor", message="@" * 100 + "x") for _ in range(40))
    page = status_page(review=examples.review(findings=remarks[:20]), report=examples.gate_report())
    everything_at_once = status_page(
        run(*(WorkProgress(id=f"T{number}", title="#1 " * 330) for number in range(1, 10))),
        review=examples.review(findings=remarks[:20]),
    )

    assert "do not fit" not in page
    assert "20 remarks do not fit here." in everything_at_once
    assert headings(everything_at_once)[-1] == "What can be said now"


def test_a_status_comment_with_far_too_much_in_it_is_cut_and_still_has_its_marker():
    page = status_page(run(*(WorkProgress(id=f"T{number}", title="#1 " * 330) for number in range(1, 90))))

    assert len(page.encode()) <= COMMENT_BYTES
    assert marker_of(page) == STATUS_MARK
    assert page.endswith("*The rest does not fit here: it is in the summary of the workflow run.*\n")


# On the issue


def test_a_notice_says_what_goes_on_and_where():
    marker = NoticeMarker("7", work=5)
    page = notice(RENDER, marker=marker, progress=waiting(), what="The plan is there.", pull=12, page=PAGE).text

    assert marker_of(page) == marker
    assert "The plan and how it goes are in #12" in everything(page)
    assert "/approve" not in page
    assert "waiting" not in page, "it would stay there when it is not true any more"
    alone = notice(RENDER, marker=marker, progress=waiting(), what="Work has begun.", pull=None, page=PAGE).text
    assert "🟡 waiting for approval. Work has begun." in everything(alone)


@pytest.mark.parametrize(
    ("progress", "pull", "said"),
    [
        (run(), None, "/cancel"),
        (run(state=RunState.WAITING, waiting_for=WaitingFor.ANSWERS), 12, "/answer"),
        (run(state=RunState.FAILED), None, "/retry"),
        (None, None, "Workflow run"),
    ],
)
def test_a_notice_says_what_can_be_said_on_the_issue(progress, pull, said):
    marker = NoticeMarker("7", work=5)

    assert said in notice(RENDER, marker=marker, progress=progress, what="x", pull=pull, page=PAGE).text


def test_findings_are_shown_with_the_files_that_show_them():
    marker = NoteMarker("findings", "7")
    page = findings_comment(RENDER, marker=marker, findings=examples.findings(), page=PAGE).text
    shown = everything(page)

    assert marker_of(page) == marker
    assert "A flag that prints JSON." in shown
    assert "src/app/cli.py, lines 1 to 20: the command" in shown
    assert "main(argv) returns an exit code (src/app/cli.py)" in shown
    assert "use json.dumps, because no new package (README.md). Not: orjson" in shown
    assert "Indented or not?" in shown
    assert "Constraints" not in headings(page)


def test_questions_are_asked_with_why_and_how_to_answer():
    marker = NoteMarker("questions", "7")
    asked = tuple(
        Question(id=f"Q{number}", question="Which?", why="It depends.", suggestion="JSON") for number in (1, 2)
    )
    page = questions_comment(RENDER, marker=marker, questions=examples.questions(questions=asked), page=PAGE).text

    assert marker_of(page) == marker
    assert "Q1: Which?" in headings(page)
    assert "Why it matters: It depends." in everything(page)
    assert "If nobody knew better: JSON" in everything(page)
    assert fences(page) == ["/answer\nQ1: …\nQ2: …\n"]


# On the pull request


def test_a_review_comment_shows_verdict_remarks_and_gates():
    marker = ReviewMarker("7", TIP)
    page = review_comment(
        RENDER, marker=marker, review=examples.review(), report=examples.gate_report(), page=PAGE
    ).text
    without = review_comment(RENDER, marker=marker, review=examples.review(), report=None, page=PAGE).text

    assert marker_of(page) == marker
    assert "approves" in everything(page)
    assert "a shorter name would do" in everything(page)
    assert tables(page)[0][1][1] == "test"
    assert tables(without) == []


def test_the_text_of_a_pull_request_closes_the_issue_and_says_what_it_may_touch():
    page = pull_body(RENDER, run="7", plan=PLAN, page=PAGE).text

    assert page.startswith("Closes #7\n")
    assert "src/app/cli.py" in everything(page)
    assert "2 files, and nothing else" in everything(page)
    assert PLAN.digest[:12] in everything(page)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Add a `--json` flag", "Add a `--json` flag (#7)"),
        ("@octocat fixes #1", "@\u200boctocat fixes #\u200b1 (#7)"),
        ("Add it [skip ci] ***NO_CI***", "Add it [ skip ci] *** NO_CI*** (#7)"),
        ("x" * 100, "x" * 100 + " (#7)"),
        ("日本語 \u202e", "日本語 <U+202E> (#7)"),
    ],
)
def test_the_title_of_a_pull_request_is_what_the_plan_is_called(title, shown):
    assert pull_title(examples.snapshot(), examples.plan(title=title)) == shown


def test_the_title_of_a_pull_request_is_short_and_of_one_line():
    long = examples.plan(title="@" * 99 + "x")

    assert len(pull_title(examples.snapshot(), long)) == 200
    assert pull_title(examples.snapshot(), long).endswith("… (#7)")
    assert pull_title(examples.snapshot(issue=examples.issue(number=None)), PLAN) == PLAN.payload.title


def test_the_text_of_a_pull_request_keeps_no_checks_from_running_when_it_is_squashed():
    plan = examples.plan(overview="`[skip ci]` and\n\n```\n[ci skip]\n```\n\nskip-checks: true")
    page = pull_body(RENDER, run="7", plan=plan, page=PAGE).text

    assert "[skip ci]" not in page
    assert "[ci skip]" not in page
    assert not any(line.startswith("skip-checks") for line in page.split("\n"))


# Replies


def test_a_reply_says_that_a_command_was_done():
    page = reply_page()

    assert marker_of(page) == ReplyMarker("7", 99)
    assert everything(page).strip() == "✅ /approve: Work begins."


def test_a_reply_says_why_a_command_was_refused_and_what_to_do_instead():
    page = reply_page(topic="refused", code="other-plan", what="That is another plan.", mend="Read `T1` again.")

    assert "⛔ /approve was refused: That is another plan." in everything(page)
    assert "What you can do: Read T1 again." in everything(page)
    assert "Reason: other-plan" in everything(page)


def test_a_reply_to_what_was_no_command_names_none():
    assert everything(reply_page(command="", topic="refused")).startswith("⛔ Work begins.")


def test_the_status_is_told_with_what_can_be_said_now():
    details = status_details(RENDER, progress=waiting(reason="It waits."), plan=PLAN, page=PAGE)
    page = reply_page(details, "/status", topic="status", what="Where it stands:")

    assert "🟡 waiting for approval: It waits." in everything(page)
    assert "research" in phases_of(page)
    assert f"/approve {PLAN.digest[:12]}" in page


def test_the_cost_is_told_for_each_phase_that_cost_anything():
    costs = spent("0.5", 9, input_tokens=1_000, cache_read_tokens=3_000, output_tokens=500)
    progress = run(phases={PhaseName.IMPLEMENT: {"model": "claude-sonnet-5-5", "spent": costs}})
    page = reply_page(cost_details(RENDER, progress=progress, estimate=Decimal(1)), "/cost", topic="cost")

    assert tables(page)[0][1:] == [
        ["implement", "claude-sonnet-5-5", "4.0k", "3.0k", "500", "9", "1m30s", "$0.50"],
        ["total", "", "4.0k", "3.0k", "500", "9", "1m30s", "$0.50"],
    ]
    assert "estimated at $1.00" in everything(page)


def test_how_to_go_on_by_hand_is_told_for_what_is_left():
    done = WorkProgress(id="T1", title="Do T1", status=WorkStatus.DONE)
    path = ".claude/plans/2026-01-01-add.md"
    details = manual_details(RENDER, progress=run(done), plan=PLAN, plan_path=path, page=PAGE)
    page = reply_page(details, "/manual", topic="manual")

    assert fences(page)[0] == (
        "git fetch origin phasegate/issue-7\ngit switch --create phasegate/issue-7-by-hand FETCH_HEAD\n"
    )
    assert path in fences(page)[1]
    assert "T2: Do T2" in everything(page)
    assert "T1: Do T1" not in everything(page)
    assert links(page) == [f"https://github.example/octo/app/blob/phasegate/issue-7/{path}"]


def test_how_to_go_on_by_hand_is_told_where_the_branch_has_no_plan_file():
    page = manual_details(RENDER, progress=run(), plan=PLAN, page=PAGE).text

    assert "Read the plan in the comment above" in everything(page)
    assert "(then the gate test)" in everything(page)
    assert links(page) == []


def test_a_branch_named_with_malice_is_quoted_for_the_shell():
    page = manual_details(RENDER, progress=run(branch="a;curl${IFS}x|sh"), plan=PLAN, page=PAGE).text

    assert fences(page)[0].startswith("git fetch origin 'a;curl${IFS}x|sh'\n")


# Everything at once, from the worst of sources


def nasty_plan():
    task = examples.task(title=NASTY[:100], description=NASTY_LINES, success_criteria=(NASTY,))
    return examples.plan(
        title=NASTY[:100],
        overview=NASTY_LINES,
        prerequisites=(NASTY,),
        tasks=(task,),
        edge_cases=(EdgeCase(case=NASTY, handling=NASTY),),
        verification=(NASTY,),
        documentation=(NASTY,),
        questions=(NASTY,),
    )


def nasty_run():
    task = WorkProgress(id="T1", title=NASTY.replace("\u202e", ""), status=WorkStatus.DONE, summary=NASTY, commit=TIP)
    said = {"summary": NASTY, "validation": Verdict(passed=False, reason=NASTY_LINES), "model": "a|b @octocat"}
    phases = dict.fromkeys(PhaseName, said)
    return waiting(task, phases=phases, reason=NASTY_LINES, title=NASTY, branch="x](https://evil.example) <b> `")


def nasty_pages():
    issue = examples.issue(title=NASTY, author=NASTY, comments=())
    report = examples.gate_report(
        gates=(examples.gate_result(command=NASTY_LINES, tail=NASTY_LINES, exit_code=1),), sandbox=NASTY
    )
    finding = ReviewFinding(path="a|b`@octocat`.py", line=None, severity="minor", message=NASTY)
    review = examples.review(summary=NASTY_LINES, findings=(finding,))
    asked = examples.questions(questions=(Question(id="Q1", question=NASTY, why=NASTY, suggestion=NASTY),))
    answer = {"topic": "refused", "what": NASTY_LINES, "mend": NASTY_LINES, "command": NASTY}
    all_of_it = {"progress": nasty_run(), "report": report, "review": review, "page": PAGE, "note": NASTY_LINES}
    plan, note = nasty_plan(), NoteMarker("findings", "7")
    gates = {"test": Gate(run=NASTY_LINES)}
    snapshot = examples.snapshot(issue=issue, base_branch=NASTY)
    return {
        "plan": plan_page(plan=plan, snapshot=snapshot, gates=gates, reason=NASTY_LINES),
        "status": status_page(**all_of_it),
        "summary": step_summary(RENDER, **all_of_it).text,
        "notice": notice(
            RENDER, marker=NoticeMarker("7"), progress=nasty_run(), what=NASTY_LINES, pull=None, page=PAGE
        ).text,
        "findings": findings_comment(
            RENDER, marker=note, findings=examples.findings(asked=NASTY_LINES, open_questions=(NASTY,)), page=PAGE
        ).text,
        "questions": questions_comment(RENDER, marker=note, questions=asked, page=PAGE).text,
        "review": review_comment(RENDER, marker=ReviewMarker("7", TIP), review=review, report=report, page=PAGE).text,
        "pull": pull_body(RENDER, run="7", plan=plan, page=PAGE).text,
        "reply": reply_page(**answer),
        "where": status_details(RENDER, progress=nasty_run(), page=PAGE).text,
        "cost": cost_details(RENDER, progress=nasty_run()).text,
        "manual": manual_details(RENDER, progress=nasty_run(), plan=plan, page=PAGE, plan_path=NASTY_LINES).text,
        "dry": dry_run_summary(RENDER, actions=[Intended(NASTY_LINES, NASTY, NASTY_LINES)], page=PAGE).text,
    }


OWN_TAGS = {"<details>", "<details open>", "</details>", "<summary>", "</summary>"}


@pytest.mark.parametrize("name", nasty_pages())
def test_nothing_that_anybody_wrote_acts_or_leads_elsewhere(name):
    page = nasty_pages()[name]
    own = page.replace("Closes #7", "").replace("#7", "")

    assert acting(own) == []
    assert all(link.startswith("https://github.example/octo/app/") for link in links(page))
    assert "image" not in kinds(page)
    assert not any(token.type == "html_inline" for token in tokens(page))
    tags = [token.content for token in tokens(page) if token.type == "html_block"]
    assert not [tag for tag in tags if "img" in tag or "octocat" in tag]
    assert not any(line.startswith("/") for line in page.split("\n") if not line.startswith(("/approve ", "/answer")))
    assert [token.info for token in tokens(page) if token.type == "fence" and token.info not in {"", "text", "sh"}] == (
        ["mermaid"] if name == "summary" else []
    )


@pytest.mark.parametrize("name", nasty_pages())
def test_nothing_that_anybody_wrote_changes_the_outline(name):
    """Headings and what folds are ours; foreign words stand in them, but make none."""
    page = nasty_pages()[name]
    opened = sum("<details" in token.content for token in tokens(page) if token.type == "html_block")
    closed = sum("</details>" in token.content for token in tokens(page) if token.type == "html_block")

    assert opened == closed
    assert not [heading for heading in headings(page) if heading.startswith(("heading", "\\#"))]


def test_every_function_that_publishes_is_tried_with_nasty_words():
    made = (
        plan_comment,
        status_comment,
        step_summary,
        notice,
        findings_comment,
        questions_comment,
        review_comment,
        pull_body,
        reply,
        status_details,
        cost_details,
        manual_details,
        dry_run_summary,
    )

    assert len(nasty_pages()) == len(made)
    assert all(inspect.signature(function).return_annotation.__name__ == "SafeMarkdown" for function in made)
