"""Thinking blocks go back as they came, to a conversation that is as it was."""

import base64

import anthropic
import pytest

SCRIPT = """
rehearsal: 1
models:
  claude-loose: {bound_thinking: false}
scenes:
  - name: s
    turns: [{think: "first I think", say: thinking aloud}]
    repeat: true
"""
SHOWN = {"type": "adaptive", "display": "summarized"}


class Conversation:
    def __init__(self, client, **settings):
        self.client = client
        self.settings = {"model": "claude-opus-5-5", "max_tokens": 500, "thinking": SHOWN} | settings
        self.messages = []

    def ask(self, words):
        self.messages.append({"role": "user", "content": words})
        reply = self.client.messages.create(messages=self.messages, **self.settings)
        self.messages.append({"role": "assistant", "content": [block.to_dict() for block in reply.content]})
        return reply

    def thought(self, number):
        return self.messages[2 * number + 1]["content"]


@pytest.fixture
def talk(serve, client):
    conversation = Conversation(client(serve(SCRIPT)), system="be kind")
    for words in ("one", "two", "three"):
        conversation.ask(words)
    return conversation


def test_the_text_is_shown_only_on_request(serve, client):
    """Newer models leave the text out by default and send the signature alone."""
    for settings in ({}, {"thinking": {"type": "adaptive"}}):
        block = Conversation(client(serve(SCRIPT)), **({"thinking": anthropic.omit} | settings)).ask("hi").content[0]
        assert (block.type, block.thinking) == ("thinking", "")
        assert block.signature
    assert Conversation(client(serve(SCRIPT))).ask("hi").content[0].thinking == "first I think"


def test_there_is_none_where_thinking_is_off(serve, client):
    off = {"model": "claude-haiku-5-5", "thinking": {"type": "disabled"}}
    assert [block.type for block in Conversation(client(serve(SCRIPT)), **off).ask("hi").content] == ["text"]


def test_a_conversation_that_only_grows_is_taken(talk):
    assert talk.ask("four").content


def test_another_server_takes_it_too(talk, serve, client):
    """Signatures need no state, so that a run can be resumed against a new server."""
    talk.client = client(serve(SCRIPT))
    assert talk.ask("four").content


def mark_last(talk):
    talk.messages[0] = {
        "role": "user",
        "content": [{"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}],
    }


def drop_oldest(talk):
    del talk.thought(0)[0]
    del talk.thought(1)[0]


def drop_all_and_edit(talk):
    for number in range(3):
        del talk.thought(number)[0]
    talk.messages[2]["content"] = "(removed)"


def change_model(talk):
    talk.settings["model"] = "claude-sonnet-5-5"
    talk.messages[0]["content"] = "(removed)"


@pytest.mark.parametrize("change", [mark_last, drop_oldest, drop_all_and_edit, change_model])
def test_these_changes_are_allowed(change, talk):
    change(talk)
    assert talk.ask("four").content


def edit_first(talk):
    talk.messages[0]["content"] = "(removed)"


def edit_answer(talk):
    talk.thought(0)[1]["text"] = "(removed)"


def edit_system(talk):
    talk.settings["system"] = "be rude"


def add_tool(talk):
    talk.settings["tools"] = [{"name": "read", "input_schema": {"type": "object"}}]


def drop_middle(talk):
    del talk.thought(1)[0]


def swap(talk):
    talk.thought(0)[0], talk.thought(1)[0] = talk.thought(1)[0], talk.thought(0)[0]


@pytest.mark.parametrize("change", [edit_first, edit_answer, edit_system, add_tool, drop_middle, swap])
def test_what_stands_before_a_thought_must_not_change(change, talk):
    change(talk)
    with pytest.raises(anthropic.BadRequestError, match="The block is bound to a different conversation"):
        talk.ask("four")


def test_the_side_that_spoke_counts_too(serve, client):
    talk = Conversation(client(serve(SCRIPT)))
    talk.messages = [{"role": "user", "content": "one"}]
    talk.ask("two")
    talk.messages[1]["role"] = "assistant"
    with pytest.raises(anthropic.BadRequestError, match="The block is bound to a different conversation"):
        talk.ask("three")


def test_a_model_without_bound_thinking_does_not_mind(serve, client):
    talk = Conversation(client(serve(SCRIPT)), model="claude-loose")
    talk.ask("one")
    talk.messages[0]["content"] = "(removed)"
    assert talk.ask("two").content


@pytest.mark.parametrize(
    "forged",
    [
        {"thinking": "I never thought this"},
        {"signature": "bm9ib2R5"},
        {"signature": "not base64!"},
        {"signature": ""},
    ],
)
@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-loose"])  # what is checked does not depend on binding
def test_a_thought_that_the_server_did_not_have_is_refused(forged, model, serve, client):
    talk = Conversation(client(serve(SCRIPT)), model=model)
    talk.ask("one")
    talk.thought(0)[0] |= forged
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block'"):
        talk.ask("two")


def test_a_signature_that_was_altered_is_refused_even_where_thinking_is_not_bound(serve, client):
    talk = Conversation(client(serve(SCRIPT)), model="claude-loose")
    talk.ask("one")
    plain = base64.b64decode(talk.thought(0)[0]["signature"]).decode()
    other_prefix = ":".join("0" * len(part) if at == 2 else part for at, part in enumerate(plain.split(":")))
    talk.thought(0)[0]["signature"] = base64.b64encode(other_prefix.encode()).decode()
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        talk.ask("two")
