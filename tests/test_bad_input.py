"""Bad input: one clear message, the right exit code, and what was done stays."""

import errno
import os
import signal
from pathlib import Path
from unittest.mock import patch

import pytest

import scenes
from phasegate.documents.chain import audit
from phasegate.documents.progress import RunState
from phasegate.doors.sandbox.choice import SandboxChoice
from repositories import add_submodule_entry, commit_files, git, make_repository, user_state, write_file
from stage import Stage, run_here, wait_until, write_script


def stage_of(directory, **files) -> Stage:
    return Stage(directory, make_repository(directory / "repository", {**scenes.SMALL, **files}), no_sandbox=True)


@pytest.fixture
def stage(tmp_path):
    stage = stage_of(tmp_path)
    stage.write_script(scenes.simple())
    return stage


def check_told(outcome, code, *parts):
    """Exactly one message, in words, with this exit code."""
    assert outcome.code == code, outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.err.count("Error: ") == (0 if code == 4 else 1), outcome.err
    for part in parts:
        assert part in outcome.err, outcome.err


def check_no_run(stage):
    """Nothing was begun: no run, no branch."""
    assert stage.cli("list", "--json").json == []
    assert git(stage.repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


# What is wanted.


@pytest.mark.parametrize("text", ["", "  \n\t", "#", "!!! ???"])
def test_an_issue_without_words(stage, text):
    check_told(stage.cli("run", text), 2, "Error: The issue is empty.", 'phasegate run "Add a --json flag"')
    check_no_run(stage)


@pytest.mark.parametrize("text", ["x" * 65_537, "A title\n" + "ü" * 40_000])
def test_a_huge_issue(stage, text):
    file = stage.directory / "issue.md"
    file.write_text(text, "utf-8")

    check_told(stage.cli("run", "--issue", str(file)), 2, "bytes, 65536 are allowed")
    check_no_run(stage)


def test_an_issue_of_control_characters_that_is_small_and_would_make_a_huge_document(stage):
    check_told(stage.cli("run", "A title\n" + "\x01" * 60_000), 2, "The issue cannot be used: ")
    check_no_run(stage)


@pytest.mark.parametrize("words", [[], ["A wish", "--issue", "issue.md"]])
def test_no_wish_or_two(stage, words):
    check_told(stage.cli("run", *words), 2, "Say what is wanted: as a text or as a file.")


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "No such file or directory"), (b"\xff\xfe", "utf-8"), ("directory", "Is a directory")],
)
def test_an_issue_file_that_cannot_be_read(stage, content, what):
    file = stage.directory / "issue.md"
    if content == "directory":
        file.mkdir()
    elif content:
        file.write_bytes(content)

    check_told(stage.cli("run", "--issue", str(file)), 2, f"The issue {file} cannot be read: ", what)
    check_no_run(stage)


def test_an_issue_file_with_a_byte_order_mark_and_windows_line_ends(stage):
    file = stage.directory / "issue.md"
    file.write_bytes(b"\xef\xbb\xbf# Make it new\r\n\r\nAll of it.\r\n")

    assert stage.cli("run", "--issue", str(file)).code == 4
    assert stage.store().progress.title == "Make it new"


# Where.


def test_no_repository(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    stage = Stage(tmp_path, outside)

    check_told(stage.cli("run", "A wish"), 2, f"{outside} is not inside a git repository.", "git init")


def test_no_directory(tmp_path):
    check_told(Stage(tmp_path, tmp_path / "nowhere").cli("run", "A wish"), 2, "nowhere is no directory.")


@pytest.mark.parametrize("verb", ["status", "list", "run", "primer"])
def test_a_bare_repository(tmp_path, verb):
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))

    words = ["A wish"] if verb == "run" else []
    check_told(Stage(tmp_path, bare).cli(verb, *words), 2, "is a bare repository", "git clone")


def test_a_repository_without_commits(tmp_path):
    git(tmp_path, "init", "--quiet", str(tmp_path / "new"))

    check_told(Stage(tmp_path, tmp_path / "new").cli("run", "A wish"), 2, "has no commits yet", "Make a first commit")


def test_an_unborn_branch(stage):
    git(stage.repository, "checkout", "--quiet", "--orphan", "other")

    check_told(stage.cli("run", "A wish"), 2, "has no commits yet on its current branch")


