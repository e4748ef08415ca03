import json

import pytest

from phasegate.policy.config import Config, Gate
from phasegate.policy.gates import gates_of

PYTEST = "python3 -m pytest -q"


def found(files: dict[str, str]) -> str | None:
    """The one gate that is found in a repository with these files."""
    gates = gates_of(Config(), read=files.get, files={path: len(text) for path, text in files.items()})
    assert set(gates) <= {"test"}
    return gates["test"].run if gates else None


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({}, None),
        ({"README.md": "make test"}, None),
        ({"Makefile": "test:\n\tpytest\n"}, "make test"),
        ({"Makefile": "all: x\n\ntest : all\n"}, "make test"),
        ({"Makefile": ".PHONY: test\ntest:: a b\n"}, "make test"),
        ({"Makefile": ".PHONY: test\n"}, None),
        ({"Makefile": "\ttest: x\n"}, None),
        ({"Makefile": "tests: x\nmy-test: y\n"}, None),
        ({"Makefile": "test := x\ntest ::= y\ntest = z\n"}, None),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, PYTEST),
        ({"pyproject.toml": "[project]\n"}, None),
        ({"pytest.ini": ""}, PYTEST),
        ({"conftest.py": ""}, PYTEST),
        ({"src/conftest.py": ""}, None),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
        ({"package.json": '{"scripts": {"build": "tsc"}}'}, None),
        ({"package.json": '{"scripts": {"test:unit": "jest"}}'}, None),
        ({"package.json": '{"scripts": ["test"]}'}, None),
        ({"package.json": '{"scripts": null}'}, None),
        ({"package.json": '["scripts"]'}, None),
        ({"package.json": '{"scripts": {"test"'}, None),
        ({"package.json": ""}, None),
        ({"package.json": "[" * 100_000}, None),
        ({"Cargo.toml": ""}, "cargo test --offline"),
        ({"go.mod": ""}, "go test ./..."),
        ({"tests/test_a.py": ""}, PYTEST),
        ({"test/test_a.py": ""}, PYTEST),
        ({"tests/unit/deep/test_a.py": ""}, PYTEST),
        ({"src/tests/test_a.py": ""}, None),
        ({"test_a.py": ""}, None),
        ({"tests/a_test.py": ""}, None),
        ({"tests/test_a.pyc": ""}, None),
    ],
)
def test_what_the_files_of_a_repository_say(files, command):
    assert found(files) == command


def test_the_first_sign_wins():
    signs = [
        ("Makefile", "test:\n", "make test"),
        ("pyproject.toml", "[tool.pytest.ini_options]", PYTEST),
        ("package.json", json.dumps({"scripts": {"test": "jest"}}), "npm test"),
        ("Cargo.toml", "", "cargo test --offline"),
        ("go.mod", "", "go test ./..."),
        ("tests/test_a.py", "", PYTEST),
    ]
    while signs:
        assert found({path: text for path, text, _ in signs}) == signs[0][2]
        del signs[0]


@pytest.mark.parametrize("gates", [{}, {"lint": Gate(run="ruff check")}, {"a": Gate(run="x"), "b": Gate(run="y")}])
def test_configured_gates_are_taken_as_they_are(gates):
    def never(path: str) -> str:
        raise AssertionError(path)

    assert gates_of(Config(gates=gates), read=never, files={"Makefile": 6}) == gates


def test_a_found_gate_is_required_and_has_the_time_of_any_gate():
    assert gates_of(Config(), read={"Makefile": "test:"}.get, files={"Makefile": 5}) == {
        "test": Gate(run="make test", required=True, minutes=15)
    }
