"""A work tree to look at and to change, and a tool at work in it."""

import json

import pytest

from phasegate.doors.workspace import Workspace


@pytest.fixture
def tree(tmp_path):
    """Write files of a work tree: path and content."""
    root = tmp_path / "tree"
    root.mkdir()

    def write(**files):
        for name, content in files.items():
            (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def workspace(tree):
    with Workspace(tree()) as opened:
        yield opened


@pytest.fixture
def use():
    """Call a tool as the loop does; gives the output's text."""

    def call(tool, **arguments):
        return tool.run(json.dumps(arguments)).text

    return call
