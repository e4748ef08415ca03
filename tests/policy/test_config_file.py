import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegate.errors import ExitCode
from phasegate.policy.config import Config, Gate
from phasegate.policy.config_file import MAX_CONFIG_BYTES, ConfigError, parse_config


def refusal(text: str, **keywords: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        parse_config(text, **keywords)
    assert raised.value.exit_code is ExitCode.USAGE
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1500
    return raised.value


@pytest.mark.parametrize("text", [None, "", " \n", "# only a remark\n", "---\n", "{}", "---\n...\n"])
def test_an_empty_file_means_all_defaults(text):
    assert parse_config(text) == Config()


def test_what_is_given_is_taken_and_the_rest_is_the_default():
    config = parse_config(
        "budget:\n  run: {usd: 2.50}\n"
        "models:\n  implement:\n    model: claude-haiku-5-5\n    effort: low\n"
        "gates:\n  test:\n    run: make test\n  lint: {run: ruff check, required: false}\n"
        "protected:\n  also: [docs/, '*.lock']\n"
    )
    assert config.budget.run.usd == Decimal("2.5")
    assert config.budget.run.turns == Config().budget.run.turns
    assert (config.models.implement.model, config.models.implement.effort) == ("claude-haiku-5-5", "low")
    assert config.gates == {"test": Gate(run="make test"), "lint": Gate(run="ruff check", required=False)}
    assert config.protected.also == ("docs/", "*.lock")
    assert config.review == Config().review


@pytest.mark.parametrize("text", ["gates:\n", "gates: null\n", "gates: ~\n"])
def test_gates_without_a_value_are_found_from_the_files(text):
    assert parse_config(text).gates is None


def test_no_gates_are_no_gates():
    assert parse_config("gates: {}\n").gates == {}


MISTAKES = {
    "a key misspelt": ("bugdet: {}\n", "phasegate.yml:1:1: unknown key `bugdet`. Did you mean `budget`?"),
    "a key below misspelt": (
        "budget:\n  run:\n    usd: 1\n    minuts: 3\n",
        "phasegate.yml:4:5: unknown key `budget.run.minuts`. Did you mean `minutes`?",
    ),
    "a key of a gate misspelt": (
        "gates:\n  test: {run: x, minute: 3}\n",
        "phasegate.yml:2:18: unknown key `gates.test.minute`. Did you mean `minutes`?",
    ),
    "a key of a gate that is called like a key": (
        "gates:\n  run: {run: x, minute: 3}\n",
        "phasegate.yml:2:17: unknown key `gates.run.minute`. Did you mean `minutes`?",
    ),
    "a key of a price": (
        "prices:\n  m: {inptu: 1}\n",
        "phasegate.yml:2:7: unknown key `prices.m.inptu`. Did you mean `input`?",
    ),
    "a key of a tier": (
        "models:\n  plan:\n    modell: x\n",
        "phasegate.yml:3:5: unknown key `models.plan.modell`. Did you mean `model`?",
    ),
    "a key that is like no other": (
        "research:\n  zzz: 1\n",
        "phasegate.yml:2:3: unknown key `research.zzz`. Known here: minimum, scouts.",
    ),
    "a key that is no text": ("1: 2\n", "phasegate.yml:1:1: `[1]`: a key is a text: yes, no"),
    "a key that is yes": (
        "research:\n  yes: 2\n",
        "phasegate.yml:1:1: `research[1]`: a key is a text: yes, no, on, off and numbers",
    ),
    "a list as a key": ("? [a, b]\n: c\n", "phasegate.yml:1:3: found unhashable key."),
    "a hostile key": ('"\\e[31m\\u202e": 1\n', "phasegate.yml:1:1: unknown key `�[31m�`."),
    "a key given twice": ("plan: {}\nplan: {}\n", "phasegate.yml:2:1: the key `plan` is given twice."),
    "a key below given twice": (
        "research:\n  scouts: 1\n  minimum: 1\n  scouts: 1\n",
        "phasegate.yml:4:3: the key `scouts` is given twice.",
    ),
    "a key given twice in one line": ("plan: {keep: true, keep: true}", "phasegate.yml:1:20: the key `keep` is given"),
    "a number out of bounds": (
        "research:\n  scouts: 9\n",
        "phasegate.yml:2:3: `research.scouts`: Input should be less than or equal to 8.",
    ),
    "words for a number": (
        "implement: {parallel: many}",
        "phasegate.yml:1:13: `implement.parallel`: Input should be a valid integer",
    ),
    "a wild word": ("models: {plan: {effort: huge}}", "`models.plan.effort`: Input should be 'low', 'medium', 'high'"),
    "a gate without a command": ("gates:\n  test: {}\n", "phasegate.yml:2:3: `gates.test.run`: Field required."),
    "a gate as a text": (
        "gates:\n  test: make test\n",
        "phasegate.yml:2:3: `gates.test`: a mapping of keys to values is",
    ),
    "a gate with a wild name": ("gates:\n  My Tests: {run: x}\n", "phasegate.yml:2:3: `gates.My Tests`: String should"),
    "a gate called none": (
        "gates:\n  none: {run: x}\n",
        "phasegate.yml:2:3: `gates.none`: none says that there is no gate",
    ),
    "gates as a list": ("gates: [test]\n", "phasegate.yml:1:1: `gates`: a mapping of names to values is wanted."),
    "a pattern that is none": (
        "protected:\n  also:\n    - docs/\n    - '!'\n",
        "phasegate.yml:4:7: `protected.also[1]`: is no pattern of .gitignore.",
    ),
    "a list for the file": ("- a\n- b\n", "phasegate.yml:1:1: `the file`: a mapping of keys to values is wanted."),
    "a text for the file": ("hello", "phasegate.yml:1:1: `the file`: a mapping of keys to values is wanted."),
    "nothing for a section": ("budget:\n", "phasegate.yml:1:1: `budget`: a mapping of keys to values is wanted."),
    "a section as a number": ("budget: 3\n", "phasegate.yml:1:1: `budget`: a mapping of keys to values is wanted."),
    "a bracket left open": ("gates: {test: [\n", "phasegate.yml:2:1: "),
    "a tab": ("research:\n\tscouts: 1\n", "phasegate.yml:2:1: found character '\\t' that cannot start any token."),
    "a wild indentation": ("plan:\n    keep: true\n  questions: true\n", "phasegate.yml:3:3: "),
    "a colon too much": ("a: b: c\n", "phasegate.yml:1:5: mapping values are not allowed here."),
    "a wild escape": ('a: "\\q"\n', "phasegate.yml:1:6: found unknown escape character 'q'."),
    "a quote left open": ("a: 'b\n", "phasegate.yml:2:1: found unexpected end of stream."),
    "two documents": ("{}\n---\n{}\n", "phasegate.yml:2:1: but found another document."),
    "an alias": ("plan: &a {}\nreview: *a\n", "phasegate.yml:2:9: aliases and tags are not allowed here."),
    "a merged alias": ("plan: &a {}\nreview:\n  <<: *a\n", "phasegate.yml:3:7: aliases and tags are not allowed here."),
    "an alias of itself": ("plan: &a [*a]\n", "phasegate.yml:1:11: aliases and tags are not allowed here."),
    "a tag of Python": (
        "plan: !!python/object/apply:os.system [id]\n",
        "phasegate.yml:1:7: aliases and tags are not allowed here.",
    ),
    "a tag": ("plan: {keep: !!bool x}\n", "phasegate.yml:1:14: aliases and tags are not allowed here."),
    "a tag of one's own": ("plan: !mine {}\n", "phasegate.yml:1:7: aliases and tags are not allowed here."),
    "a control character": ("plan: {}\n# \x07\n", "phasegate.yml:2:3: special characters are not allowed."),
    "a control character first": ("\x1b", "phasegate.yml:1:1: special characters are not allowed."),
    "half a letter": ("a: \ud800", "phasegate.yml:1:4: special characters are not allowed."),
    "half a letter in disguise": (
        'gates: {test: {run: "\\ud800"}}',
        "`gates.test.run`: Input should be a valid string",
    ),
    "a letter beyond all": ('a: "\\Uffffffff"', "phasegate.yml: not valid YAML: "),
    "a date is a text": ("plan: 2026-99-99\n", "phasegate.yml:1:1: `plan`: a mapping of keys to values is wanted."),
    "a number of 5000 digits": ("research: {scouts: " + "9" * 5000 + "}", "phasegate.yml: not valid YAML: Exceeds the"),
    "deep nesting": ("[" * 20_000, "phasegate.yml:1:33: nested more than 32 levels deep."),
    "deep nesting of mappings": ("{a: " * 5_000, "phasegate.yml:1:129: nested more than 32 levels deep."),
    "deep nesting by lines": ("- " * 5_000, "phasegate.yml:1:65: nested more than 32 levels deep."),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(text, message):
    assert message in refusal(text).what


def test_the_source_of_the_text_is_named():
    assert refusal("x: 1", source="main:other.yml").what.startswith("main:other.yml:1:1: unknown key `x`.")


def test_unknown_keys_come_first_and_three_more_mistakes_follow():
    error = refusal(
        "research: {scouts: 9, minimum: 9}\nimplement: {parallel: 9, check_attempts: 99}\ncorrect: {rounds: 99}\nzzz: 1"
    )
    assert error.what.startswith(
        ".github/phasegate.yml:4:1: unknown key `zzz`. Known here: approval, budget, comments,"
    )
    assert error.cause.count(".github/phasegate.yml:") == 3
    assert "research.scouts" in error.cause
    assert error.mend == "`phasegate schema` prints every key with its meaning and default."


def test_a_thousand_mistakes_make_a_short_message():
    started = time.monotonic()
    error = refusal("".join(f"{'k' * 20}{number}: 1\n" for number in range(2000)))
    assert len(str(error)) < 1500
    assert time.monotonic() - started < 10


def test_the_size_is_checked_in_bytes_before_anything_is_read():
    assert parse_config("#" * MAX_CONFIG_BYTES) == Config()
    too_much = f".github/phasegate.yml has more than {MAX_CONFIG_BYTES} bytes."
    assert refusal("[" * (MAX_CONFIG_BYTES + 1)).what == too_much
    assert refusal("#" + "ä" * (MAX_CONFIG_BYTES // 2)).what == too_much
    assert refusal("\ud800" * MAX_CONFIG_BYTES).what == too_much


def test_a_billion_laughs_are_refused_at_once():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for this, that in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f"{this}: &{this} [{', '.join([f'*{that}'] * 9)}]\n"
    started = time.monotonic()
    assert refusal(bomb).what.startswith(".github/phasegate.yml:2:8: aliases and tags are not allowed here")
    assert time.monotonic() - started < 1


def test_nesting_counts_what_is_open_and_not_what_is_closed():
    assert "nested" not in refusal(f"x: [{'[], ' * 100}]").what
    assert "nested" not in refusal("[" * 32 + "]" * 32).what


def test_a_merged_mapping_without_alias_is_plain_yaml():
    assert parse_config("plan:\n  <<: {keep: false}\n").plan.keep is False


_WORDS = """
budget run usd gates test models plan prices protected also : - ? , [ ] { } & * ! !! | > ' " % @ ` # ~ = <<
&a *a !!int !!set .inf .nan 0x_ 0b_ 0o7 1_0 1:30 -1 1e9 2026-01-01 2026-13-01 yes null --- ...
"""
_ODD = (": ", "\n", "\n  ", "\n- ", " ", "\t", "\\", "\\x41", "\\ud800", "\\Uffffffff", "\x00", "\ud800", "\U0010ffff")
_YAML = st.lists(st.sampled_from((*_WORDS.split(), *_ODD)) | st.text(max_size=2), max_size=14).map("".join)


@settings(max_examples=300, deadline=None)
@given(_YAML)
def test_any_text_gives_a_configuration_or_one_message(text):
    try:
        config = parse_config(text)
    except ConfigError:
        return
    assert len(config.digest) == 64
