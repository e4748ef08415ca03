"""Whatever a program leaves in a directory, the directory goes, and nothing outside it."""

import os
from pathlib import Path

import pytest

from phasegate.doors.removal import remove_directory
from phasegate.errors import UserError


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "work"
    made.mkdir()
    return made


def test_files_and_directories_go(directory):
    (directory / "a" / "b").mkdir(parents=True)
    (directory / "a" / "b" / "file").write_text("x")
    (directory / "-rf").write_text("x")
    os.mkfifo(directory / "pipe")

    remove_directory(directory)

    assert not directory.exists()


def test_links_are_removed_and_not_followed(directory, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("kept")
    (directory / "directory").symlink_to(outside)
    (directory / "file").symlink_to(outside / "kept")
    (directory / "nowhere").symlink_to("nowhere")
    (directory / "loop").symlink_to("loop")

    remove_directory(directory)

    assert not directory.exists()
    assert (outside / "kept").read_text() == "kept"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_locked_directories_go(directory):
    """Of no effect for the superuser, who is let in anyway."""
    (directory / "locked" / "within").mkdir(parents=True)
    (directory / "locked" / "within" / "file").write_text("x")
    (directory / "locked" / "within").chmod(0o500)
    (directory / "locked").chmod(0)
    directory.chmod(0o500)

    remove_directory(directory)

    assert not directory.exists()


def test_a_nest_deeper_than_any_path_goes(directory):
    """Names of 200 bytes, 1,100 deep: no path reaches it, and no recursion either."""
    name = "d" * 200
    descriptor = os.open(directory, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir(name, dir_fd=descriptor)
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)

    remove_directory(directory)

    assert not directory.exists()


def test_an_absent_directory_is_fine(tmp_path):
    remove_directory(tmp_path / "absent")


def test_a_link_in_its_place_is_left_alone(directory, tmp_path):
    (directory / "kept").write_text("kept")
    (tmp_path / "link").symlink_to(directory)

    remove_directory(tmp_path / "link")

    assert (directory / "kept").exists()


def test_what_cannot_be_removed_is_told():
    """The kernel's own directories can be changed by nobody."""
    with pytest.raises(UserError, match=r"/proc/self/fd could not be removed.*Remove it by hand"):
        remove_directory(Path("/proc/self/fd"))
