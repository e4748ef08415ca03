import pytest
from hypothesis import given
from hypothesis import strategies as st

import examples
from phasegate.policy.commands import LONGEST_TEXT, VERBS, Command, Malformed, command_of, parse_command

DIGEST = "0123456789abcdef" * 4
TEXTS = ("revise", "answer")
BARE = tuple(verb for verb in VERBS if verb not in {*TEXTS, "approve", "reject"})


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in TEXTS])
@pytest.mark.parametrize("after", ["", " ", "\t ", "\n", "\r\n", "\n\nThank you!", "\r\n> quoted\r\n"])
def test_a_verb_alone_on_the_first_line_is_a_command(verb, after):
    said = parse_command(f"/{verb}{after}")
    assert (said.verb, said.digest) == (verb, None)
    assert said.text == (after.replace("\r\n", "\n").strip() if verb == "reject" else "")


@pytest.mark.parametrize(
    ("body", "command"),
    [
        (f"/approve {DIGEST}", Command("approve", digest=DIGEST)),
        (f"/approve\t{DIGEST[:8]}  \r\nGood.", Command("approve", digest=DIGEST[:8])),
        ("/revise smaller steps", Command("revise", "smaller steps")),
        ("/revise smaller\r\n\r\nand *fewer*\r\n", Command("revise", "smaller\n\nand *fewer*")),
        ("/revise\n\n- one\n- two", Command("revise", "- one\n- two")),
        ("/answer Q1: yes ✓\n", Command("answer", "Q1: yes ✓")),
        ("/answer a\x00b\x1bc\u2028d\re", Command("answer", "a b c d e")),
        ("/answer a\ud800b", Command("answer", "a?b")),
        ("/answer \ta\tb", Command("answer", "a\tb")),
        ("/reject too early", Command("reject", "too early")),
        ("/reject", Command("reject")),
        ("/answer /approve", Command("answer", "/approve")),
    ],
)
def test_what_a_command_says(body, command):
    assert parse_command(body) == command


@pytest.mark.parametrize(
    "body",
    [
        *("", "approve", "nice", "LGTM", "/", "//approve", "/ approve", "\\/approve", "!approve", "/unknown", "/start"),
        *(" /approve", "\t/approve", "\n/approve", "\r\n/approve", "    /approve", "\ufeff/approve", "\u200b/approve"),
        *("> /approve", ">/approve", "```\n/approve\n```", "~~~\n/approve", "`/approve`", "**/approve**", "- /approve"),
        *("1. /approve", "<!-- x -->/approve", "<b>/approve</b>", "[/approve](x)", "please /approve", "@ann /approve"),
        *("I say /approve", "ok\n/approve", "On Monday Ann wrote:\n> /approve", "$ /approve", "# /approve"),
        *("/approved", "/approve!", "/approve.", "/approve,", "/approve/", "/approve\\", "/approve-all", "/approve_x"),
        *(
            "/APPROVE",
            "/Approve",
            "/aPPROVE",
            "\uff0fapprove",
            "\u2044approve",
            "\u2215approve",
            "/\u0430pprove",
            "/\uff41pprove",
            "/appr\u200bove",
        ),
        *("/approve\u200b", "/approve\u00a0", "/approve\u3000x", "/approve\u2028x", "/approve\u0085x", "/approve\x0bx"),
        *("/approve\x00", "/approve\rx", "/a\u0301pprove", "/approve\ufe0f", "/\u202eevorppa", "/approve\u00ad"),
        *(
            "/revis",
            "/revised plan",
            "/re vise x",
            "/replan/",
            "/retry:",
            "/status?",
            "/cost=1",
            "/cancel;",
            "/manual`",
        ),
    ],
)
def test_what_merely_looks_like_a_command_is_none(body):
    assert parse_command(body) is None


@pytest.mark.parametrize(
    ("body", "verb", "what"),
    [
        ("/approve please", "approve", "8 to 64"),
        ("/approve 0123456", "approve", "8 to 64"),
        (f"/approve {DIGEST}0", "approve", "8 to 64"),
        (f"/approve {DIGEST.upper()}", "approve", "8 to 64"),
        (f"/approve {DIGEST[:8]} {DIGEST[:8]}", "approve", "8 to 64"),
        ("/approve \uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17", "approve", "8 to 64"),
        ("/approve 0123\u200b4567", "approve", "8 to 64"),
        ("/revise", "revise", "needs a text"),
        ("/revise  \r\n \t\n", "revise", "needs a text"),
        ("/answer \x00\x01", "answer", "needs a text"),
        (f"/revise {'x' * (LONGEST_TEXT + 1)}", "revise", "has 16001 characters, 16000 are allowed"),
        (f"/reject {'x' * (LONGEST_TEXT + 1)}", "reject", "has 16001 characters, 16000 are allowed"),
        *((f"/{verb} now", verb, f"nothing may follow `/{verb}`") for verb in BARE),
    ],
)
def test_a_verb_with_a_wrong_argument_gets_an_answer(body, verb, what):
    said = parse_command(body)
    assert isinstance(said, Malformed)
    assert said.verb == verb
    assert what in said.what


def test_the_longest_text_is_one_that_the_document_takes():
    said = parse_command("/revise " + "x" * LONGEST_TEXT)
    assert examples.feedback(text=said.text).payload.text == said.text


@pytest.mark.parametrize(
    ("verb", "text", "digest", "what"),
    [
        ("approve", "yes", None, "nothing may follow `/approve` on its line"),
        ("approve", "", "yes", "8 to 64"),
        ("status", "", DIGEST, "`/status` takes no digest"),
        ("revise", "", None, "`/revise` needs a text after it"),
    ],
)
def test_a_dispatch_is_held_to_the_same_rules(verb, text, digest, what):
    assert what in command_of(verb, text, digest).what


def test_a_dispatch_can_say_what_a_comment_can():
    assert command_of("approve", "", DIGEST) == parse_command(f"/approve {DIGEST}")
    assert command_of("revise", " a\r\nb ", None) == parse_command("/revise a\nb")


@given(st.text())
def test_any_comment_is_a_command_or_none(body):
    said = parse_command(body)
    if said is not None:
        assert body.startswith(f"/{said.verb}")


@given(st.sampled_from(VERBS), st.text(max_size=5).filter(lambda text: text and text[0] not in " \t\r\n"))
def test_a_verb_that_goes_on_is_another_word(verb, more):
    assert parse_command(f"/{verb}{more}") is None


@given(st.text(min_size=1, max_size=3), st.sampled_from(VERBS))
def test_nothing_may_stand_before_a_command(before, verb):
    assert parse_command(f"{before}/{verb}") is None


@given(st.sampled_from((*TEXTS, "reject")), st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_that_is_understood_fits_into_the_document(verb, text):
    said = parse_command(f"/{verb} {text}")
    if isinstance(said, Command) and said.text:
        assert examples.feedback(text=said.text).payload.text == said.text


@given(st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True), st.text(max_size=50))
def test_a_digest_comes_out_as_it_went_in_whatever_is_below(digest, below):
    assert parse_command(f"/approve {digest}\n{below}") == Command("approve", digest=digest)
