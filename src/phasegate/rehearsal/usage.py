"""Tokens and the prompt cache: a deterministic estimate, counted the way the API counts.

The estimate: the bytes of a part's JSON, divided by four, and at least one token for each part. The cache works by
prefix (https://platform.claude.com/docs/en/build-with-claude/prompt-caching): parts are read in the order tools,
system, messages; at each breakpoint the prefix up to there is looked up, going back at most 20 parts, and stored.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from phasegate.rehearsal.models import Model
from phasegate.rehearsal.request import CacheControl, Prompt, TextBlock, ToolResultBlock, ToolUseBlock

BYTES_PER_TOKEN = 4
LOOK_BACK = 20
_SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request cost, in tokens; the whole input is `input_tokens` and the three cache figures together."""

    input_tokens: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the `usage` object of a message."""
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.cache_write_5m + self.cache_write_1h,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_write_5m,
                "ephemeral_1h_input_tokens": self.cache_write_1h,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"thinking_tokens": self.thinking_tokens},
            "service_tier": "standard",
        }


def estimate(content: bytes) -> int:
    """Return the tokens of one part: a quarter of its bytes, and at least one."""
    return max(1, len(content) // BYTES_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class _Part:
    """The end of one part of the prompt: the tokens and the hash up to there, and the breakpoint on it, if any."""

    tokens: int
    key: str
    mark: CacheControl | None


def count_input(prompt: Prompt) -> int:
    """Return the tokens of the whole prompt."""
    return _parts(prompt)[-1].tokens


@dataclass(slots=True)
class PromptCache:
    """What has been cached so far, with the time at which each entry ends. Safe to use from several threads."""

    clock: Callable[[], float]
    _ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def account(self, prompt: Prompt, model: Model) -> Usage:
        """Return the usage of the prompt, without output, and store what its breakpoints ask for."""
        parts = _parts(prompt)
        marked = [at for at, part in enumerate(parts) if part.mark and part.tokens >= model.cache_minimum]
        with self._lock:
            read = max((self._find(parts, at, model.cache_minimum) for at in marked), default=0)
            for at in marked:
                self._store(parts[at])
        written = {"5m": 0, "1h": 0}
        reached = read
        for at in marked:
            mark, tokens = parts[at].mark, parts[at].tokens
            if mark and tokens > reached:
                written[mark.ttl] += tokens - reached
                reached = tokens
        return Usage(parts[-1].tokens - reached, read, written["5m"], written["1h"])

    def _find(self, parts: Sequence[_Part], breakpoint_at: int, minimum: int) -> int:
        """Return the tokens of the longest live prefix that ends at the breakpoint or up to 20 parts before it."""
        for at in range(breakpoint_at, max(-1, breakpoint_at - LOOK_BACK - 1), -1):
            life, end = self._ends.get(parts[at].key, (0.0, 0.0))
            if parts[at].tokens >= minimum and end > self.clock():
                self._ends[parts[at].key] = (life, self.clock() + life)
                return parts[at].tokens
        return 0

    def _store(self, part: _Part) -> None:
        life = _SECONDS[part.mark.ttl if part.mark else "5m"]
        life = max(life, self._ends.get(part.key, (0.0, 0.0))[0])
        self._ends[part.key] = (life, self.clock() + life)


def _parts(prompt: Prompt) -> list[_Part]:
    running = hashlib.sha256(prompt.model.encode())
    tokens, parts = 0, list[_Part]()
    for salt, content, mark in _contents(prompt):
        running.update(salt + len(content).to_bytes(8) + content)
        tokens += estimate(content)
        parts.append(_Part(tokens, running.hexdigest(), mark))
    if prompt.cache_control and not parts[-1].mark:
        parts[-1] = _Part(tokens, parts[-1].key, prompt.cache_control)
    return parts


def _contents(prompt: Prompt) -> Iterator[tuple[bytes, bytes, CacheControl | None]]:
    """Yield every part of the prompt in the order of the cache: what is hashed only, what is counted too, the mark.

    What changes how messages are read, but neither tools nor system (the choice of tool, thinking), is hashed with the
    messages, so that a change of it costs the cache of the messages only.
    """
    for kind, parts in ((b"tool", prompt.tools), (b"system", prompt.system)):
        yield from ((kind, part.canonical(), part.cache_control) for part in parts)
    switches = json.dumps([option and option.model_dump() for option in (prompt.tool_choice, prompt.thinking)]).encode()
    for message in prompt.messages:
        for block in message.content:
            marks = block.marks() if isinstance(block, TextBlock | ToolResultBlock | ToolUseBlock) else ()
            yield switches + message.role.encode(), block.canonical(), marks[-1] if marks else None
