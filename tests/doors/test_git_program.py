"""One git command: told in git's words when it fails, ended when it hangs, and blind to what its caller has set."""

import os
import shutil
from pathlib import Path

import pytest

from phasegate.doors.git import program as git_program
from phasegate.doors.git.program import GitProgram, failure
from phasegate.errors import UserError


def program_that(directory: Path, script: str) -> GitProgram:
    """A git that answers `version` and otherwise does what the script says."""
    path = directory / "git"
    asked_for_version = f'case "$*" in *version) exec {shutil.which("git")} version;; esac'
    path.write_text(f"#!/bin/sh\n{asked_for_version}\n{script}\n")
    path.chmod(0o755)
    return GitProgram.find({"PATH": f"{directory}:{os.environ['PATH']}"})


def real_program(**environ: str) -> GitProgram:
    return GitProgram.find({"PATH": os.environ["PATH"], **environ})


def test_a_failure_quotes_the_line_in_which_git_says_why():
    error = failure("read-tree", "warning: something else\nfatal: no room\x1b[31m left\nhint: try\n")

    assert str(error).startswith("git read-tree failed. git says: fatal: no room?[31m left ")


def test_a_silent_failure_says_so():
    assert "git says: nothing" in str(failure("read-tree", "\n"))


def test_a_command_that_hangs_is_ended(tmp_path, monkeypatch):
    program = program_that(tmp_path, "exec sleep 60")
    monkeypatch.setattr(git_program, "TIMEOUT", 0.2)

    with pytest.raises(UserError, match="git status gave no answer"):
        program.run("status", cwd=tmp_path)


def read_all(program: GitProgram, cwd: Path) -> bytes:
    with (
        Path(os.devnull).open("rb") as nothing,
        program.stream("cat-file", cwd=cwd, environ={}, stdin=nothing) as output,
    ):
        first = output.readline()
        if not output.readline():
            raise EOFError
        return first


def test_a_stream_that_falls_silent_is_ended(tmp_path, monkeypatch):
    program = program_that(tmp_path, "echo begun; exec sleep 60")
    monkeypatch.setattr(git_program, "TIMEOUT", 0.2)

    with pytest.raises(UserError, match="git cat-file gave no answer"):
        read_all(program, tmp_path)


def test_a_stream_that_ends_early_quotes_git(tmp_path):
    program = program_that(tmp_path, "echo begun; echo fatal: pack is broken >&2; exit 128")

    with pytest.raises(UserError, match=r"git cat-file failed. git says: fatal: pack is broken"):
        read_all(program, tmp_path)


def test_git_sees_no_variable_of_its_caller(tmp_path, home):
    """Not even the home directory, but for a command that is to read the user's settings."""
    script = "env | cut -d= -f1 | sort"
    shown = {"HOME": str(home), "GIT_SSH_COMMAND": "evil", "GITHUB_TOKEN": "t", "LD_PRELOAD": ""}
    found = program_that(tmp_path, script)
    program = GitProgram(found.path, found.environ, real_program(**shown).user, None)

    plain = set(program.run("env", cwd=tmp_path).output.decode().split())
    as_user = set(program.run("env", cwd=tmp_path, as_user=True).output.decode().split())

    assert not plain & {*shown, "XDG_CONFIG_HOME"}
    assert {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"} <= plain
    assert as_user & {*shown, "GIT_CONFIG_GLOBAL"} == {"HOME"}
