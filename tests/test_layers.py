"""Imports point one way, never in a circle, and the two lowest layers do nothing but think."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import phasegate

ROOT = Path(phasegate.__file__).parent

LAYERS = {
    "phasegate": 0,
    "phasegate.errors": 0,
    "phasegate.documents": 1,
    "phasegate.policy": 2,
    "phasegate.publishing": 3,
    "phasegate.doors": 3,
    "phasegate.agent": 3,
    "phasegate.rehearsal": 3,
    "phasegate.phases": 4,
    "phasegate.steps": 5,
    "phasegate.pipeline": 5,
    "phasegate.progress_view": 5,
    "phasegate.interruption": 5,
    "phasegate.surroundings": 5,
    "phasegate.jobs": 6,
    "phasegate.cli": 7,
    "phasegate.__main__": 7,
}

PURE = ("phasegate.documents", "phasegate.policy")
MAY_BE_IMPORTED_BY_THE_PURE = {
    *("base64", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum", "functools", "hashlib"),
    *("itertools", "json", "re", "typing", "unicodedata"),
    *("markdown_it", "pathspec", "pydantic", "rfc8785", "yaml"),
    "phasegate",
}
AMBIENT_CALLS = {
    "now",
    "today",
    "utcnow",
    "open",
    "input",
    "print",
    "eval",
    "exec",
    "__import__",
    "breakpoint",
    "globals",
}
AMBIENT_CALLS |= {"read_text", "write_text", "read_bytes", "write_bytes", "import_module"}


def _names() -> list[str]:
    found = pkgutil.walk_packages([str(ROOT)], prefix="phasegate.")
    return ["phasegate", *sorted(module.name for module in found)]


MODULES = _names()


def tree_of(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split(".")[1:])
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text("utf-8"), str(source))


def imported_by(module: str) -> Iterator[str]:
    """Every module that this one names in an import, wherever in the file; for names in packages, the modules."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in below if name in MODULES] or [node.module]


GRAPH = {module: {name for name in imported_by(module) if name.split(".")[0] == "phasegate"} for module in MODULES}


def layer_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("module", MODULES)
def test_every_module_can_be_imported_and_says_what_it_promises(module):
    assert importlib.import_module(module).__doc__


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    assert layer_of(module) in LAYERS, f"{module} has no layer: give it one here and in the architecture"
    up = {name for name in GRAPH[module] if LAYERS[layer_of(name)] > LAYERS[layer_of(module)]}
    assert not up


def test_no_module_imports_itself_by_way_of_others():
    assert list(TopologicalSorter(GRAPH).static_order())


def test_no_package_imports_itself_by_way_of_others():
    packages = {layer: set() for layer in LAYERS}
    for module, names in GRAPH.items():
        packages[layer_of(module)] |= {layer_of(name) for name in names} - {layer_of(module)}
    assert list(TopologicalSorter(packages).static_order())


@pytest.mark.parametrize("module", [name for name in MODULES if layer_of(name) in PURE])
def test_the_pure_import_nothing_that_could_reach_the_world(module):
    assert {name.split(".")[0] for name in imported_by(module)} <= MAY_BE_IMPORTED_BY_THE_PURE


@pytest.mark.parametrize("module", [name for name in MODULES if layer_of(name) in PURE])
def test_the_pure_call_no_clock_and_no_file(module):
    calls = [node.func for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    assert not names & AMBIENT_CALLS


def test_the_graph_is_not_empty():
    """Otherwise everything above would hold of nothing."""
    assert "phasegate.documents.plan" in GRAPH["phasegate.policy.scope"]
    assert set(PURE) < {layer_of(module) for module in MODULES}
    assert "phasegate.errors" in GRAPH["phasegate.documents.parsing"]
