"""What other processes of this user may see of this one's memory."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4
"""prctl(2), linux/prctl.h."""


def hide_memory() -> bool:
    """Keep other processes from this one's memory and first environment; return whether the system does it.

    A process of the same user can otherwise read the key in /proc/PID/environ, from where deleting a variable does not
    remove it (measured; prctl(2): the files below /proc/PID then belong to root). Programs that are started from here
    are not concerned.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
