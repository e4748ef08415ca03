"""What hides a process's memory and first environment: the kernel says that it may not be dumped."""

import os
import subprocess
import sys

PROGRAM = """
import ctypes
from phasegate.doors.process_memory import hide_memory
GET_DUMPABLE = 3
c = ctypes.CDLL(None)
print(c.prctl(GET_DUMPABLE, 0, 0, 0, 0), hide_memory(), c.prctl(GET_DUMPABLE, 0, 0, 0, 0))
"""


def test_a_process_that_hid_its_memory_cannot_be_dumped_any_more():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["1", "True", "0"]


def test_elsewhere_than_on_linux_it_says_that_it_is_not_done(monkeypatch):
    from phasegate.doors.process_memory import hide_memory  # noqa: PLC0415 -- only its platform is another one

    monkeypatch.setattr(sys, "platform", "darwin")

    assert hide_memory() is False
