from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import examples
from phasegate.documents.findings import Claim, CodeReference
from phasegate.documents.plan import Operation
from phasegate.documents.progress import Verdict
from phasegate.documents.review import ReviewFinding
from phasegate.policy.config import Protected
from phasegate.policy.scope import ProtectedPaths, Scope
from phasegate.policy.validation import (
    MAX_CHANGE_BYTES,
    MAX_FILES,
    check_change,
    check_findings,
    check_plan,
    check_review,
    check_scouts,
    verdict,
)

PROTECTED = ProtectedPaths.of(Protected())
FILES = ("README.md", "old.py", "src/app/cli.py", "src/app/list.py")


@pytest.mark.parametrize(
    ("problems", "expected"),
    [
        ([], Verdict(passed=True, reason="all is well")),
        (["one"], Verdict(passed=False, reason="one")),
        (["one", "two"], Verdict(passed=False, reason="one; two")),
    ],
)
def test_a_verdict_says_why(problems, expected):
    assert verdict(problems, good="all is well") == expected


def test_every_cited_path_has_to_exist():
    files = {"src/app/cli.py": 1, "tests/test_cli.py": 2, "README.md": 3}
    assert check_findings(examples.findings().payload, files=files) == []
    assert check_findings(examples.findings().payload, files={"src/app/cli.py": 1}) == [
        "cites README.md, which is not in the repository",
        "cites tests/test_cli.py, which is not in the repository",
    ]


def test_a_directory_is_no_citation():
    reference = CodeReference(path="src", first_line=1, last_line=1, why="all of it")
    findings = examples.findings(code=(reference,), interfaces=(), tests=(), decisions=()).payload
    assert check_findings(findings, files={"src/a.py": 1}) == ["cites src, which is not in the repository"]


def test_a_path_is_complained_of_once():
    claims = (Claim(statement="one", path="x.py"), Claim(statement="two", path="x.py"))
    findings = examples.findings(interfaces=claims, tests=claims, decisions=()).payload
    assert len(check_findings(findings, files={"src/app/cli.py": 1})) == 1


@pytest.mark.parametrize(
    ("statuses", "minimum", "problems"),
    [
        ("", 0, []),
        ("", 1, []),  # no scouts were sent out
        ("success", 1, []),
        ("partial", 1, []),
        ("failure", 1, ["0 of 1 scouts came back with something, 1 have to"]),
        ("failure", 0, []),
        ("success failure failure", 1, []),
        ("success failure failure", 2, ["1 of 3 scouts came back with something, 2 have to"]),
        ("success partial", 8, []),
        ("success failure", 8, ["1 of 2 scouts came back with something, 2 have to"]),
    ],
)
def test_enough_scouts_have_to_come_back_with_something(statuses, minimum, problems):
    scouts = [SimpleNamespace(status=status) for status in statuses.split()]
    assert check_scouts(scouts, minimum=minimum) == problems


def task(id_: str = "T1", *, after: str = "", check: str | None = None, **operations: str):
    files = examples.files(**operations) or examples.files(modify="src/app/cli.py")
    return examples.task(id_, files=files, depends_on=tuple(after.split()), check=check)


def problems(*tasks, files=FILES, gates=("test", "lint"), protected=PROTECTED, done=None):
    return check_plan(examples.plan_payload(tasks=tasks), files=files, protected=protected, gates=gates, done=done)