def test_a_base_that_does_not_exist(stage):
    check_told(stage.cli("run", "A wish", "--base", "nowhere"), 2, "'nowhere' names no commit", "git branch --all")
    check_no_run(stage)


@pytest.mark.parametrize("base", ["--help", "-x", "main:a.txt", "", "HEAD^^^", "\x1b[2J"])
def test_odd_names_of_a_base_are_only_unknown(stage, base):
    outcome = stage.cli("run", "A wish", f"--base={base}")

    check_told(outcome, 2, "names no commit")
    assert "\x1b" not in outcome.err


def test_a_shallow_clone_works_and_says_so_where_its_history_ends(stage):
    commit_files(stage.repository, {"later.txt": "later\n"})
    clone = stage.directory / "clone"
    git(stage.directory, "clone", "--quiet", "--depth=1", f"file://{stage.repository}", str(clone))
    shallow = Stage(stage.directory, clone, no_sandbox=True)

    outcome = shallow.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    assert shallow.file("new.txt") == "new"
    check_told(shallow.cli("run", "A wish", "--base", "HEAD~1"), 2, "shallow clone", "git fetch --unshallow")


def test_a_detached_head_works_and_stays_as_it_is(stage):
    first = git(stage.repository, "rev-parse", "HEAD")
    commit_files(stage.repository, {"later.txt": "later\n"})
    git(stage.repository, "checkout", "--quiet", "--detach", first)
    before = user_state(stage.repository)

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert user_state(stage.repository) == before
    assert stage.store().progress.base_sha == first
    assert git(stage.repository, "ls-tree", "--name-only", "phasegate/L1").split().count("later.txt") == 0


def test_a_dirty_checkout_is_told_and_left_alone(stage):
    write_file(stage.repository, "a.txt", "mine\n")
    write_file(stage.repository, "untracked.txt", "mine too\n")
    before = user_state(stage.repository)

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    assert outcome.err.count("Note: Your uncommitted changes are not part of this") == 1
    assert user_state(stage.repository) == before
    assert stage.file("a.txt") == "old a"


def test_a_submodule_is_left_as_it_is(stage):
    add_submodule_entry(stage.repository, "vendor/lib")
    entry = git(stage.repository, "ls-tree", "main", "vendor/lib")

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert git(stage.repository, "ls-tree", "phasegate/L1", "vendor/lib") == entry


def test_a_branch_of_that_name_is_somebody_s_and_the_run_gets_the_next_number(stage):
    git(stage.repository, "branch", "phasegate/L1")

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert [line["run"] for line in stage.cli("list", "--json").json] == ["L2"]


def test_a_branch_that_is_checked_out_is_not_moved(stage):
    assert stage.cli("run", scenes.ISSUE).code == 4
    git(stage.repository, "switch", "--quiet", "phasegate/L1")
    before = user_state(stage.repository)

    check_told(stage.cli("approve", "L1"), 3, "The branch 'phasegate/L1' is checked out in a work tree.")
    assert user_state(stage.repository) == before
    assert stage.store().progress.state is RunState.WAITING
    git(stage.repository, "switch", "--quiet", "main")
    outcome = stage.cli("approve", "L1")
    assert outcome.code == 0, outcome.err


def test_a_repository_with_sha_256_ids(tmp_path):
    repository = make_repository(tmp_path / "repository", scenes.SMALL, object_format="sha256")
    stage = Stage(tmp_path, repository, no_sandbox=True)
    stage.write_script(scenes.simple())

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert len(stage.store().progress.head_sha) == 64
    assert stage.cli("audit", "L1").code == 0


def test_odd_files_of_a_repository_stay_as_they_are(stage):
    odd = {"with space.txt": "x\n", "dos.txt": "a\r\nb\r\n", "bin": bytes(range(256)), "run.sh": "#!/bin/sh\n"}
    links = {"link": "a.txt", "dangling": "/nowhere/at/all", "deep/loop": "../deep"}
    commit_files(stage.repository, odd, links=links, executable=["run.sh"])
    name = os.fsencode(stage.repository) + b"/not-utf-8-\xff.txt"
    Path(os.fsdecode(name)).write_bytes(b"x\n")
    git(stage.repository, "add", "--all")
    git(stage.repository, "commit", "--quiet", "--message=odd")

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    changed = git(stage.repository, "diff", "--name-only", "main", "phasegate/L1").split("\n")
    assert [path for path in changed if not path.startswith(".claude/")] == ["new.txt"]


