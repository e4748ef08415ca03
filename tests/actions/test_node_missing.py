"""Without Node the workflow tests are skipped and say so; where Node is required they fail instead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SAID = "Node is missing: workflow tests are skipped"


def run_tests(tmp_path, **environ):
    """One test that needs Node, in a session of its own whose PATH is empty."""
    test = f"{HERE / 'test_workflow_language.py'}::test_an_action_has_no_secrets"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", test]
    given = {"PATH": str(tmp_path), "HOME": os.environ["HOME"], **environ}
    return subprocess.run(command, cwd=HERE.parent.parent, env=given, capture_output=True, text=True, check=False)


def test_without_node_tests_are_skipped_with_a_line_that_says_so(tmp_path):
    done = run_tests(tmp_path)

    assert done.returncode == pytest.ExitCode.OK
    assert SAID in done.stdout
    assert "1 skipped" in done.stdout


def test_without_node_tests_fail_where_node_is_required(tmp_path):
    done = run_tests(tmp_path, PHASEGATE_REQUIRE_NODE="1")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert SAID in done.stdout
