"""Models at a cloud: the SDK's own clients, the cloud's own credentials, no network (the transport is the test's)."""

import base64
import binascii
import json
import struct
import sys
from types import ModuleType, SimpleNamespace

import httpx2
import pytest

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic import clouds
from phasegate.doors.anthropic.api import BASE_URL, AnthropicModel, model_for
from phasegate.doors.anthropic.clouds import Bedrock, Vertex, cloud_of, limits_by_name
from phasegate.doors.model import Message, ModelError, NoModel, Request, StopReason, Text
from phasegate.doors.prices import Prices
from phasegate.errors import UserError
from phasegate.policy.config import Provider

BEDROCK_MODEL, VERTEX_MODEL = "global.anthropic.claude-opus-5-5", "claude-opus-5-5"
EVENTS = (
    {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "x",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
)


def request(model):
    messages = (Message("user", (Text("hello"),)),)
    return Request(model=model, max_tokens=100, effort=None, system="s", tools=(), messages=messages)


def as_sse():
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content="".join(lines).encode())


def frame(payload, **headers):
    """One message of Amazon's event stream encoding."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in ((f":{key.replace('_', '-')}", value) for key, value in headers.items())
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return body + struct.pack(">I", binascii.crc32(body))


def as_frames(*events):
    kinds = {"event_type": "chunk", "content_type": "application/json", "message_type": "event"}
    chunks = (json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) for event in events)
    content = b"".join(frame(chunk.encode(), **kinds) for chunk in chunks)
    return httpx2.Response(200, headers={"content-type": "application/vnd.amazon.eventstream"}, content=content)


@pytest.fixture
def answers(monkeypatch):
    """What the cloud answers, and what it was asked."""
    told = SimpleNamespace(answers=[], asked=[])

    def answer(asked):
        told.asked.append(asked)
        return told.answers.pop(0)

    transport = httpx2.MockTransport(answer)
    monkeypatch.setattr(clouds, "http_client", lambda url: httpx2.Client(base_url=url, transport=transport))
    return told


@pytest.fixture
def google(monkeypatch):
    """Google's library, as far as it is used, with credentials that are there."""
    modules = {name: ModuleType(name) for name in ("google", "google.auth", "google.auth.exceptions")}
    modules |= {name: ModuleType(name) for name in ("google.auth.transport", "google.auth.transport.requests")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    modules["google"].auth = modules["google.auth"]
    modules["google.auth.exceptions"].GoogleAuthError = type("GoogleAuthError", (Exception,), {})
    credentials = SimpleNamespace(token="token-of-google", expired=False)
    modules["google.auth"].default = lambda scopes: (credentials, "own-project")
    return modules


@pytest.fixture
def amazon(monkeypatch):
    """Amazon's libraries, with a key for Bedrock in the environment."""
    pytest.importorskip("boto3", reason="the extra `bedrock` is not installed")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "key-of-bedrock")
    return monkeypatch


def model_of(provider, waits=None, **environ):
    sleep = (waits if waits is not None else []).append
    return model_for(provider, key=None, environ=environ, sleep=sleep)


VERTEX = Provider(name="vertex", region="europe-west1", project="my-project")
BEDROCK = Provider(name="bedrock", region="eu-west-1")


