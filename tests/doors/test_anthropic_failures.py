"""What the SDK raises, in our words; the key is in none of them."""

import anthropic
import httpx2
import pytest

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic.failures import TransientError, failures_named
from phasegate.doors.model import ModelError

KEY = "sk-ant-secret"
SEEN = Usage(input_tokens=7)
REQUEST = httpx2.Request("POST", "https://api.anthropic.com/v1/messages", headers={"authorization": f"Bearer {KEY}"})


def raised(error):
    """What comes out when this goes wrong inside."""
    with pytest.raises((TransientError, ModelError)) as caught, failures_named(KEY, lambda: SEEN):
        raise error
    return caught.value


def status_error(status, *, kind="api_error", message="No.", headers=None):
    body = {"type": "error", "error": {"type": kind, "message": message}}
    response = httpx2.Response(status, headers=headers, json=body, request=REQUEST)
    return anthropic.APIStatusError(f"Error code: {status} - {body}", response=response, body=body)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (status_error(408, kind="timeout_error"), "timeout_error (408)"),
        (status_error(409, kind="invalid_request_error"), "invalid_request_error (409)"),
        (status_error(429, kind="rate_limit_error"), "rate_limit_error (429)"),
        (status_error(500), "api_error (500)"),
        (status_error(503), "api_error (503)"),
        (status_error(529, kind="overloaded_error"), "overloaded_error (529)"),
        (status_error(200, kind="overloaded_error"), "overloaded_error (200)"),
        (anthropic.APIConnectionError(request=REQUEST), "the connection failed (APIConnectionError)"),
        (anthropic.APITimeoutError(request=REQUEST), "the connection failed (APITimeoutError)"),
        (httpx2.RemoteProtocolError("peer closed"), "the connection failed (RemoteProtocolError)"),
        (httpx2.ReadTimeout("slow"), "the connection failed (ReadTimeout)"),
        (ValueError("Unable to parse tool parameter JSON"), "the reply cannot be read (ValueError)"),
        (RuntimeError("Unexpected event order"), "the reply cannot be read (RuntimeError)"),
        (IndexError("list index out of range"), "the reply cannot be read (IndexError)"),
    ],
)
def test_what_another_attempt_may_mend(error, reason):
    named = raised(error)

    assert isinstance(named, TransientError)
    assert (named.reason, named.usage, named.wait) == (reason, SEEN, None)


@pytest.mark.parametrize(
    ("status", "what", "mend"),
    [
        (400, "The model's API refused the request.", ""),
        (401, "The API key is not accepted.", "Check ANTHROPIC_API_KEY."),
        (402, "The account cannot pay.", "Add credit"),
        (403, "The API key may not do this.", "Check the key's rights."),
        (404, "The model is not known.", "Check `models:`"),
        (413, "The model's API refused the request.", ""),
        (307, "The model's API refused the request.", ""),
    ],
)
def test_what_no_attempt_mends_is_told_with_what_the_provider_said(status, what, mend):
    error = status_error(status, message="Too\n long.", headers={"request-id": "req_1"})
    named = raised(error)

    assert isinstance(named, ModelError)
    assert named.what == what
    assert named.mend.startswith(mend)
    assert named.cause.endswith("It said: Too long. Request id: req_1.")
    assert named.usage == SEEN


def test_an_error_event_that_no_attempt_mends_is_told():
    named = raised(status_error(200, kind="invalid_request_error", message="Too long."))

    assert isinstance(named, ModelError)
    assert "It said: Too long." in named.cause


def test_a_status_without_words_is_told_by_its_number():
    response = httpx2.Response(418, content=b"\0garbage", request=REQUEST)

    assert "It said: status 418" in raised(anthropic.APIStatusError("x", response=response, body=None)).cause


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", float("inf")),
        ("86400", 86400.0),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_how_long_the_provider_asks_to_wait(header, wait):
    assert raised(status_error(429, headers={"retry-after": header})).wait == wait


@pytest.mark.parametrize("status", [401, 500])
def test_the_key_is_in_no_words_whoever_repeats_it(status):
    named = raised(status_error(status, message=f"bad key {KEY} given", headers={"request-id": "\x1b[31m"}))

    assert KEY not in f"{named} {named!r} {getattr(named, 'cause', '')}"
    assert "\x1b" not in str(named)
    if status == 401:
        assert "bad key [key] given" in named.cause


def test_a_long_complaint_is_cut():
    assert len(raised(status_error(400, message="x" * 10_000)).cause) < 400


def test_our_own_mistakes_are_not_taken_for_the_providers():
    with pytest.raises(AssertionError), failures_named(KEY, Usage):
        raise AssertionError


def test_what_goes_well_goes_through():
    with failures_named(KEY, Usage):
        pass
