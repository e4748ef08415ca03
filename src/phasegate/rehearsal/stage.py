"""Which scene and turn of the script answers a request, and why none does.

The choice depends on the request alone: the scene by its matchers, the turn by the number of the model's messages. So
conversations can run side by side, and one that was broken off goes on where it was. Only the failures and breaks
before a turn are counted, per scene, turn and first user message.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from phasegate.rehearsal.errors import ApiError
from phasegate.rehearsal.request import MessagesRequest
from phasegate.rehearsal.script import Cut, Failure, Scene, Script, Turn, When

_NEAREST = 3
_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Play:
    """What happens now: a turn (numbered from 1) of a scene, or the failure or cut that comes before it."""

    scene: str
    number: int
    turn: Turn
    conversation: str
    delay: float
    failure: Failure | None
    cut: Cut | None


@dataclass(slots=True)
class Stage:
    """A script and how often each of its turns has been asked for. Safe to use from several threads."""

    script: Script
    _asked: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def play(self, request: MessagesRequest) -> Play:
        """Return what answers the request.

        Raises `ApiError` (400) when no scene matches, the scene has no turn left, an expectation of the turn is not
        met, or the turn calls a tool that the request does not offer.
        """
        scene = find_scene(self.script, request)
        number = 1 + sum(message.role == "assistant" for message in request.messages)
        turn = _turn(scene, number)
        where = f"rehearsal: scene {scene.name}, turn {number}"
        _check_expectations(where, turn, request.messages[-1].text())
        if not turn.force:
            _check_calls(where, turn, request)
        conversation = hashlib.sha256(request.messages[0].text().encode("utf-8", "surrogatepass")).hexdigest()
        asked = self._count((scene.name, min(number, len(scene.turns)), conversation))
        failure = turn.fail[asked] if asked < len(turn.fail) else None
        cut = turn.cut if len(turn.fail) <= asked < len(turn.fail) + turn.breaks else None
        delay = self.script.delay if turn.delay is None else turn.delay
        return Play(scene.name, number, turn, conversation, delay, failure, cut)

    def _count(self, key: tuple[str, int, str]) -> int:
        with self._lock:
            self._asked[key] += 1
            return self._asked[key] - 1


def find_scene(script: Script, request: MessagesRequest) -> Scene:
    """Return the first scene whose matchers all hold. Raises `ApiError` (400) that names the nearest scenes."""
    missed: list[tuple[int, str]] = []
    for scene in script.scenes:
        problems = list(_mismatches(scene.when, request))
        if not problems:
            return scene
        missed.append((len(problems), f"{scene.name} ({'; '.join(problems)})"))
    nearest = [text for _, text in sorted(missed, key=lambda pair: pair[0])[:_NEAREST]]
    raise ApiError(f"rehearsal: no scene matches this request. Nearest: {', '.join(nearest)}")


def _mismatches(when: When, request: MessagesRequest) -> Iterator[str]:
    """Yield each matcher that does not hold, as a person would say it."""
    if when.model and request.model not in when.model:
        yield f"model is {request.model}, not {' or '.join(when.model)}"
    system = "\n".join(block.text for block in request.system)
    yield from _in_text("system", system, when.system, when.not_system)
    yield from _in_text("first message", request.messages[0].text(), when.first, when.not_first)
    offered = [tool.name for tool in request.tools]
    yield from (f"tool {name} is not offered" for name in when.tools if name not in offered)
    yield from (f"tool {name} is offered" for name in when.not_tools if name in offered)


def _in_text(name: str, text: str, wanted: Sequence[str], unwanted: Sequence[str]) -> Iterator[str]:
    yield from (f"{name} lacks {part!r}" for part in wanted if part not in text)
    yield from (f"{name} has {part!r}" for part in unwanted if part in text)


def _turn(scene: Scene, number: int) -> Turn:
    if number <= len(scene.turns):
        return scene.turns[number - 1]
    if scene.repeat:
        return scene.turns[-1]
    raise ApiError(f"rehearsal: scene {scene.name} has {len(scene.turns)} turns; this request asks for turn {number}")


def _check_expectations(where: str, turn: Turn, text: str) -> None:
    problems = list(_in_text("the last message", text, turn.expect, turn.expect_not))
    if problems:
        raise ApiError(f"{where}: {'; '.join(problems)}. The last message was: {_quote(text)}")


def _quote(text: str) -> str:
    if len(text) <= _QUOTE:
        return repr(text)
    half = _QUOTE // 2
    return f"{text[:half]!r} … {text[-half:]!r} ({len(text)} characters)"


def _check_calls(where: str, turn: Turn, request: MessagesRequest) -> None:
    """Hold the script to what a real model could do with this request."""
    offered = {tool.name for tool in request.tools}
    choice = request.tool_choice
    missing = next((call.tool for call in turn.call if call.tool not in offered), None)
    if missing is not None:
        raise ApiError(f"{where} calls tool {missing}, which was not offered (offered: {', '.join(sorted(offered))})")
    if choice and choice.type == "none" and turn.call:
        raise ApiError(f"{where} calls a tool, which tool_choice none does not allow")
    if choice and choice.disable_parallel_tool_use and len(turn.call) > 1:
        raise ApiError(f"{where} calls {len(turn.call)} tools at once, which disable_parallel_tool_use does not allow")
