"""What the server keeps of a request: the exact bytes that were asked, what answered, and no key."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from phasegate.rehearsal.api import Answer
from phasegate.rehearsal.usage import Usage

_SECRET_HEADERS = frozenset({"authorization", "x-api-key", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Record:
    """One request and how it was answered; `body` holds the exact bytes, and no header tells a key.

    `scene`, `turn` (from 1) and `usage` are None where the request did not get that far; `error` is what a refused
    request was told; `cut` is where the answer was broken off.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    scene: str | None
    turn: int | None
    usage: Usage | None
    error: str | None
    cut: str | None

    def as_json(self) -> str:
        """Return the record as one line of JSON, the body as text."""
        shown = asdict(self) | {
            "headers": dict(self.headers),
            "body": self.body.decode("utf-8", "backslashreplace"),
            "usage": self.usage.as_json() if self.usage else None,
        }
        return json.dumps(shown, ensure_ascii=False)


def make_record(method: str, path: str, headers: Mapping[str, str], body: bytes | None, answer: Answer) -> Record:
    """Return the record of a request and its answer; the values of headers that authenticate are left out."""
    return Record(
        method=method,
        path=path,
        headers=tuple((name, "(left out)" if name in _SECRET_HEADERS else value) for name, value in headers.items()),
        body=body or b"",
        status=answer.status,
        scene=answer.scene,
        turn=answer.turn,
        usage=answer.usage,
        error=answer.error,
        cut=answer.cut,
    )