def test_a_linked_work_tree_shares_its_runs_with_the_repository(stage):
    linked = Stage(stage.directory, stage.directory / "linked", no_sandbox=True)
    git(stage.repository, "worktree", "add", "--quiet", "-b", "side", str(linked.repository))

    outcome = linked.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    assert stage.cli("status", "L1", "--json").json["state"] == "done"
    assert git(linked.repository, "status", "--porcelain") == ""


# The configuration.


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("gates: {test: {run: x", ".github/phasegate.yml:1:"),
        ("research:\n  scouts: 1\n   minimum: 1\n", ".github/phasegate.yml:3:"),
        ("reserch: {scouts: 1}\n", ".github/phasegate.yml:1:1: unknown key `reserch`. Did you mean `research`?"),
        ("budget:\n  run: {dollars: 5}\n", ".github/phasegate.yml:2:9: unknown key `budget.run.dollars`."),
        ("research: {scouts: 99}\n", ".github/phasegate.yml:1:12: `research.scouts`: Input should be less than"),
        ("gates: &a [*a]\n", ".github/phasegate.yml:1:"),
        ("models: {plan: {model: claude-none}}\n", "The price of the model claude-none is not known"),
        ("sandbox: {expose: [/]}\n", "/"),
    ],
)
def test_a_configuration_that_cannot_be_used(tmp_path, text, what):
    stage = stage_of(tmp_path, **{".github/phasegate.yml": text})
    stage.no_sandbox = "sandbox" not in text
    stage.write_script(scenes.simple())

    check_told(stage.cli("run", "A wish"), 2, what)
    if "sandbox" not in text:
        check_no_run(stage)


def test_a_model_whose_price_the_configuration_gives_is_used(tmp_path):
    price = "{input: 1, output: 5, cache_read: 0.1, cache_write: 1.25}"
    config = scenes.CONFIG + f"models: {{review: {{model: claude-new}}}}\nprices: {{claude-new: {price}}}\n"
    stage = stage_of(tmp_path, **{".github/phasegate.yml": config})
    reviewer = scenes.reviewer(when={"model": "claude-new"})
    stage.write_script([*scenes.simple()[:4], reviewer], models={"claude-new": {}})

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert stage.store().progress.phases[-1].model == "claude-new"
    assert stage.store().progress.phases[-1].spent.usd > 0


def test_the_configuration_counts_as_it_is_at_the_base_not_in_the_checkout(stage):
    write_file(stage.repository, ".github/phasegate.yml", "nonsense: [\n")

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0


def test_a_gate_whose_command_does_not_exist(tmp_path):
    config = "research: {scouts: 1}\ngates: {test: {run: no-such-command --fast}}\n"
    stage = stage_of(tmp_path, **{".github/phasegate.yml": config})
    stage.write_script(scenes.simple())

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    check_told(outcome, 2, "The gate test cannot be run: `no-such-command --fast` ended with exit code 127.")
    assert "Correct `gates:` in .github/phasegate.yml" in outcome.err
    check_stays(stage, "plan")


def test_a_change_that_takes_a_gate_its_command_is_a_failed_gate_not_a_wrong_configuration(tmp_path):
    """At the base the command is there, so it is the work that has to be mended."""
    config = "research: {scouts: 1}\ngates: {test: {run: ./check.sh}}\n"
    files = {".github/phasegate.yml": config, "check.sh": "#!/bin/sh\nexit 0\n"}
    stage = Stage(
        tmp_path, make_repository(tmp_path / "repository", {**scenes.SMALL, **files}, executable=["check.sh"]), True
    )
    one = scenes.task("T1", {"check.sh": "modify"})
    broken, mended = (scenes.write("check.sh", f"#!{shell}\nexit 0\n") for shell in ("/no/such/shell", "/bin/sh\n:"))
    again = scenes.turn(mended, scenes.done("T1 is done"), expect="the check failed. test: exit code 12")
    executor = scenes.executor("T1", broken)
    executor["turns"].append(again)
    stage.write_script([*scenes.simple()[:2], scenes.planner(one), executor, scenes.reviewer()])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err


