import anthropic
import pytest
from anthropic.types import ModelInfo
from pydantic import BaseModel

ONE = "rehearsal: 1\nscenes: [{name: a, turns: [{say: x}]}]\n"
MODELS = """models:
  claude-x: {max_input_tokens: 1000, max_tokens: 77, display_name: X, thinking: [enabled, disabled]}
  claude-old: {lifecycle: retired, deprecated_at: "2026-01-01T00:00:00Z", retires_at: "2026-02-01T00:00:00Z"}
  claude-opus-5-5: {max_input_tokens: 5000}
"""


def test_the_built_in_models_have_the_limits_of_their_pages(serve, client):
    models = client(serve(ONE)).models
    for name in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"):
        info = models.retrieve(name)
        assert (info.max_input_tokens, info.max_tokens, info.lifecycle) == (1_000_000, 128_000, "active")
        assert info.line in name
        assert info.capabilities.thinking.types.adaptive.supported
        assert not info.capabilities.thinking.types.enabled.supported


def test_a_record_has_every_field_of_the_real_type(serve, send):
    """The record that is sent names each field, at every depth, that the SDK's `ModelInfo` knows."""
    _, _, record = send(serve(ONE), method="GET", path="/v1/models/claude-opus-5-5")
    info = ModelInfo.model_validate(record)

    def compare(model: BaseModel, sent):
        assert set(sent) == set(type(model).model_fields)
        for name in sent:
            if isinstance(getattr(model, name), BaseModel):
                compare(getattr(model, name), sent[name])

    compare(info, record)


def test_a_script_adds_models_and_changes_single_values(serve, client):
    models = client(serve(ONE + MODELS)).models
    new, old, opus = (models.retrieve(name) for name in ("claude-x", "claude-old", "claude-opus-5-5"))
    assert (new.max_tokens, new.display_name, new.line) == (77, "X", None)
    assert new.capabilities.thinking.types.enabled.supported
    assert not new.capabilities.thinking.types.adaptive.supported
    assert (old.lifecycle, old.retires_at.month) == ("retired", 2)
    assert (opus.max_input_tokens, opus.max_tokens) == (5000, 128_000)


def test_the_list_leaves_retired_models_out_unless_they_are_asked_for(serve, client):
    models = client(serve(ONE + MODELS)).models
    active = {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-x"}
    assert {model.id for model in models.list()} == active
    assert {model.id for model in models.list(lifecycle=["retired"])} == {"claude-old"}


def test_the_list_goes_on_page_by_page(serve, client):
    page = client(serve(ONE)).models.list(limit=2)
    assert [model.id for model in page.data] == ["claude-opus-5-5", "claude-sonnet-5-5"]
    assert [model.id for model in page] == ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"]


def test_a_page_of_no_size_is_refused(serve, send):
    assert send(serve(ONE), method="GET", path="/v1/models?limit=0")[0] == 400


def test_a_model_that_nobody_knows_is_not_found(serve, client):
    with pytest.raises(anthropic.NotFoundError, match="model: claude-y"):
        client(serve(ONE)).models.retrieve("claude-y")
