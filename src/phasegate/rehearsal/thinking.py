"""Signatures of thinking blocks: what the server made is told from what was altered, without keeping any state.

A signature names the model, the text, everything before the block and the thinking block before it. On a model with
bound thinking a block is valid only while system, tools and all earlier messages are as they were; taking away the
oldest thinking blocks is allowed, taking away one between others is not
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking). It is a checksum, not a secret: it finds
mistakes in a client, and anyone could make one up.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from phasegate.rehearsal.errors import ApiError
from phasegate.rehearsal.models import Model
from phasegate.rehearsal.request import Prompt, RedactedThinkingBlock, ThinkingBlock

_PARTS = 5
_DIGEST_LENGTH = 24
_NONE = "none"


@dataclass(frozen=True, slots=True)
class _Seal:
    model: str
    text: str
    prefix: str
    previous: str

    def signature(self) -> str:
        plain = f"{self.model}:{self.text}:{self.prefix}:{self.previous}"
        return base64.b64encode(f"{plain}:{_digest(plain)}".encode()).decode()


def sign(text: str, prompt: Prompt) -> str:
    """Return the signature of a thinking block that begins the answer to this prompt."""
    steps = list(_prefixes(prompt))
    signatures = [block.signature for _, block in steps if isinstance(block, ThinkingBlock)]
    previous = _digest(signatures[-1]) if signatures else _NONE
    return _Seal(_digest(prompt.model), _digest(text), steps[-1][0], previous).signature()


def check_thinking_blocks(prompt: Prompt, model: Model) -> None:
    """Raise `ApiError` (400) for a thinking block that the server did not make, or that no longer stands where it did.

    A block of another model is let pass: the API drops it without a word.
    """
    previous: str | None = None
    for prefix, place, block in _thinking(prompt):
        seal = _unseal(block, place)
        if seal.text != _digest(block.thinking):
            raise ApiError(f"{place}: Invalid `signature` in `thinking` block")
        moved = seal.prefix != prefix or (previous is not None and seal.previous != previous)
        if model.bound_thinking and seal.model == _digest(prompt.model) and moved:
            raise ApiError(
                f"{place}: Invalid `signature` in `thinking` block. The block is bound to a different conversation. "
                "Something before it has changed, or a thinking block between others is missing."
            )
        previous = _digest(block.signature)


def _unseal(block: ThinkingBlock, place: str) -> _Seal:
    try:
        parts = base64.b64decode(block.signature, validate=True).decode("ascii").split(":")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != _PARTS or parts[-1] != _digest(":".join(parts[:-1])):
        raise ApiError(f"{place}: Invalid `signature` in `thinking` block")
    return _Seal(*parts[:-1])


def _thinking(prompt: Prompt) -> Iterator[tuple[str, str, ThinkingBlock]]:
    """Yield each thinking block with the digest of all before it, and its place."""
    digests = iter(_prefixes(prompt))
    before, _ = next(digests)
    for number, message in enumerate(prompt.messages):
        for position, block in enumerate(message.content):
            place = f"messages.{number}.content.{position}"
            if isinstance(block, RedactedThinkingBlock):
                raise ApiError(f"{place}: Invalid `data` in `redacted_thinking` block")
            if isinstance(block, ThinkingBlock):
                yield before, place, block
            before, _ = next(digests)


def _prefixes(prompt: Prompt) -> Iterator[tuple[str, object]]:
    """Yield the digest of system and tools, then, for each block of the messages, the digest up to and with it.

    Thinking blocks change no digest: what they stand on is kept in their signature.
    """
    running = hashlib.sha256()
    for part in (*prompt.tools, None, *prompt.system):
        running.update(part.canonical() if part else b"system")
        running.update(b"\0")
    yield running.hexdigest()[:_DIGEST_LENGTH], None
    for message in prompt.messages:
        for block in message.content:
            if not isinstance(block, ThinkingBlock):
                running.update(message.role.encode() + b"\0" + block.canonical() + b"\0")
            yield running.hexdigest()[:_DIGEST_LENGTH], block


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
