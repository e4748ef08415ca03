import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import examples
from phasegate.documents.plan import Operation
from phasegate.policy.config import Protected
from phasegate.policy.scope import PROTECTED, ProtectedPaths, Scope, in_order, parents, waves

CREATE, MODIFY, DELETE = Operation.CREATE, Operation.MODIFY, Operation.DELETE
BUILT_IN = ProtectedPaths.of(Protected())


def rules(*, also: str = "", allow: str = "") -> ProtectedPaths:
    return ProtectedPaths.of(Protected(also=tuple(also.split()), allow=tuple(allow.split())))


@pytest.mark.parametrize("pattern", PROTECTED)
def test_every_built_in_pattern_protects_something(pattern):
    assert BUILT_IN.holds(pattern.strip("/") + ("/x" if pattern.endswith("/") else ""))


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".github/phasegate.yml",
        ".github/CODEOWNERS",
        "action.yml",
        "sub/dir/action.yaml",
        "docs/CODEOWNERS",
        "a/b/.gitattributes",
        ".gitmodules",
        "sub/.gitignore",
        ".lfsconfig",
        ".mailmap",
        ".phasegate/issue-1/PROGRESS.json",
        "sub/.phasegate/x",
        ".claude/PRIMER.md",
        ".cursor/rules/x",
        "src/AGENTS.md",
        "CLAUDE.md",
        ".mcp.json",
        ".pre-commit-config.yaml",
        ".envrc",
        ".devcontainer/devcontainer.json",
        ".vscode/tasks.json",
    ],
)
def test_what_steers_machines_or_agents_is_protected(path):
    assert BUILT_IN.holds(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "README.md",
        "github/x",
        "sub/.github/x",
        ".githubx",
        "actions.yml",
        "my-action.yml",
        "docs/agents.md.txt",
        "Makefile",
        "pyproject.toml",
        "src/.claude/x",
        "phasegate/x",
    ],
)
def test_the_product_itself_is_not_protected(path):
    assert not BUILT_IN.holds(path)


@pytest.mark.parametrize(
    "path",
    [
        ".GitHub/workflows/ci.yml",
        ".GITHUB/x",
        "Agents.MD",
        "claude.md",
        "codeowners",
        "CODEOWNERS.",
        "CODEOWNERS ",
        "CODEOWNERS. .",
        "CODEOWNERS::$DATA",
        ".github./workflows/ci.yml",
        ".github /x",
        ".git\u200chub/x",
        ".\ufeffgithub/x",
        "\uff0e\uff47\uff49\uff54\uff48\uff55\uff42/x",
        "\uff21\uff27\uff25\uff2e\uff34\uff33.md",
        "\u24d0gents.md",
        "AGENT\u017f.md",
        "action\u2024yml",
        "A\u200dGENTS.md",
        "AGENTS.md:stream",
    ],
)
def test_another_spelling_of_a_protected_path_is_protected(path):
    assert BUILT_IN.holds(path)


@pytest.mark.parametrize(
    ("protected", "path", "held"),
    [
        (rules(also="docs/"), "docs/a.md", True),
        (rules(also="docs/"), "sub/docs/a.md", True),
        (rules(also="/docs/"), "sub/docs/a.md", False),
        (rules(also="*.lock"), "a/b/uv.lock", True),
        (rules(also="*.LOCK"), "a/uv.Lock", True),
        (rules(also="SECRET:*"), "secret:1", True),
        (rules(also="docs/ !docs/free.md"), "docs/free.md", False),  # the directory is matched first: as in .gitignore
        (rules(allow=".gitignore"), ".gitignore", False),
        (rules(allow=".gitignore"), "sub/.GitIgnore", False),
        (rules(allow=".gitignore"), ".gitignore.", False),
        (rules(allow="/.gitignore"), "sub/.gitignore", True),
        (rules(allow=".gitignore"), ".gitattributes", True),
        (rules(allow="/.github/dependabot.yml"), ".github/dependabot.yml", False),
        (rules(allow="/.github/dependabot.yml"), ".github/workflows/ci.yml", True),
        (rules(allow=".claude/"), ".claude/commands/x.md", False),
        (rules(also=".claude/settings.json", allow=".claude/"), ".claude/settings.json", True),
        (rules(also=".claude/settings.json", allow=".claude/"), ".claude/PRIMER.md", False),
        (rules(also="src/", allow="src/"), "src/a.py", True),
        (rules(also="!.github/ !AGENTS.md"), ".github/x", True),
        (rules(also="!.github/ !AGENTS.md"), "AGENTS.md", True),
    ],
)
def test_the_policy_adds_and_allows_and_what_it_adds_wins(protected, path, held):
    assert protected.holds(path) is held


def scope(**operations: str) -> Scope:
    return Scope.of((examples.task(files=examples.files(**operations)),))


@pytest.mark.parametrize(
    ("planned", "path", "op", "allowed"),
    [
        ("create", "a", CREATE, True),
        ("create", "a", MODIFY, True),
        ("create", "a", DELETE, False),
        ("modify", "a", CREATE, True),
        ("modify", "a", MODIFY, True),
        ("modify", "a", DELETE, False),
        ("delete", "a", CREATE, False),
        ("delete", "a", MODIFY, False),
        ("delete", "a", DELETE, True),
        ("modify", "b", MODIFY, False),
        ("modify", "A", MODIFY, False),
        ("modify", "a/b", CREATE, False),
        ("modify", "./a", MODIFY, False),
        ("modify", "", MODIFY, False),
    ],
)
def test_what_a_scope_allows(planned, path, op, allowed):
    assert scope(**{planned: "a"}).allows(path, op) is allowed


