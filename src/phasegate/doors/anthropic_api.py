"""The door to Anthropic's Messages API: streaming always, retries ours, every failure by name.

`import anthropic` costs about a second, so it happens in the functions that need it (measured, SDK 2.11.0).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic_failures import TransientError, failures_named
from phasegate.doors.anthropic_wire import limits_of, reply_of, request_body, usage_of
from phasegate.doors.model import ModelError, ModelLimits, Reply, Request, Retry
from phasegate.errors import UserError

if TYPE_CHECKING:
    from anthropic import Anthropic

BASE_URL = "https://api.anthropic.com"
ATTEMPTS = 6
LONGEST_WAIT = 120.0
CONNECT_TIMEOUT = 20.0
SILENCE_TIMEOUT = 300.0
"""Seconds without a byte, after which an attempt has failed; a stream at work sends pings."""
_Result = TypeVar("_Result")


@dataclass(slots=True)
class AnthropicModel:
    """Asks Anthropic's API, or whatever speaks like it at `base_url`. Several threads may share one.

    `sleep` waits between attempts; at most six are made, and no wait is longer than two minutes. What the SDK would
    take from the environment (address, headers, proxies) is not taken: it would change where keys and code are sent.
    Raises `UserError` for a key that cannot be one.
    """

    api_key: str = field(repr=False)
    sleep: Callable[[float], None]
    base_url: str = BASE_URL
    _client: "Anthropic | None" = field(default=None, init=False, repr=False)
    _connecting: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _limits: dict[str, ModelLimits] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.api_key = self.api_key.strip()
        if not self.api_key or not all("!" <= character <= "~" for character in self.api_key):
            raise UserError(
                "The API key cannot be one: it is empty, or has blanks or characters that no key has.",
                mend="Copy it again into ANTHROPIC_API_KEY, without quotes or line breaks.",
            )

    def limits(self, model: str) -> ModelLimits:
        """Return the model's own record, which is remembered. Raises `ModelError`, also for a retired model."""
        if model not in self._limits:
            limits, _ = self._attempts(lambda: self._fetch_limits(model), lambda _: None)
            if limits.lifecycle == "retired":
                raise ModelError(f"The model {model} is retired.", mend="Name another one under `models:`.")
            self._limits[model] = limits
        return self._limits[model]

    def ask(self, request: Request, on_retry: Callable[[Retry], None]) -> Reply:
        """Return the reply; what failed attempts have used is part of its usage.

        Raises `ModelError`, and whatever `on_retry` raises to end the attempts.
        """
        limits = self.limits(request.model)
        reply, failed = self._attempts(lambda: self._stream(request, limits), on_retry)
        return replace(reply, usage=reply.usage + failed)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _attempts(self, call: Callable[[], _Result], on_retry: Callable[[Retry], None]) -> tuple[_Result, Usage]:
        failed, attempt = Usage(), 0
        while True:
            attempt += 1
            try:
                return call(), failed
            except TransientError as error:
                failed += error.usage
                wait = error.wait if error.wait is not None else float(2 ** (attempt - 1))
                if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    raise _gave_up(error, attempt, wait, failed) from None
                retry = Retry(attempt=attempt, seconds=wait, reason=error.reason, usage=failed)
            except ModelError as error:
                error.usage += failed
                raise
            on_retry(retry)
            self.sleep(retry.seconds)

    def _fetch_limits(self, model: str) -> ModelLimits:
        with failures_named(self.api_key, Usage):
            return limits_of(self._connected().models.retrieve(model))

    def _stream(self, request: Request, limits: ModelLimits) -> Reply:
        body, seen, message = request_body(request, limits), Usage(), None
        with failures_named(self.api_key, lambda: seen), self._connected().messages.stream(**body) as stream:
            for event in stream:
                if event.type in {"message_start", "message_delta"}:
                    message = stream.current_message_snapshot
                    seen = usage_of(message.usage)
        if message is None or message.stop_reason is None:
            # A stream that is cut short looks like a finished message (measured, SDK 2.11.0).
            raise TransientError("the reply broke off", usage=seen)
        return reply_of(message)

    def _connected(self) -> "Anthropic":
        with self._connecting:
            if self._client is None:
                self._client = _client(self.api_key, self.base_url)
            return self._client


def _client(api_key: str, base_url: str) -> "Anthropic":
    """Return a client that takes nothing from the environment."""
    from anthropic import Anthropic  # noqa: PLC0415 -- a second, see above
    from httpx2 import Client, Timeout  # noqa: PLC0415 -- comes with it

    timeout = Timeout(SILENCE_TIMEOUT, connect=CONNECT_TIMEOUT)
    # The SDK's own default client reads proxies from the environment, and follows redirects with the whole request.
    http_client = Client(base_url=base_url, timeout=timeout, trust_env=False, follow_redirects=False)
    client = Anthropic(api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client)
    # There is no argument against ANTHROPIC_CUSTOM_HEADERS: what it says is laid over the headers given here.
    client._custom_headers = {}  # noqa: SLF001 -- see above
    return client


def _gave_up(error: TransientError, attempt: int, wait: float, usage: Usage) -> ModelError:
    said = f"it asked to wait {wait:.0f} seconds" if wait > LONGEST_WAIT else f"{attempt} attempts were made"
    return ModelError(
        f"The model cannot be reached: {error.reason}.",
        cause=f"The provider is overloaded, the rate limit is used up, or the network is down; {said}.",
        mend="What was done is kept: `phasegate resume` goes on from here.",
        usage=usage,
    )
