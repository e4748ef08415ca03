"""The door to Anthropic's Messages API: streaming always, retries ours, every failure by name.

`import anthropic` costs about a second, so it happens in the functions that need it (measured, SDK 2.11.0).
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic.client import anthropic_client
from phasegate.doors.anthropic.clouds import Cloud, cloud_of
from phasegate.doors.anthropic.failures import TransientError, failures_named
from phasegate.doors.anthropic.wire import limits_of, reply_of, request_body, usage_of
from phasegate.doors.model import ModelError, ModelLimits, NoModel, Reply, Request, Retry
from phasegate.errors import UserError
from phasegate.policy.config import Provider

if TYPE_CHECKING:
    from anthropic import Anthropic, AnthropicBedrock, AnthropicVertex

KEY_VARIABLE = "ANTHROPIC_API_KEY"
BASE_URL = "https://api.anthropic.com"
ATTEMPTS = 6
LONGEST_WAIT = 120.0
_Result = TypeVar("_Result")


@dataclass(slots=True)
class AnthropicModel:
    """Asks Anthropic's API, or whatever speaks like it at `base_url`. Several threads may share one.

    `sleep` waits between attempts; at most six are made, and no wait is longer than two minutes. What the SDK would
    take from the environment (address, headers, proxies) is not taken: it would change where keys and code are sent.
    With a `cloud`, its credentials count instead of the key, and its own address unless another one is given.
    Raises `UserError` for a key that cannot be one.
    """

    api_key: str = field(repr=False)
    sleep: Callable[[float], None]
    base_url: str = BASE_URL
    cloud: Cloud | None = None
    _client: "Anthropic | AnthropicBedrock | AnthropicVertex | None" = field(default=None, init=False, repr=False)
    _connecting: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _limits: dict[str, ModelLimits] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.api_key = self.api_key.strip()
        if self.cloud is None and not _can_be_key(self.api_key):
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
        if self.cloud is not None:
            return self.cloud.limits(model)
        with self._failures(Usage):
            return limits_of(self._anthropic().models.retrieve(model))

    def _stream(self, request: Request, limits: ModelLimits) -> Reply:
        body, seen, message = request_body(request, limits), Usage(), None
        client = self._connected()
        with self._failures(lambda: seen), client.messages.stream(**body) as stream:
            for event in stream:
                if event.type in {"message_start", "message_delta"}:
                    message = stream.current_message_snapshot
                    seen = usage_of(message.usage)
        if message is None or message.stop_reason is None:
            # A stream that is cut short looks like a finished message (measured, SDK 2.11.0).
            raise TransientError("the reply broke off", usage=seen)
        return reply_of(message)

    @contextmanager
    def _failures(self, usage: Callable[[], Usage]) -> Iterator[None]:
        with failures_named(self.api_key, usage, cloud=self.cloud.name if self.cloud else ""):
            if self.cloud is None:
                yield
            else:
                with self.cloud.credentials_named():
                    yield

    def _connected(self) -> "Anthropic | AnthropicBedrock | AnthropicVertex":
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "Anthropic | AnthropicBedrock | AnthropicVertex":
        if self.cloud is None:
            return anthropic_client(self.api_key, self.base_url)
        return self.cloud.connect(None if self.base_url == BASE_URL else self.base_url)

    def _anthropic(self) -> "Anthropic":
        from anthropic import Anthropic  # noqa: PLC0415 -- a second, see above

        client = self._connected()
        assert isinstance(client, Anthropic)
        return client


def _can_be_key(text: str) -> bool:
    return bool(text) and all("!" <= character <= "~" for character in text)


def model_for(
    provider: Provider,
    *,
    key: str | None,
    environ: Mapping[str, str],
    sleep: Callable[[float], None],
    base_url: str | None = None,
) -> AnthropicModel | NoModel:
    """Return whoever answers requests: at Anthropic with a key, or at a cloud with the cloud's own credentials.

    `environ` is the process's own; a cloud's region may stand there. `base_url`: a gateway. Without a key for Anthropic
    it is a `NoModel`, which says so when it is asked. Raises `UserError` for a key or a region that cannot be one.
    """
    cloud = cloud_of(provider, environ)
    if cloud is None and not key:
        return no_key()
    return AnthropicModel(key or "", sleep, base_url or BASE_URL, cloud)


def no_key() -> NoModel:
    """Return what stands where there is no key."""
    return NoModel(
        "No model can be asked: there is no API key",
        cause=f"{KEY_VARIABLE} is not set in the environment.",
        mend=f"Two ways on: export {KEY_VARIABLE}=…, and say it again; or play a script with --rehearse FILE, as "
        "`make demo` does.",
    )


def _gave_up(error: TransientError, attempt: int, wait: float, usage: Usage) -> ModelError:
    said = f"it asked to wait {wait:.0f} seconds" if wait > LONGEST_WAIT else f"{attempt} attempts were made"
    return ModelError(
        f"The model cannot be reached: {error.reason}.",
        cause=f"The provider is overloaded, the rate limit is used up, or the network is down; {said}.",
        mend="What was done is kept: `phasegate resume` goes on from here.",
        usage=usage,
    )