def test_vertex_is_asked_at_its_own_address_with_its_own_credentials(answers, google, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Evil: 1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_BASE_URL", "https://evil.example")
    answers.answers.append(as_sse())
    model = model_of(VERTEX)
    reply = model.ask(request(VERTEX_MODEL), lambda _: None)
    model.close()

    [asked] = answers.asked
    assert str(asked.url) == (
        "https://europe-west1-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west1/"
        f"publishers/anthropic/models/{VERTEX_MODEL}:streamRawPredict"
    )
    assert asked.headers["authorization"] == "Bearer token-of-google"
    assert "x-evil" not in asked.headers
    assert "model" not in json.loads(asked.content)
    assert (reply.blocks, reply.stop, reply.usage) == (
        (Text("Hi."),),
        StopReason.END_TURN,
        Usage(input_tokens=7, output_tokens=3),
    )


@pytest.mark.parametrize(
    ("region", "host"), [("global", "aiplatform"), ("us", "aiplatform.us.rep"), ("asia-east1", "asia-east1-aiplatform")]
)
def test_vertex_without_a_project_takes_that_of_the_credentials(answers, google, region, host):
    answers.answers.append(as_sse())
    model = model_of(Provider(name="vertex", region=region))
    model.ask(request(VERTEX_MODEL), lambda _: None)
    model.close()

    assert str(answers.asked[0].url).startswith(
        f"https://{host}.googleapis.com/v1/projects/own-project/locations/{region}/"
    )


def test_vertex_without_any_project_says_so(answers, google):
    google["google.auth"].default = lambda scopes: (None, None)

    with pytest.raises(ModelError, match="needs a project"):
        model_of(Provider(name="vertex", region="global")).ask(request(VERTEX_MODEL), lambda _: None)


def test_what_google_says_of_credentials_is_told_at_once_and_not_tried_again(answers, google):
    def fail(scopes):
        raise google["google.auth.exceptions"].GoogleAuthError("File key.json was not found.")

    google["google.auth"].default = fail
    waits = []
    with pytest.raises(ModelError, match="cannot be used") as caught:
        model_of(VERTEX, waits).ask(request(VERTEX_MODEL), lambda _: None)
    assert "File key.json was not found." in caught.value.cause
    assert waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_of_a_cloud_does_not_speak_of_our_key(answers, google, status):
    answers.answers.append(httpx2.Response(status, json={"error": {"message": "no such model", "status": "X"}}))

    with pytest.raises(ModelError, match="Google Vertex AI refused the request") as caught:
        model_of(VERTEX).ask(request(VERTEX_MODEL), lambda _: None)
    assert "ANTHROPIC_API_KEY" not in str(caught.value)
    assert "[key]" not in str(caught.value)


def test_an_overloaded_cloud_is_asked_again(answers, google):
    answers.answers += [httpx2.Response(429, json={}), as_sse()]
    waits = []
    model = model_of(VERTEX, waits)

    assert model.ask(request(VERTEX_MODEL), lambda _: None).blocks == (Text("Hi."),)
    assert waits == [1.0]


def test_bedrock_is_asked_at_its_own_address_and_its_frames_are_read(answers, amazon):
    amazon.setenv("ANTHROPIC_BEDROCK_BASE_URL", "https://evil.example")
    answers.answers.append(as_frames(*EVENTS))
    reply = model_of(BEDROCK).ask(request(BEDROCK_MODEL), lambda _: None)

    [asked] = answers.asked
    assert str(asked.url) == (
        f"https://bedrock-runtime.eu-west-1.amazonaws.com/model/{BEDROCK_MODEL}/invoke-with-response-stream"
    )
    assert asked.headers["authorization"] == "Bearer key-of-bedrock"
    assert (reply.blocks, reply.usage) == ((Text("Hi."),), Usage(input_tokens=7, output_tokens=3))


def test_bedrock_signs_with_the_keys_of_the_environment(answers, amazon):
    amazon.delenv("AWS_BEARER_TOKEN_BEDROCK")
    amazon.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    amazon.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-amazon")
    answers.answers.append(as_frames(*EVENTS))
    model_of(BEDROCK).ask(request(BEDROCK_MODEL), lambda _: None)

    assert answers.asked[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")


def test_bedrock_without_credentials_says_so_at_once(answers, amazon):
    amazon.delenv("AWS_BEARER_TOKEN_BEDROCK")
    waits = []

    with pytest.raises(ModelError, match="There are no credentials for Amazon Bedrock"):
        model_of(BEDROCK, waits).ask(request(BEDROCK_MODEL), lambda _: None)
    assert waits == []
    assert answers.asked == []


def test_a_profile_that_does_not_exist_is_told_in_amazon_s_words(answers, amazon):
    amazon.delenv("AWS_BEARER_TOKEN_BEDROCK")
    amazon.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(ModelError, match="cannot be used") as caught:
        model_of(BEDROCK).ask(request(BEDROCK_MODEL), lambda _: None)
    assert "nobody" in caught.value.cause


def test_a_stream_of_bedrock_that_is_throttled_is_asked_again(answers, amazon):
    broken = frame(
        b'{"message": "slow down"}',
        exception_type="throttlingException",
        content_type="application/json",
        message_type="exception",
    )
    first = as_frames(*EVENTS[:2])
    answers.answers += [
        httpx2.Response(200, headers=dict(first.headers), content=first.content + broken),
        as_frames(*EVENTS),
    ]
    waits = []
    reply = model_of(BEDROCK, waits).ask(request(BEDROCK_MODEL), lambda _: None)

    assert waits == [1.0]
    assert reply.usage.input_tokens == 14  # both attempts


@pytest.mark.parametrize(
    ("cloud", "module", "extra"),
    [(Bedrock("eu-west-1"), "boto3", "bedrock"), (Vertex("global", "p"), "google.auth", "vertex")],
)
def test_a_missing_extra_is_named(monkeypatch, cloud, module, extra):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(UserError) as caught:
        cloud.connect(None)
    assert caught.value.mend == f"pipx install --force './phasegate[{extra}]'"


def test_anthropic_s_own_name_of_a_model_is_none_at_bedrock():
    with pytest.raises(ModelError, match="no name of a model at Amazon Bedrock") as caught:
        Bedrock("eu-west-1").limits("claude-opus-5-5")
    assert "global.anthropic.claude-opus-5-5" in caught.value.mend
    assert Bedrock("eu-west-1").limits("arn:aws:bedrock:eu-west-1:1:application-inference-profile/x").window == 200_000


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("global.anthropic.claude-opus-5-5", True),
        ("us.anthropic.claude-opus-4-6-v1:0", True),
        ("claude-sonnet-5@20261001", True),
        ("claude-fable-5", True),
        ("claude-sonnet-4-5@20250929", False),
        ("anthropic.claude-sonnet-4-20250514-v1:0", False),
        ("claude-haiku-5-5", False),
        ("claude-3-7-sonnet", False),
        ("something-else", False),
    ],
)
def test_only_models_that_are_known_to_are_asked_to_think(model, thinks):
    limits = limits_by_name(model)

    assert limits.thinks is thinks
    assert (limits.window, limits.max_tokens, limits.lifecycle) == (200_000, 64_000, "unknown")


