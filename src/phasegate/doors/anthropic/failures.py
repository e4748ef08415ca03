"""What the SDK raises, in our words: worth another attempt, or to be told to the user. Behaviour of SDK 2.11.0.

`import anthropic` costs about a second, so it happens in the functions that need it (measured).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phasegate.documents.parsing import shown
from phasegate.documents.progress import Usage
from phasegate.doors.model import ModelError

if TYPE_CHECKING:
    from anthropic import APIStatusError

_TRANSIENT_TYPES = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}) | {
    # What Bedrock says in the middle of a stream.
    *("internalServerException", "modelStreamErrorException", "modelTimeoutException"),
    *("serviceUnavailableException", "throttlingException"),
}
_TRANSIENT_STATUS = frozenset({408, 409, 429})
_SERVER_ERROR = 500
_OK = 200
_SAID_LENGTH = 300


class TransientError(Exception):
    """One attempt failed in a way that another may not; `wait` is how many seconds the provider asks for."""

    def __init__(self, reason: str, *, usage: Usage, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.usage = usage
        self.wait = wait


@contextmanager
def failures_named(key: str, usage: Callable[[], Usage], *, cloud: str = "") -> Iterator[None]:
    """Raise `TransientError` or `ModelError` for what goes wrong inside; neither tells the key.

    `usage` gives what the attempt is known to have used by then; `cloud` names who was asked, if not Anthropic itself.
    """
    import anthropic  # noqa: PLC0415 -- a second, see above
    import httpx2  # noqa: PLC0415 -- comes with it

    try:
        yield
    except anthropic.APIStatusError as error:
        if _is_transient(error):
            reason = f"{error.type or 'error'} ({error.status_code})"
            raise TransientError(reason, usage=usage(), wait=_retry_after(error)) from None
        raise _status_error(error, key, usage(), cloud) from None
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        # A socket that breaks in mid-stream raises the second kind.
        raise TransientError(f"the connection failed ({type(error).__name__})", usage=usage()) from None
    except (anthropic.AnthropicError, ValueError, LookupError, AttributeError, RuntimeError) as error:
        # A stream that makes no sense: an event that is no JSON, a tool's input that is none, events out of order.
        raise TransientError(f"the reply cannot be read ({type(error).__name__})", usage=usage()) from None


def _is_transient(error: "APIStatusError") -> bool:
    if error.status_code == _OK:  # an error event in mid-stream, which tells by its type
        return error.type in _TRANSIENT_TYPES
    return error.status_code >= _SERVER_ERROR or error.status_code in _TRANSIENT_STATUS


def _retry_after(error: "APIStatusError") -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


_CAUSES = {
    401: ("The API key is not accepted.", "It is wrong, revoked or of another provider.", "Check ANTHROPIC_API_KEY."),
    402: ("The account cannot pay.", "The credit is used up.", "Add credit, then `phasegate resume`."),
    403: ("The API key may not do this.", "It lacks the right to this model or workspace.", "Check the key's rights."),
    404: (
        "The model is not known.",
        "Its name is misspelt, or it is retired.",
        "Check `models:` in the configuration.",
    ),
}
"""By status: what happened, the likely cause, what to do."""
_REFUSED = frozenset({400, 401, 403, 404})


def _status_error(error: "APIStatusError", key: str, usage: Usage, cloud: str) -> ModelError:
    what, cause, mend = _CAUSES.get(error.status_code, ("The model's API refused the request.", "", ""))
    if cloud and error.status_code in _REFUSED:
        what, cause = f"{cloud} refused the request.", "The account lacks the right to this model, or it is not there."
        mend = "Check `models:` and `provider:` in the configuration, and in the console that the models are enabled."
    words = str(error.api_message or f"status {error.status_code}")
    words = words.replace(key, "[key]") if key else words
    said = f"It said: {shown(' '.join(words.split()), _SAID_LENGTH)}"
    request = f"Request id: {shown(error.request_id)}." if error.request_id else ""
    return ModelError(what, cause=" ".join(part for part in (cause, said, request) if part), mend=mend, usage=usage)