def test_tasks_share_one_scope():
    tasks = (examples.task(files=examples.files(create="a")), examples.task("T2", files=examples.files(delete="a b")))
    assert Scope.of(tasks).operations("a") == {CREATE, DELETE}
    assert Scope.of(tasks).operations("b") == {DELETE}
    assert Scope.of(tasks).operations("c") == frozenset()
    assert Scope.of(()).operations("a") == frozenset()


def test_a_rename_is_a_deletion_and_a_creation_and_both_have_to_be_planned():
    renamed = scope(delete="old.py", create="new.py")
    assert renamed.allows("old.py", DELETE)
    assert renamed.allows("new.py", CREATE)
    assert not renamed.covers(scope(delete="new.py"))
    assert not scope(modify="old.py").covers(renamed)
    assert not scope(delete="old.py").covers(renamed)
    assert renamed.covers(renamed)


def test_a_scope_covers_what_asks_for_no_more():
    assert scope(modify="a b").covers(scope(modify="a"))
    assert scope(modify="a").covers(Scope.of(()))
    assert not Scope.of(()).covers(scope(modify="a"))


def test_the_directories_on_the_way():
    assert parents("a/b/c.py") == ["a", "a/b"]
    assert parents("a") == []


def tasks_of(*described: tuple[str, str, str]):
    """Tasks from their id, their paths, and the ids that they depend on."""
    return tuple(
        examples.task(id_, files=examples.files(modify=paths), depends_on=tuple(after.split()))
        for id_, paths, after in described
    )


def ids(waves_):
    return [[task.id for task in wave] for wave in waves_]


@pytest.mark.parametrize(
    ("tasks", "done", "expected"),
    [
        ((), "", []),
        ((("T1", "a", ""),), "", [["T1"]]),
        ((("T1", "a", ""), ("T2", "b", "")), "", [["T1", "T2"]]),
        ((("T1", "a", ""), ("T2", "b", "T1")), "", [["T1"], ["T2"]]),
        ((("T1", "a", "T2"), ("T2", "b", "")), "", [["T2"], ["T1"]]),
        ((("T1", "a", ""), ("T2", "a", "")), "", [["T1"], ["T2"]]),
        ((("T1", "a", ""), ("T2", "a", ""), ("T3", "b", "")), "", [["T1", "T3"], ["T2"]]),
        ((("T1", "a", ""), ("T2", "a b", ""), ("T3", "b", "")), "", [["T1"], ["T2"], ["T3"]]),
        ((("T1", "a", ""), ("T2", "x", "T1"), ("T3", "x", "")), "", [["T1"], ["T2"], ["T3"]]),
        ((("T1", "a", ""), ("T2", "x", "T1"), ("T3", "x", "")), "T1", [["T2"], ["T3"]]),
        ((("T1", "a", ""), ("T2", "b", "T1"), ("T3", "c", "T1 T2")), "T1", [["T2"], ["T3"]]),
        ((("T1", "a", ""), ("T2", "b", "T1")), "T1 T2", []),
        ((("T2", "b", "T1"),), "T1", [["T2"]]),
        ((("T1", "a/b", ""), ("T2", "a", "")), "", [["T1"], ["T2"]]),
        ((("T1", "a", ""), ("T2", "a/b/c", "")), "", [["T1"], ["T2"]]),
        ((("T1", "a/b", ""), ("T2", "a/c", "")), "", [["T1", "T2"]]),
        ((("T1", "a", ""), ("T2", "ab", "")), "", [["T1", "T2"]]),
    ],
)
def test_waves(tasks, done, expected):
    assert ids(waves(tasks_of(*tasks), frozenset(done.split()))) == expected


@st.composite
def _acyclic(draw):
    """Up to nine tasks in any order, each depending on some of those before it in another order."""
    count = draw(st.integers(1, 9))
    order = draw(st.permutations(range(count)))
    tasks = []
    for position, number in enumerate(order):
        after = draw(st.sets(st.sampled_from(order[:position]))) if position else set()
        paths = draw(st.sets(st.sampled_from(("a", "b", "c", "c/d", "c/d/e", "f", "g")), min_size=1, max_size=2))
        tasks.append((f"T{number + 1}", " ".join(sorted(paths)), " ".join(f"T{other + 1}" for other in sorted(after))))
    return tasks_of(*draw(st.permutations(tasks)))


def touch(one, other) -> bool:
    return any(
        f"{a.path}/".startswith(f"{b.path}/") or f"{b.path}/".startswith(f"{a.path}/")
        for a in one.files
        for b in other.files
    )


@settings(max_examples=200, deadline=None)
@given(_acyclic(), st.sets(st.integers(1, 9)))
def test_waves_keep_the_order_and_never_touch_one_path_twice_at_a_time(tasks, numbers):
    done = frozenset(f"T{number}" for number in numbers)
    planned = waves(tasks, done)
    when = {task.id: number for number, wave in enumerate(planned) for task in wave}
    assert when.keys() == {task.id for task in tasks} - done
    assert sum(len(wave) for wave in planned) == len(when)
    left = in_order([task for task in tasks if task.id not in done], done)
    for position, task in enumerate(left):
        assert all(when[id_] < when[task.id] for id_ in task.depends_on if id_ not in done)
        assert all(when[earlier.id] < when[task.id] for earlier in left[:position] if touch(earlier, task))


@settings(deadline=None)
@given(_acyclic())
def test_in_order_each_task_comes_after_what_it_depends_on_and_otherwise_as_written(tasks):
    ordered = in_order(tasks)
    assert sorted(task.id for task in ordered) == sorted(task.id for task in tasks)
    for position, task in enumerate(ordered):
        assert set(task.depends_on) <= {earlier.id for earlier in ordered[:position]}
    free = tuple(task.model_copy(update={"depends_on": ()}) for task in tasks)
    assert in_order(free) == list(free)
