import re
from pathlib import Path

import pytest

from phasegate.errors import UserError
from phasegate.rehearsal.models import Model
from phasegate.rehearsal.script import Call, Scene, Script, Turn, When, load_script

REFERENCE = Path(__file__).parents[2].joinpath("docs", "rehearsal.md").read_text(encoding="utf-8")

WHOLE = """
rehearsal: 1
delay: 0.5
models:
  claude-x: {max_input_tokens: 300, lifecycle: retired, thinking: [adaptive]}
scenes:
  - name: one
    when: {model: claude-x, first: [a, b], not_tools: shell}
    turns:
      - think: hm
        say: on 2026-01-01
        call:
          - read: {path: 2026-01-01, lines: [1, 2]}
          - list:
      - {break: socket, breaks: 2, fail: [{status: 529}, {status: 429, retry_after: 1}], say: x, stop: max_tokens}
    repeat: true
"""


def test_a_script_says_what_its_author_wrote():
    script = load_script(WHOLE, source="x.yml")
    scene = script.scenes[0]
    assert script.models["claude-x"].thinking == ("adaptive",)
    assert scene.when.model == ("claude-x",)
    assert scene.when.first == ("a", "b")
    assert scene.when.not_tools == ("shell",)
    assert scene.turns[0].call == (
        Call(tool="read", input={"path": "2026-01-01", "lines": [1, 2]}),
        Call(tool="list", input={}),
    )
    assert (scene.turns[1].cut, scene.turns[1].breaks, scene.turns[1].fail[1].retry_after) == ("socket", 2, 1)
    assert scene.repeat


def test_a_script_cannot_be_changed():
    script = load_script(WHOLE, source="x.yml")
    with pytest.raises(ValueError, match="frozen"):
        script.scenes[0].name = "other"


def scene(turn, *, extra=""):
    return f"rehearsal: 1\nscenes:\n  - name: one\n    turns:\n      - {turn}\n{extra}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "script.yml: `rehearsal`: Field required"),
        ("- a", "`the file`: a mapping of keys to values is wanted"),
        ("a: [", "script.yml:1:5: expected the node content"),
        ("a: \x00", "special characters are not allowed"),
        ("rehearsal: 1\nrehearsal: 1\nscenes: []", "script.yml:2:1: the key `rehearsal` is given twice"),
        (scene("{say: x, say: y}"), "script.yml:5:18: the key `say` is given twice"),
        ("rehearsal: 2\nscenes: []", "script.yml:1:1: `rehearsal`: Input should be 1"),
        ("rehearsal: 1\nscenes: []", "script.yml:2:1: `scenes`: Tuple should have at least 1 item"),
        ("rehearsal: 1\nscene: []", "script.yml:2:1: unknown key `scene`. Did you mean `scenes`?"),
        (scene("{sya: x}"), "script.yml:5:10: unknown key `scenes[0].turns[0].sya`. Did you mean `say`?"),
        (scene("{brake: eof, say: x}"), "Did you mean `break`?"),
        (scene("{cut: eof, say: x}"), "Known here: break, breaks, call"),
        (scene("{fail: [{stats: 500}], say: x}"), "fail[0].stats`. Did you mean `status`?"),
        (scene("{say: x}", extra="    wehn: {}\n"), "script.yml:6:5: unknown key `scenes[0].wehn`. Did you mean"),
        (scene("{say: x}", extra="    when: {frist: x}\n"), "when.frist`. Did you mean `first`?"),
        (
            scene("{say: x}", extra="models: {m: {max_token: 1}}\n"),
            "`models.m.max_token`. Did you mean `max_tokens`?",
        ),
        (scene("{say: yes}"), "script.yml:5:10: `scenes[0].turns[0].say`: Input should be a valid string"),
        (scene("{call: {read: {}}}"), "`scenes[0].turns[0].call`: Input should be a valid tuple"),
        (scene("{call: [read]}"), "scenes[0].turns[0].call[0]`: a call is one tool's name with its input"),
        (scene("{call: [{read: {}, list: {}}]}"), "a call is one tool's name with its input"),
        (scene("{call: [{read: [1]}]}"), "call[0].input`: a mapping of names to values is wanted"),
        (scene("{call: [{read: {x: .nan}}]}"), "this input is not JSON"),
        (scene("{say: x, break: fire}"), "break`: Input should be 'before', 'eof', 'socket' or 'event'"),
        (scene("{say: x, breaks: 2}"), "`breaks` counts a `break`"),
        (scene("{say: x, stop: never}"), "stop`: Input should be 'end_turn'"),
        (scene("{say: x, fail: [{status: 200}]}"), "fail[0].status`: Input should be greater than or equal to 400"),
        (scene("{say: x, delay: -1}"), "delay`: Input should be greater than or equal to 0"),
        (scene("{expect: x}"), "a turn needs `say`, `think` or `call`"),
        (scene("{say: x}", extra="  - {name: one, turns: [{say: y}]}\n"), "two scenes have the name 'one'"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, told):
    with pytest.raises(UserError) as error:
        load_script(text, source="script.yml")
    assert told in str(error.value)
    assert "docs/rehearsal.md" in error.value.mend


def test_many_mistakes_are_told_at_once_but_not_all():
    with pytest.raises(UserError) as error:
        load_script(scene("{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, say: x}"), source="script.yml")
    assert error.value.cause.count("unknown key") == 5
    assert error.value.cause.endswith("and 1 more")


def test_a_turn_may_be_an_answer_without_content():
    assert load_script(scene("{stop: end_turn}"), source="x").scenes[0].turns[0].say is None


def test_the_reference_names_every_key():
    tables = "\n".join(line for line in REFERENCE.splitlines() if line.startswith("| `"))
    for shape in (Script, Scene, When, Turn, Model):
        for name, field in shape.model_fields.items():
            assert f"`{field.alias or name}`" in tables


def test_the_examples_in_the_reference_can_be_played():
    first, models = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    assert len(load_script(first, source="docs").scenes) == 2
    assert load_script(first + models, source="docs").models["claude-opus-5-5"].max_input_tokens == 8000


def test_a_script_can_say_something_once_and_name_it_again():
    """A corrected plan repeats most of the plan before."""
    text = scene("{say: &words hello}", extra="      - {say: *words}\n")

    assert [turn.say for turn in load_script(text, source="script.yml").scenes[0].turns] == ["hello", "hello"]