@pytest.mark.parametrize(
    ("provider", "environ", "cloud"),
    [
        (Provider(), {}, None),
        (BEDROCK, {"AWS_REGION": "us-east-1"}, Bedrock("eu-west-1")),
        (Provider(name="bedrock"), {"AWS_REGION": "us-east-1"}, Bedrock("us-east-1")),
        (Provider(name="bedrock"), {"AWS_DEFAULT_REGION": "us-east-1"}, Bedrock("us-east-1")),
        (VERTEX, {}, Vertex("europe-west1", "my-project")),
        (Provider(name="vertex"), {"CLOUD_ML_REGION": "global"}, Vertex("global", None)),
    ],
)
def test_the_environment_says_what_the_configuration_leaves_out(provider, environ, cloud):
    assert cloud_of(provider, environ) == cloud


@pytest.mark.parametrize("region", ["", "evil.example/x", "US EAST"])
def test_without_a_region_that_can_be_one_it_is_refused(region):
    with pytest.raises(UserError, match="region"):
        cloud_of(Provider(name="bedrock"), {"AWS_REGION": region})


def test_at_anthropic_a_key_is_needed_and_at_a_cloud_none():
    at_anthropic = model_for(Provider(), key="sk-ant-x", environ={}, sleep=print)
    gateway = model_for(Provider(), key="sk-ant-x", environ={}, sleep=print, base_url="https://gateway.example")

    assert (at_anthropic.base_url, at_anthropic.cloud) == (BASE_URL, None)
    assert gateway.base_url == "https://gateway.example"
    assert isinstance(model_for(Provider(), key=None, environ={}, sleep=print), NoModel)
    assert isinstance(model_for(BEDROCK, key=None, environ={}, sleep=print), AnthropicModel)


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("anthropic", VERTEX_MODEL, 4),
        ("vertex", VERTEX_MODEL, 4),
        ("bedrock", BEDROCK_MODEL, 4),
        ("bedrock", "eu.anthropic.claude-opus-5-5", 4.4),
    ],
)
def test_each_cloud_has_its_own_prices(provider, model, usd):
    assert float(Prices({}, provider).cost(model, Usage(input_tokens=1_000_000))) == pytest.approx(usd)
