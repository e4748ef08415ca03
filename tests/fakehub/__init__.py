"""A fake GitHub for tests."""

from fakehub.events import Event
from fakehub.hub import FakeHub, ViolationError
from fakehub.people import NotAllowedError
from fakehub.state import ACTIONS_BOT

__all__ = ["ACTIONS_BOT", "Event", "FakeHub", "NotAllowedError", "ViolationError"]
