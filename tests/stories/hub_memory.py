"""A fake GitHub's repository, remembered and put back: stories that begin alike need not play the beginning anew."""

import shutil
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from fakehub.hub import FakeHub

_SAME = {"owner", "git", "numbers"}
"""What is not copied: these are the same objects before and after."""


@dataclass(frozen=True)
class Remembered:
    """A repository as it was: its threads and settings, and a copy of its git store."""

    values: dict[str, Any]
    git: Path

    @classmethod
    def of(cls, hub: FakeHub, directory: Path) -> "Remembered":
        """Remember the first repository; `directory` must not be there yet."""
        with hub.lock:
            shutil.copytree(hub.main.git.path, directory)
            return cls(_values(hub), directory)

    def put_back(self, hub: FakeHub) -> None:
        """Make the repository what it was. Ids and the clock go on: nothing gets the same one twice."""
        with hub.lock:
            shutil.rmtree(hub.main.git.path)
            shutil.copytree(self.git, hub.main.git.path)
            for name, value in deepcopy(self.values).items():
                setattr(hub.main, name, value)
            hub.main.numbers = count(max(hub.main.issues, default=0) + 1)
            hub.events.clear()


def _values(hub: FakeHub) -> dict[str, Any]:
    return deepcopy({name: value for name, value in vars(hub.main).items() if name not in _SAME})
