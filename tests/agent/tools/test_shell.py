"""The shell: one command in a real sandbox, bounded in time and output, with nothing kept."""

import json
import os
import time

import pytest

from phasegate.agent.tools.shell import COMMAND_LIMIT, ShellTool
from phasegate.agent.tools.tool import OUTPUT_LIMIT, ToolError
from phasegate.doors.sandbox.choice import Unconfined, choose_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """The sandbox that a run would get; where none works, what `--no-sandbox` gives."""
    environ = {"PATH": os.environ["PATH"]}
    return choose_sandbox(environ=environ, home=tmp_path_factory.mktemp("user")).sandbox or Unconfined(environ)


@pytest.fixture
def shell(workspace, sandbox):
    def run(command=None, *, timeout=20.0, **arguments):
        asked = arguments if command is None else {"command": command, **arguments}
        return ShellTool(workspace, sandbox, timeout).run(json.dumps(asked))

    return run


def test_the_shell_is_the_providers_own(workspace, sandbox):
    spec = ShellTool(workspace, sandbox, 1.0).spec

    assert (spec.name, spec.provider_type) == ("bash", "bash_20250124")


@pytest.mark.parametrize(
    ("command", "text", "is_error"),
    [
        ("echo out; echo err >&2", "out\nerr\n[exit code 0]", False),
        ("printf x", "x\n[exit code 0]", False),
        ("printf '\\n\\n  x\\n\\n'", "\n\n  x\n\n[exit code 0]", False),
        ("true", "[exit code 0]", False),
        ("exit 3", "[exit code 3]", True),
        ("echo no; false", "no\n[exit code 1]", True),
        ("cat a.txt", "content\n[exit code 0]", False),
        ("no-such-program-here 2>/dev/null", "[exit code 127]", True),
    ],
)
def test_output_and_exit_code_are_told(tree, shell, command, text, is_error):
    tree(**{"a.txt": "content"})
    output = shell(command)

    assert (output.text, output.is_error) == (text, is_error)


def test_a_command_works_at_the_root_of_the_tree(tree, shell):
    root = tree(**{"a.txt": "x"})

    assert shell("ls && echo new > b.txt").text == "a.txt\n[exit code 0]"
    assert (root / "b.txt").read_text() == "new\n"


def test_nothing_is_kept_between_commands_but_the_files_of_the_tree(shell):
    shell('mkdir sub; cd sub; export MARK=1; set -x; touch here; touch "$HOME/mark" "$TMPDIR/mark"; sleep 60 &')

    told = shell('ls; echo "mark: $MARK"; ls "$HOME" "$TMPDIR" | grep -c mark; jobs | wc -l').text
    assert told.splitlines() == ["sub", "mark: ", "0", "0", "[exit code 0]"]


def test_a_command_that_takes_too_long_is_ended_and_its_output_kept(shell):
    begun = time.monotonic()
    output = shell("echo begun; sleep 60", timeout=0.5)

    assert output.is_error
    assert output.text == "begun\n[timed out after 0.5 s]"
    assert time.monotonic() - begun < 10


def test_a_long_output_is_cut_head_and_tail(shell):
    text = shell("echo first; yes | head -c 1000000; echo last").text

    assert len(text) < OUTPUT_LIMIT + 200
    assert text.startswith("first\n")
    assert text.endswith("last\n[exit code 0]")
    assert "left out" in text


def test_a_restart_is_said_to_be_needless(shell):
    assert shell(restart=True).text == "Every command starts in a fresh shell at the root of the repository."


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "command is missing"),
        ({"command": ""}, "command is missing"),
        ({"command": None}, "command is missing"),
        ({"command": "a\0b"}, "no NUL"),
        ({"command": "x" * (COMMAND_LIMIT + 1)}, "write a file, and run that"),
        ({"command": "ä" * COMMAND_LIMIT}, "write a file"),
        ({"command": ["ls"]}, "command"),
        ({"cmd": "ls"}, "cmd"),
    ],
)
def test_what_is_no_command_is_told(shell, asked, told):
    with pytest.raises(ToolError, match=told):
        shell(**asked)


def test_the_longest_command_that_is_taken_runs(shell):
    assert shell("true " + "x" * (COMMAND_LIMIT - 5)).text == "[exit code 0]"


def test_a_command_sees_no_key(shell, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")

    assert "sk-ant-canary" not in shell("env; cat /proc/self/environ").text