@pytest.mark.parametrize(
    "tasks",
    [
        [task()],
        [task(check="test"), task("T2", check="lint", create="new.py")],
        [task(modify="README.md", create="docs/a.md", delete="old.py")],
        [task(create="new.py"), task("T2", after="T1", modify="new.py")],
        [task(create="new.py"), task("T2", modify="new.py")],
        [task("T1", after="T2", modify="new.py"), task("T2", create="new.py")],
        [task(create="a/b.py"), task("T2", create="a/c.py")],
        [task(delete="old.py"), task("T2", create="old.py")],
        [task(delete="old.py"), task("T2", create="old.py/now_a_package.py")],
        [task(create="new.py"), task("T2", delete="new.py"), task("T3", create="new.py")],
        [task(), task("T2"), task("T3", after="T1 T2 T1")],
    ],
)
def test_plans_that_can_be_carried_out(tasks):
    assert problems(*tasks) == []


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task(), task()], ["the id T1 is used twice"]),
        (
            [task("T2"), task("T1"), task("T2"), task("T1"), task("T1")],
            ["the id T1 is used twice", "the id T2 is used twice"],
        ),
        ([task(after="T9")], ["T1 depends on T9, which is no task"]),
        ([task(after="T1")], ["the tasks T1 wait for each other"]),
        ([task(after="T2"), task("T2", after="T1"), task("T3")], ["the tasks T1, T2 wait for each other"]),
        (
            [task("T1", after="T3"), task("T2", after="T1"), task("T3", after="T2")],
            ["the tasks T1, T2, T3 wait for each other"],
        ),
        ([task(create="README.md")], ["T1 creates README.md, which exists already or cannot exist beside what does"]),
        ([task(create="src")], ["T1 creates src, which exists already or cannot exist beside what does"]),
        ([task(create="src/app")], ["T1 creates src/app, which exists already or cannot exist beside what does"]),
        (
            [task(create="README.md/x")],
            ["T1 creates README.md/x, which exists already or cannot exist beside what does"],
        ),
        (
            [task(create="a"), task("T2", create="a")],
            ["T2 creates a, which exists already or cannot exist beside what does"],
        ),
        (
            [task(create="a"), task("T2", create="a/b")],
            ["T2 creates a/b, which exists already or cannot exist beside what does"],
        ),
        ([task(modify="new.py")], ["T1 is to modify new.py, which is not there"]),
        ([task(modify="src")], ["T1 is to modify src, which is not there"]),
        ([task(delete="readme.md")], ["T1 is to delete readme.md, which is not there"]),
        ([task(delete="old.py"), task("T2", modify="old.py")], ["T2 is to modify old.py, which is not there"]),
        (
            [task("T1", modify="new.py"), task("T2", create="new.py")],
            ["T1 is to modify new.py, which is not there"],
        ),
        (
            [task("T1", modify="new.py"), task("T2", after="T1", create="new.py")],
            ["T1 is to modify new.py, which is not there"],
        ),
        ([task(modify=".github/workflows/ci.yml")], ["T1 names .github/workflows/ci.yml, which is protected"]),
        ([task(create="sub/Agents.MD")], ["T1 names sub/Agents.MD, which is protected"]),
        ([task(check="build")], ["T1 wants the check build, which is no gate here (there are: lint, test)"]),
        (
            [task(after="T9", check="build", modify="AGENTS.md")],
            [
                "T1 depends on T9, which is no task",
                "T1 names AGENTS.md, which is protected",
                "T1 wants the check build, which is no gate here (there are: lint, test)",
            ],
        ),
    ],
)
def test_plans_that_cannot_be_carried_out(tasks, expected):
    assert problems(*tasks) == expected


def test_a_check_is_refused_where_there_are_no_gates():
    assert problems(task(check="test"), gates=()) == [
        "T1 wants the check test, which is no gate here (there are: none)"
    ]


def test_files_may_come_from_anything_that_lists_them():
    assert problems(task(check="test"), files=iter(FILES), gates=iter(["test"])) == []


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task(create="a"), task("T2", modify="README.md")], []),
        ([task("T2", modify="README.md"), task(create="a")], []),
        ([task(create="b"), task("T2")], ["T1 is finished and must stay as it is"]),
        ([task("T2")], ["T1 is finished and must stay as it is"]),
    ],
)
def test_a_correction_carries_finished_tasks_over_unchanged(tasks, expected):
    assert problems(*tasks, done={"T1": task(create="a")}) == expected