def check_stays(stage, *phases, run="L1"):
    """What was done stays, and can be audited."""
    store = stage.store(run)
    done = {str(phase.id) for phase in store.progress.phases if phase.status == "done"}
    assert {"research", *phases} <= done
    assert audit(store.progress, store.stored()).intact
    assert stage.left_behind() == []


# The model.


def nonsense(name, when, *payloads):
    return scenes.scene(name, when, *(scenes.turn(scenes.submit(**payload)) for payload in payloads))


PLANNER = {"model": scenes.OPUS, "system": "You are the planner"}


def test_a_model_that_hands_in_nonsense_again_and_again(stage):
    bad = [{"title": "x"}, {"nothing": True}, scenes.plan_payload(scenes.task("T1", {"../up": "create"}))]
    stage.write_script([*scenes.simple()[:2], nonsense("plan", PLANNER, *bad) | {"repeat": True}])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    check_told(outcome, 1, "plan left nothing that can be used: ", "`phasegate resume L1` lets it try again.")
    assert str(stage.store().directory / "transcripts/plan.jsonl") in outcome.err
    assert stage.store().progress.state is RunState.FAILED
    check_stays(stage)
    stage.write_script(scenes.simple())
    assert stage.cli("resume", "L1", "--yes").code == 0
    assert stage.scenes().count("scout") == 1


@pytest.mark.parametrize(
    ("name", "when", "payload"),
    [
        (
            "research",
            {"system": "You are the researcher"},
            scenes.findings(
                open_questions=[f"{n} {'why ' * 240}" for n in range(20)],
                risks=[{"statement": f"{n} {'risk ' * 190}", "path": "a.txt"} for n in range(30)],
            ),
        ),
        (
            "plan",
            PLANNER,
            scenes.plan_payload(
                *(scenes.task(f"T{n}", {f"new{n}.txt": "create"}, description="word " * 3000) for n in range(1, 6))
            ),
        ),
        (
            "review",
            {"system": "You are the reviewer"},
            {
                "verdict": "approve",
                "fulfils_plan": True,
                "summary": "word " * 3000,
                "findings": [
                    {"path": "a.txt", "line": 1, "severity": "minor", "message": "word " * 190} for _ in range(30)
                ],
            },
        ),
    ],
)
def test_a_model_that_says_too_much_is_told_to_say_less(stage, name, when, payload):
    """Each field is within its bounds, all of them together are not: the model hears it, and may try again."""
    long = nonsense(name, {"model": scenes.OPUS, **when}, payload)
    short = next(scene for scene in scenes.simple() if scene["name"] == name)["turns"][0] | {
        "expect": "are allowed: say less"
    }
    long["turns"].append(short)
    stage.write_script([long, *(scene for scene in scenes.simple() if scene["name"] != name)])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err


def test_an_executor_that_says_too_much_is_told_to_say_less(stage):
    one = {"criterion": "T1 is done", "met": True, "evidence": "seen " * 190}
    executor = scenes.executor("T1", scenes.write("new.txt", "new\n"))
    executor["turns"].insert(1, scenes.turn(scenes.submit(summary="done", criteria=[one] * 10)))
    executor["turns"][2]["expect"] = "are allowed: say less"
    stage.write_script([*scenes.simple()[:3], executor, scenes.reviewer()])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err


def test_an_executor_whose_report_of_a_block_is_too_long_is_told_to_say_less(stage):
    report = {"report_blocked": {"reason": "no", "evidence": "ü" * 16_000, "tried": ["x" * 900] * 12}}
    short = {"report_blocked": {"reason": "T1 cannot be done", "evidence": "nothing fits"}}
    executor = scenes.scene(
        "blocked", {"first": "Your task is T1"}, scenes.turn(report), scenes.turn(short, expect="are allowed: say less")
    )
    right = scenes.task("T1", {"new.txt": "create"}, description="Do what can be done.")
    works = scenes.executor("T1", scenes.write("new.txt", "new\n"), when={"first": ["can be done."]})
    stage.write_script([*scenes.simple()[:3], works, executor, scenes.corrector(right), scenes.reviewer()])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err


def test_a_model_that_never_hands_in(stage):
    silent = scenes.scene("plan", PLANNER, scenes.turn(say="I think about it.")) | {"repeat": True}
    stage.write_script([*scenes.simple()[:2], silent])

    check_told(stage.cli("run", scenes.ISSUE), 1, "plan left nothing that can be used: ")
    check_stays(stage)


