"""Agents that work for real: the real SDK asks a rehearsal server over HTTP; clock, waits and purse are recorded."""

import itertools
import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from desks import ECHO, KEY, MODEL, NONCE, Desk, Purse, limits, result_tool

from phasegate.agent.assignment import Assignment
from phasegate.agent.fence import Fence
from phasegate.agent.loop import Agent
from phasegate.doors.anthropic.api import AnthropicModel
from phasegate.policy.config import Limits, Tier
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer


@pytest.fixture
def rehearse():
    """Start a server that plays these turns, in one scene that is always on, or a whole script."""
    with ExitStack() as stack:

        def start(turns: Sequence[dict[str, Any]] | None = None, **script: Any) -> RehearsalServer:
            scenes = [{"name": "all", "turns": list(turns)}] if turns is not None else script.pop("scenes")
            text = json.dumps({"rehearsal": 1, "scenes": scenes} | script, ensure_ascii=False)
            return stack.enter_context(RehearsalServer(load_script(text, source="script.yml")))

        yield start


@pytest.fixture
def desk(rehearse):
    """Seat an agent at a rehearsal of these turns."""
    with ExitStack() as stack:

        def seat(
            turns: Sequence[dict[str, Any]] | None = None,
            *,
            tools=(ECHO,),
            results=None,
            tier: Tier | None = None,
            sees: Sequence[str] = ("Do your work.",),
            chances: int = 3,
            bounds: Limits | None = None,
            script: dict[str, Any] | None = None,
        ) -> Desk:
            server = rehearse(turns, **(script or {}))
            waits: list[float] = []
            model = AnthropicModel(KEY, waits.append, server.url)
            stack.callback(model.close)
            assignment = Assignment(
                tier=tier or Tier(model=MODEL, max_output_tokens=1000),
                system="You are an agent.",
                sees=tuple(sees),
                tools=tuple(tools),
                results=tuple(results or (result_tool(),)),
                fence=Fence(NONCE),
                chances=chances,
            )
            purse, events, ticks = Purse(bounds or limits()), [], itertools.count()
            agent = Agent(assignment, model, purse, lambda: float(next(ticks)), events.append)
            return Desk(server, agent, purse, waits, events)

        yield seat