PLAN_SCOPE = Scope.of((task(modify="a.py", create="new.py", delete="old.py"), task("T2", modify=".github/x")))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (examples.change_entry("a.py"), None),
        (examples.change_entry("new.py", "create"), None),
        (examples.change_entry("new.py"), None),
        (examples.change_entry("old.py", "delete"), None),
        (examples.change_entry("a.py", "delete"), "the plan does not allow to delete a.py"),
        (examples.change_entry("old.py"), "the plan does not allow to modify old.py"),
        (examples.change_entry("b.py", "create"), "the plan does not allow to create b.py"),
        (examples.change_entry("A.py"), "the plan does not allow to modify A.py"),
        (examples.change_entry(".github/x"), ".github/x is protected and may not be touched"),
        (examples.change_entry("CLAUDE.md", "delete"), "CLAUDE.md is protected and may not be touched"),
    ],
)
def test_a_change_stays_within_the_plan_and_off_protected_paths(entry, problem):
    assert check_change([entry], scope=PLAN_SCOPE, protected=PROTECTED) == ([problem] if problem else [])


def test_a_rename_needs_both_halves_in_the_plan():
    halves = [examples.change_entry("old.py", "delete"), examples.change_entry("moved.py", "create")]
    assert check_change(halves, scope=PLAN_SCOPE, protected=PROTECTED) == ["the plan does not allow to create moved.py"]


def test_nothing_changed_is_nothing_wrong():
    assert check_change([], scope=PLAN_SCOPE, protected=PROTECTED) == []


def test_a_change_has_bounds_in_files_and_bytes():
    paths = [f"f{number}" for number in range(MAX_FILES + 1)]
    wide = Scope.of(examples.task(files=examples.files(modify=path)) for path in paths)
    entries = [examples.change_entry(path) for path in paths]
    assert check_change(entries[1:], scope=wide, protected=PROTECTED) == []
    assert check_change(entries, scope=wide, protected=PROTECTED) == ["101 files are changed, 100 are allowed"]
    half = b"x" * (MAX_CHANGE_BYTES // 2)
    big = [examples.change_entry("f1", data=half), examples.change_entry("f2", data=half)]
    assert check_change(big, scope=wide, protected=PROTECTED) == []
    big.append(examples.change_entry("f3", data=b"!"))
    assert check_change(big, scope=wide, protected=PROTECTED) == ["4194305 bytes are changed, 4194304 are allowed"]


@pytest.mark.parametrize(("files", "expected"), [(("a.py", "b.py"), []), ((), ["cites a.py, which does not exist"])])
def test_a_review_cites_what_exists(files, expected):
    finding = ReviewFinding(path="a.py", line=1, severity="minor", message="look")
    assert check_review(examples.review(findings=(finding,)).payload, files=files) == expected


_OPERATIONS = st.sampled_from(Operation)
_PATHS = st.sampled_from(("a", "b", "c/d", "c/e", "c"))
_PLANNED = st.lists(st.tuples(_PATHS, _OPERATIONS), min_size=1, max_size=2, unique_by=lambda planned: planned[0])


@settings(max_examples=200, deadline=None)
@example([[("c/d", Operation.DELETE)], [("c/d", Operation.CREATE), ("c", Operation.CREATE)]])
@given(st.lists(_PLANNED, min_size=1, max_size=4))
def test_a_plan_that_passes_can_be_carried_out_file_by_file(planned):
    """Carried out on a set of paths, no step meets a file that is missing, or in the way."""
    tasks = [
        examples.task(
            f"T{number}", check=None, files=tuple(f for path, op in files for f in examples.files(**{str(op): path}))
        )
        for number, files in enumerate(planned, start=1)
    ]
    there = {"a", "c/d"}
    if problems(*tasks, files=tuple(there)):
        return
    for files in planned:
        for path, op in files:
            assert (path in there) is (op is not Operation.CREATE)
        there |= {path for path, op in files if op is Operation.CREATE}
        there -= {path for path, op in files if op is Operation.DELETE}
        assert not any(other.startswith(f"{path}/") for path in there for other in there)