def test_a_model_that_refuses(stage):
    refusing = scenes.scene("plan", PLANNER, scenes.turn(stop="refusal"))
    stage.write_script([*scenes.simple()[:2], refusing])

    outcome = stage.cli("run", scenes.ISSUE)

    check_told(outcome, 3, "The model refused to work on plan")
    check_stays(stage)


def test_a_scout_that_fails_does_not_break_the_chain_when_others_succeed(tmp_path):
    config = scenes.CONFIG.replace("scouts: 1", "scouts: 3")
    stage = stage_of(tmp_path, **{".github/phasegate.yml": config})
    failing = scenes.scout("failing", status="failure")
    failing["when"]["first"] = "Which tests cover"
    refusing = scenes.scene(
        "refusing", {"model": scenes.HAIKU, "first": "Which interfaces"}, scenes.turn(stop="refusal")
    )
    stage.write_script([failing, refusing, *scenes.simple()])

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert stage.cli("audit", "L1").code == 0
    research = next(one.raw for one in stage.asked() if one.scene == "research")
    assert "S2 (failure)" in research
    assert "S3 (failure)" in research


def test_research_without_a_single_useful_scout_fails_and_asks_them_again_on_resume(stage):
    stage.write_script([scenes.scout(status="failure"), *scenes.simple()[1:]])
    check_told(stage.cli("run", scenes.ISSUE, "--yes"), 1, "Research cannot go on: 0 of 1 scouts came back")

    stage.write_script(scenes.simple())

    assert stage.cli("resume", "L1", "--yes").code == 0
    assert [one.scene for one in stage.asked()].count("scout") == 2
    assert stage.cli("audit", "L1").code == 0


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ("run: {turns: 2}", "the run's turns: all 2 are used"),
        ("phase: {usd: 0.01}", "the phase's money"),
        ("run: {tokens: 5000}", "the run's tokens"),
        ("task: {turns: 1}", "the task's turns: all 1 are used"),
    ],
)
def test_a_budget_that_is_spent(tmp_path, limits, what):
    config = scenes.CONFIG + f"budget: {{{limits}}}\n"
    stage = stage_of(tmp_path, **{".github/phasegate.yml": config})
    stage.write_script(scenes.simple())

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    check_told(outcome, 5, what, "Raise `budget:` in .github/phasegate.yml")
    assert stage.store().progress.state is RunState.FAILED
    assert stage.cli("audit", "L1").code == 0
    assert stage.left_behind() == []
    assert stage.cli("resume", "L1", "--yes").code == 5


def test_no_key_and_no_rehearsal(stage):
    stage.script.unlink()

    outcome = stage.cli("run", "A wish")

    check_told(outcome, 2, "No model can be asked: there is no API key.", "ANTHROPIC_API_KEY is not set")
    assert "--rehearse FILE" in outcome.err
    check_no_run(stage)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "The rehearsal"),
        ("rehearsal: 1\nscenes:\n  - nam: x\n", "Did you mean `name`?"),
        ("rehearsal: [", "script.yml:"),
        (b"\xff\xfe\x00", "cannot be read: "),
    ],
)
def test_a_rehearsal_that_cannot_be_used(stage, text, what):
    if text is None:
        stage.script.unlink()
        stage.script.symlink_to("nowhere")
        outcome = run_here([*stage.arguments("run", "A wish"), "--rehearse", str(stage.script)], stage.surroundings())
    else:
        stage.script.write_bytes(text if isinstance(text, bytes) else text.encode())
        outcome = stage.cli("run", "A wish")

    check_told(outcome, 2, what)
    assert stage.left_behind() == []


def test_a_rehearsal_that_does_not_fit_says_what_was_asked(stage):
    stage.write_script(scenes.simple()[1:])

    outcome = stage.cli("run", "A wish")

    assert outcome.code == 1
    assert "no scene matches this request" in outcome.err
    assert "Traceback" not in outcome.err


# The machine.


