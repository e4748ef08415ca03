"""The door to Anthropic's Messages API: streaming always, retries ours, every failure by name.

`import anthropic` costs about a second, so it happens in the functions that need it (measured, SDK 2.11.0).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic_wire import limits_of, reply_of, request_body, usage_of
from phasegate.doors.model import ModelError, ModelLimits, Reply, Request, Retry

if TYPE_CHECKING:
    from anthropic import Anthropic, APIStatusError

BASE_URL = "https://api.anthropic.com"
ATTEMPTS = 6
LONGEST_WAIT = 120.0
REQUEST_TIMEOUT = 900.0
_TRANSIENT_TYPES = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
_TRANSIENT_STATUS = frozenset({408, 409, 429})
_SERVER_ERROR = 500
_Result = TypeVar("_Result")


class _TransientError(Exception):
    """One attempt failed in a way that another may not."""

    def __init__(self, reason: str, *, usage: Usage, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.usage = usage
        self.wait = wait


@dataclass(slots=True)
class AnthropicModel:
    """Asks Anthropic's API, or whatever speaks like it at `base_url`. Several threads may share one.

    `sleep` waits between attempts; at most six are made, and no wait is longer than two minutes.
    """

    api_key: str = field(repr=False)
    sleep: Callable[[float], None]
    base_url: str = BASE_URL
    _client: "Anthropic | None" = field(default=None, init=False, repr=False)
    _limits: dict[str, ModelLimits] = field(default_factory=dict, init=False, repr=False)

    def limits(self, model: str) -> ModelLimits:
        """Return the model's own record, asked for once. Raises `ModelError`, also for a retired model."""
        if model not in self._limits:
            limits, _ = self._attempts(lambda: self._fetch_limits(model), lambda _: None)
            if limits.lifecycle == "retired":
                raise ModelError(f"The model {model} is retired.", mend="Name another one under `models:`.")
            self._limits[model] = limits
        return self._limits[model]

    def ask(self, request: Request, on_retry: Callable[[Retry], None]) -> Reply:
        """Return the reply; what failed attempts have used is part of its usage. Raises `ModelError`."""
        limits = self.limits(request.model)
        reply, failed = self._attempts(lambda: self._stream(request, limits), on_retry)
        return Reply(blocks=reply.blocks, stop=reply.stop, usage=reply.usage + failed, note=reply.note)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _attempts(self, call: Callable[[], _Result], on_retry: Callable[[Retry], None]) -> tuple[_Result, Usage]:
        failed = Usage()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call(), failed
            except _TransientError as error:
                failed += error.usage
                wait = error.wait if error.wait is not None else float(2 ** (attempt - 1))
                if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    raise _gave_up(error, attempt, wait, failed) from None
                on_retry(Retry(attempt=attempt, seconds=wait, reason=error.reason))
                self.sleep(wait)
            except ModelError as error:
                error.usage += failed
                raise
        raise AssertionError("the last attempt returns or raises")

    def _fetch_limits(self, model: str) -> ModelLimits:
        with _failures_named(Usage):
            return limits_of(self._connected().models.retrieve(model))

    def _stream(self, request: Request, limits: ModelLimits) -> Reply:
        seen = Usage()
        with (
            _failures_named(lambda: seen),
            self._connected().messages.stream(**request_body(request, limits)) as stream,
        ):
            for event in stream:
                if event.type in {"message_start", "message_delta"}:
                    seen = usage_of(stream.current_message_snapshot.usage)
            message = stream.get_final_message()
        if message.stop_reason is None:
            # A stream that is cut short looks like a finished message (measured, SDK 2.11.0).
            raise _TransientError("the reply broke off", usage=usage_of(message.usage))
        return reply_of(message)

    def _connected(self) -> "Anthropic":
        if self._client is None:
            from anthropic import Anthropic, DefaultHttpxClient  # noqa: PLC0415 -- a second, see above

            http_client = DefaultHttpxClient(base_url=self.base_url, timeout=REQUEST_TIMEOUT)
            self._client = Anthropic(
                api_key=self.api_key, base_url=self.base_url, max_retries=0, http_client=http_client
            )
        return self._client


def _gave_up(error: _TransientError, attempt: int, wait: float, usage: Usage) -> ModelError:
    said = f"it asked to wait {wait:.0f} seconds" if wait > LONGEST_WAIT else f"{attempt} attempts were made"
    return ModelError(
        f"The model cannot be reached: {error.reason}.",
        cause=f"The provider is overloaded, the rate limit is used up, or the network is down; {said}.",
        mend="What was done is kept: `phasegate resume` goes on from here.",
        usage=usage,
    )


@contextmanager
def _failures_named(usage: Callable[[], Usage]) -> Iterator[None]:
    """Turn what the SDK raises into our two kinds: worth another attempt, or to be told to the user."""
    import anthropic  # noqa: PLC0415 -- a second, see above
    import httpx2  # noqa: PLC0415 -- comes with it

    try:
        yield
    except anthropic.APIStatusError as error:
        if _is_transient(error):
            raise _TransientError(_label(error), usage=usage(), wait=_retry_after(error)) from None
        raise _status_error(error, usage()) from None
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        raise _TransientError(f"the connection failed ({type(error).__name__})", usage=usage()) from None
    except anthropic.AnthropicError as error:
        raise ModelError(f"The model's answer cannot be read ({type(error).__name__}).", usage=usage()) from None


def _is_transient(error: "APIStatusError") -> bool:
    # An error event in mid-stream has status 200 and tells by its type (measured, SDK 2.11.0).
    status = error.status_code
    return status >= _SERVER_ERROR or status in _TRANSIENT_STATUS or error.type in _TRANSIENT_TYPES


def _label(error: "APIStatusError") -> str:
    return f"{error.type or 'error'} ({error.status_code})"


def _retry_after(error: "APIStatusError") -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


_MENDS = {
    401: ("The API key is not accepted.", "It is wrong, revoked or of another provider.", "Check ANTHROPIC_API_KEY."),
    402: ("The account cannot pay.", "The credit is used up.", "Add credit, then `phasegate resume`."),
    403: ("The API key may not do this.", "It lacks the right to this model or workspace.", "Check the key's rights."),
    404: (
        "The model is not known.",
        "Its name is misspelt, or it is retired.",
        "Check `models:` in the configuration.",
    ),
}


def _status_error(error: "APIStatusError", usage: Usage) -> ModelError:
    what, cause, mend = _MENDS.get(error.status_code, ("The model's API refused the request.", "", ""))
    said = " ".join(str(error.message).split())[:300]
    request = f" Request id: {error.request_id}." if error.request_id else ""
    return ModelError(what, cause=f"{cause} It said: {said}{request}".strip(), mend=mend, usage=usage)