@pytest.mark.parametrize("number", range(0, 56, 8))
def test_no_space_left_on_the_disk(stage, number):
    """The run files cannot be written any more, from the n-th on; with space again it goes on."""
    real, calls = os.replace, iter(range(1_000_000))

    def full(*arguments, **keywords):
        if next(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **keywords)

    with patch.object(os, "replace", full):
        outcome = stage.cli("run", scenes.ISSUE, "--yes")

    if stage.cli("list", "--json").json == []:
        check_told(outcome, 2, "No space left on device")
        return
    if outcome.code:
        check_told(outcome, 2, "No space left on device", "what was done is kept")
    again = stage.cli("resume", "L1", "--yes") if outcome.code else outcome
    assert again.code == 0, again.err
    assert stage.file("new.txt") == "new"
    assert stage.left_behind() == []


def test_a_device_that_is_full_for_the_transcripts(stage):
    """A real one: /dev/full takes nothing."""
    assert stage.cli("run", scenes.ISSUE).code == 4
    transcript = stage.store().directory / "transcripts/implement-T1.jsonl"
    transcript.symlink_to("/dev/full")

    check_told(stage.cli("approve", "L1"), 2, "No space left on device", "Make room, then `phasegate resume`")
    transcript.unlink()
    assert stage.cli("resume", "L1").code == 0


def test_a_directory_for_temporary_files_that_cannot_be_written(stage):
    stage.environ["TMPDIR"] = "/proc"

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_two_processes_on_one_run(stage):
    stage.write_script(scenes.simple(plan={"delay": 25}))
    first = stage.start("run", scenes.ISSUE)
    wait_until(lambda: "plan" in stage.scenes())

    second = stage.cli("resume", "L1")
    cancelled = stage.cli("cancel", "L1")
    read = stage.cli("status", "L1", "--json")

    check_told(second, 3, "Another process works on run L1 right now.")
    check_told(cancelled, 3, "Another process works on run L1 right now.")
    assert read.json["state"] == "active"
    assert first.process.is_alive()
    first.send(signal.SIGINT)
    assert first.end().code == 130


def test_two_runs_in_one_repository_do_not_meet(stage):
    stage.write_script(scenes.simple(plan={"delay": 25}))
    first = stage.start("run", scenes.ISSUE)
    wait_until(lambda: "plan" in stage.scenes())
    other = stage.directory / "other.yml"
    write_script(other, scenes.simple())

    outcome = run_here(
        ["run", "Another", "--yes", "--no-sandbox", "--repo", str(stage.repository), "--rehearse", str(other)],
        stage.surroundings(),
    )

    assert outcome.code == 0, outcome.err
    assert stage.file("new.txt", "L2") == "new"
    first.send(signal.SIGTERM)
    assert first.end().code == 130


def test_without_a_sandbox_nothing_is_executed_unless_it_is_asked_for_by_name(stage):
    stage.no_sandbox = False
    with patch("phasegate.surroundings.choose_sandbox", return_value=SandboxChoice(None, ())):
        outcome = stage.cli("run", scenes.ISSUE, "--yes")

    check_told(outcome, 3, "nothing of the repository is executed", "`--no-sandbox`")
    assert "Note: No sandbox works on this machine" in outcome.err
    assert "implement-T1" not in stage.scenes()  # refused before it costs anything
    stage.no_sandbox = True
    again = stage.cli("resume", "L1")
    assert again.code == 0, again.err
    assert "Note: --no-sandbox: what the model and the gates run can do all that you can do." in again.err


def test_without_a_sandbox_and_without_gates_the_model_works_without_a_shell(tmp_path):
    stage = stage_of(tmp_path, **{".github/phasegate.yml": "research: {scouts: 1}\ngates: {}\n"})
    stage.no_sandbox = False
    one = scenes.task("T1", {"new.txt": "create"}, check=None)
    stage.write_script([*scenes.simple()[:2], scenes.planner(one), *scenes.simple()[3:]])
    with patch("phasegate.surroundings.choose_sandbox", return_value=SandboxChoice(None, ())):
        outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    tools = [one.tools for one in stage.asked() if one.scene == "implement-T1"]
    assert tools[0] == {"read", "list", "search", "str_replace_based_edit_tool", "submit", "report_blocked"}


def test_git_that_is_not_there(stage):
    stage.environ["PATH"] = str(stage.directory)

    outcome = stage.cli("status")

    assert outcome.code == 2
    assert "git" in outcome.err
    assert "Traceback" not in outcome.err
