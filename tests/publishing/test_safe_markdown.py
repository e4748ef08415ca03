from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from page_reading import ACTIVE, acting, everything, fences, kinds, tokens
from phasegate.publishing.invisible import visible
from phasegate.publishing.safe_markdown import (
    Safe,
    SafeMarkdown,
    cell,
    code,
    compose,
    cut,
    fence,
    fragment,
    inline,
    joined,
    ours,
    prose,
    quoted,
)

NASTY = [
    "@octocat @org/team &commat;octocat \uff20octocat @\x1boctocat @@octocat a@b.example",
    "Fixes #1, closes owner/repo#2, resolves GH-3 gh-4, ghsa-aaaa-bbbb-cccc CVE-2026-1",
    "https://github.com/o/r/issues/1 http://x.example ftp://x www.evil.example //evil.example",
    "mailto:a@b.example xmpp:a@b.example javascript:alert(1) https&#58;//evil.example",
    "[text](https://evil.example 'title') ![image](https://evil.example/x.png) <https://evil.example>",
    "[ref][1] [^1] [1]: https://evil.example",
    "[1]: https://evil.example",
    "<img src=x onerror=alert(1)> <details open> </details> <!-- phasegate:plan --> <a name=x> <svg/>",
    "<!-- phasegate:status run=7 tip=" + "a" * 40 + " was=none -->",
    "**bold** __bold__ *em* _em_ ~~struck~~ ***",
    "# heading",
    "heading\n===",
    "heading\n---",
    "---",
    "- [x] task",
    "* item",
    "1. item",
    "1) item",
    "+ item",
    "> quote\n> [!WARNING]",
    "    indented",
    "a | b | c",
    "| a | b |\n|---|---|\n| c | d |",
    "`unbalanced",
    "`` ` ``",
    "`code` and `more @octocat #1`",
    "``` ",
    "```mermaid\ngraph TD\n```",
    "~~~math\nx\n~~~",
    "```suggestion\nevil\n```\n</details>",
    "```\nnever closed",
    "/approve 0123456789ab\n/lgtm\n  /close",
    "/",
    "$x^2$ $`x`$ $$y$$ ${{ secrets.KEY }} {{ config }} <% x %>",
    "deadbeef 0123456 " + "c" * 40 + " " + "d" * 64,
    ":tada: :+1: std::vector 12:30:45 :white_check_mark:",
    "\\@octocat \\# \\[x\\](y) \\\\",
    "ends with \\",
    "ends with @",
    "ends with #",
    "&lt;b&gt; &#64;octocat &amp;commat;octocat",
    "\u202ereversed\u202c zero\u200bwidth tag\U000e0041",
    "(parenthesis)",
    "✅ approved by the lead",
    "line one\r\nline two\x0bline three\x85four\u2028five",
    "",
    " \n\t ",
    "`" * 2_000,
    "Z" + "\u0351" * 200,
]
UNHURRIED = settings(deadline=None)
SIGNS = st.sampled_from(
    [
        *"`*_[]()<>#+-.!|~&:;/\\@$={}^%'\" \n\t",
        "```",
        "~~~",
        "&#",
        "://",
        "www.",
        "- ",
        "1. ",
        "<!--",
        "-->",
        "@a",
        "#1",
        "deadbeef",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(SIGNS, st.text(max_size=4)), max_size=30).map("".join))
AROUND_A_LINE = [
    "{}",
    "- {}",
    "- {}: {}",
    "1. {}",
    "### {}",
    "> {}",
    "before {} after",
    "`x` {} `y`",
    "[{}](https://example.org/x)",
    "| a | b |\n|---|---|\n| {} | z |\n| {} | y |",
    "one\n{}\ntwo",
]
AROUND_BLOCKS = [
    "{}",
    "before\n\n{}\n\n### after",
    "<details><summary>x</summary>\n\n{}\n\n</details>\n\n| a |\n|---|\n| b |",
]


def nasty(function):
    """Try the table as well as what hypothesis finds."""
    for text in NASTY:
        function = example(text)(function)
    return UNHURRIED(function)


def seen(text):
    """What a reader should see of a text, without blanks, and without the signs that set code apart."""
    return "".join(visible(text).replace("`", "").split())


@given(TEXTS)
@nasty
def test_a_line_reads_as_it_was_written(text):
    assert "".join(everything(inline(text)).replace("`", "").split()) == seen(text)


@given(TEXTS)
@nasty
def test_a_line_does_nothing(text):
    shown = inline(text)

    assert "\n" not in shown
    assert ACTIVE.isdisjoint(kinds(shown))
    assert acting(shown) == []


@given(TEXTS)
@nasty
def test_a_line_without_code_holds_no_tag_in_the_source_either(text):
    assert not set("<>") & set(inline(text.replace("`", "")))


@given(TEXTS)
@nasty
def test_a_line_commands_no_bot_that_reads_the_source(text):
    assert not inline(text).startswith(("/", "<!--"))


@given(st.text("$ `x{}"))
@UNHURRIED
def test_a_line_holds_no_formula_and_no_delimiter_of_a_template(text):
    in_code = "".join(token.content for token in tokens(inline(text)) if token.type == "code_inline")

    assert inline(text).count("$") == in_code.count("$")
    assert "{{" not in inline(text.replace("`", ""))


@pytest.mark.parametrize("around", AROUND_A_LINE)
@given(text=TEXTS)
@UNHURRIED
def test_a_line_changes_nothing_around_it(around, text):
    assert kinds(around.replace("{}", inline(text) or "x")) == kinds(around.replace("{}", "x"))


@pytest.mark.parametrize("around", AROUND_A_LINE)
def test_nasty_lines_change_nothing_around_them(around):
    expected = kinds(around.replace("{}", "x"))

    assert [text for text in NASTY if kinds(around.replace("{}", inline(text) or "x")) != expected] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, with commas; and (brackets).", "plain words, with commas; and (brackets)."),
        ("use `list --json` and snake_case", "use `list --json` and snake\\_case"),
        ("日本語 👩\u200d💻 שלום", "日本語 👩\u200d💻 שלום"),
        ("`a|b`", "\\`a&#124;b\\`"),
        ("C# and A/B", "C# and A/B"),
        ("/approve", "&#47;approve"),
        ("two\n  lines", "two lines"),
        ("`` `", "\\`\\` \\`"),
    ],
)
def test_ordinary_words_stay_readable_in_the_source(text, shown):
    assert inline(text) == shown


@given(TEXTS)
@nasty
def test_code_within_a_line_is_code_and_all_of_it(text):
    expected = " ".join(visible(text).split())
    found = [(token.type, token.content) for token in tokens(f"before {code(text)} after")]

    assert [content for kind, content in found if kind == "code_inline"] == ([expected] if expected else [])


@given(TEXTS)
@nasty
def test_a_cell_ends_where_it_should(text):
    table = f"| a | b |\n|---|---|\n| {cell(text)} | z |"

    assert kinds(table) == kinds("| a | b |\n|---|---|\n| x | z |")
    assert acting(table) == []


@pytest.mark.parametrize("language", ["", "diff", "text"])
@given(text=TEXTS)
@UNHURRIED
def test_a_block_of_code_is_one_and_all_of_it(language, text):
    expected = [line.rstrip() for line in visible(text).expandtabs(4).strip("\n").split("\n")]
    page = f"before\n\n{fence(text, language)}\n\nafter"

    assert kinds(page) == kinds("before\n\n```\nx\n```\n\nafter")
    assert fences(page) == ["\n".join(expected) + "\n"]


def test_blocks_of_nasty_code_are_one_each():
    expected = kinds("before\n\n```\nx\n```\n\nafter")

    assert [text for text in NASTY if kinds(f"before\n\n{fence(text)}\n\nafter") != expected] == []


def test_no_line_of_code_is_a_command_to_those_who_read_the_source():
    lines = [line for text in NASTY for line in fence(text).split("\n")]

    assert [line for line in lines if line.startswith(("/", "<"))] == []


@pytest.mark.parametrize("language", ["mermaid", "math", "geojson", "topojson", "stl", "suggestion", "text evil", "\n"])
def test_a_block_of_code_is_never_drawn_or_applied(language):
    with pytest.raises(ValueError, match="is not among"):
        fence("x", language)


def test_a_block_of_code_has_no_colours_but_shows_what_hides():
    assert fences(fence("\x1b[31mred\x1b[0m \x1b[2J\u200b")) == ["red <U+001B>[2J<U+200B>\n"]


@given(TEXTS)
@nasty
def test_paragraphs_read_as_they_were_written(text):
    unfenced = text.replace("```", "").replace("~~~", "")
    signs = str.maketrans("", "", "`*+-~")

    assert "".join(everything(prose(unfenced)).translate(signs).split()) == seen(unfenced).translate(signs)


@given(TEXTS)
@nasty
def test_paragraphs_do_nothing(text):
    allowed = {"paragraph", "bullet_list", "list_item"}
    found = {kind.removesuffix("_open").removesuffix("_close") for kind in kinds(prose(text))}

    assert found <= allowed | {"inline", "hardbreak", "fence"}
    assert acting(prose(text)) == []
    assert not any(line.startswith(("/", "<!--")) for line in prose(text).split("\n"))
    assert not any(token.info for token in tokens(prose(text)) if token.type == "fence")


@pytest.mark.parametrize("around", AROUND_BLOCKS)
@pytest.mark.parametrize("make", [prose, quoted])
@given(text=TEXTS)
@UNHURRIED
def test_paragraphs_change_nothing_around_them(make, around, text):
    whole, inner = kinds(around.replace("{}", make(text))), kinds(make(text))
    before, after = (kinds(part) for part in around.split("{}"))

    assert whole == [*before, *inner, *after]


@pytest.mark.parametrize("around", AROUND_BLOCKS)
@pytest.mark.parametrize("make", [prose, quoted])
def test_nasty_paragraphs_change_nothing_around_them(make, around):
    before, after = (kinds(part) for part in around.split("{}"))
    read = {text: kinds(around.replace("{}", make(text))) for text in NASTY}

    assert [text for text in NASTY if read[text] != [*before, *kinds(make(text)), *after]] == []


@given(TEXTS)
@nasty
def test_a_quotation_is_one_and_says_the_same(text):
    shown = kinds(quoted(text))

    assert shown[0] == "blockquote_open"
    assert shown[-1] == "blockquote_close"
    assert shown.count("blockquote_open") == 1
    assert "".join(everything(quoted(text)).split()) == "".join(everything(prose(text)).split())


def test_code_in_paragraphs_ends_where_it_was_meant_to():
    assert fences(prose("````\n```\n~~~\n````\nwords")) == ["```\n~~~\n"]
    assert fences(prose("~~~\n```\n~~~~~ \n```\nx")) == ["```\n", "x\n"]


def test_paragraphs_keep_lines_lists_and_code():
    text = "One\ntwo.\n\n- first `x`\n- second\nafter\n\n```python\nif x:\n    y\n```\n1. one\n2. two"

    assert prose(text).split("\n\n") == [
        "One\\\ntwo.",
        "- first `x`\n- second",
        "after",
        " ```\n if x:\n     y\n ```",
        "1\\. one\\\n2\\. two",
    ]


PAGE = Safe(
    "<!-- marker -->\n## Title\n\nWords of ours.\n\n| a | b |\n|---|---|\n"
    + "".join(f"| row {number} | ümläut |\n" for number in range(20))
    + "\n<details><summary>More</summary>\n\n"
    + fence("\n".join(f"line {number}" for number in range(40)))
    + "\n\n"
    + quoted("\n\n".join(f"Paragraph {number}." for number in range(20)))
    + "\n\n<details><summary>Inner</summary>\n\n"
    + fence("````\nticks\n</details>")
    + "\n\n</details>\n\n</details>\n\n- one\n- two\n\nThe end.\n"
)
REST = ours("*The rest is elsewhere.*")


def test_what_is_cut_fits_begins_the_same_and_closes_what_it_opened():
    for limit in range(100, len(PAGE.encode()), 7):
        shown = cut(PAGE, limit, REST)
        tags = [token.content for token in tokens(shown) if token.type == "html_block"]

        assert len(shown.encode()) <= limit
        assert shown.startswith("<!-- marker -->\n")
        assert tags.count("</details>\n") == shown.count("<details><summary>")
        assert kinds(shown)[-5:] == kinds("*y*")
        assert everything(PAGE).startswith(everything(shown).removesuffix("The rest is elsewhere.\n").rstrip())


def test_a_paragraph_is_not_cut_apart():
    text = Safe("<!-- marker -->\n\nOne\\\ntwo\\\nthree.\n\n" + "four\n" * 20)
    shown = {cut(text, limit, REST) for limit in range(50, len(text))}

    assert {everything(page).split("The rest")[0].strip() for page in shown} == {"", "One\ntwo\nthree."}


def test_what_fits_is_not_cut():
    assert cut(PAGE, len(PAGE.encode()), REST) == PAGE


def test_as_much_as_possible_is_kept():
    limit = len(PAGE.encode()) - 1
    shown = cut(PAGE, limit, REST)

    assert "ticks" in shown
    assert "The end" not in shown


def test_a_first_line_that_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="too few"):
        cut(PAGE, 30, REST)


@given(st.lists(TEXTS, max_size=4), st.integers(100, 1000))
@UNHURRIED
def test_foreign_text_that_is_cut_stays_harmless(texts, limit):
    parts = [part for text in texts for part in (quoted(text), fence(text), f"- {inline(text)}")]
    shown = cut(Safe("<!-- marker -->\n" + "\n\n".join(parts) + "\n"), limit, REST)

    assert len(shown.encode()) <= limit or len(texts) == 0
    assert acting(shown) == []
    assert kinds(shown).count("html_block") == 1
    assert not any(token.type == "heading_open" for token in tokens(shown))


class Kind(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Row:
    name: object
    number: int = 1


def rendered(name, **values):
    return f"\n\n{name}: {values}\n\n"


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        Kind.ONE,
        b"bytes",
        1.5,
        object(),
        ["plain"],
        (inline("x"), "plain"),
        {"key": "plain"},
        {inline("key"): "plain"},
        Row("plain"),
        [Row(inline("x")), Row(["plain"])],
        inline("x") + "",
        inline("abc")[:2],
        inline("abc").upper(),
        Row,
        {1, 2},
    ],
)
def test_what_was_not_made_harmless_gets_into_no_template(value):
    with pytest.raises(TypeError, match="make it harmless"):
        fragment(rendered, "page.j2", {"value": value})


@pytest.mark.parametrize(
    ("value", "given_"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (inline("x"), "x"),
        (SafeMarkdown("text\n"), "text"),
        ((inline("x"), 1), ["x", 1]),
        ({ours("key"): inline("x")}, {"key": "x"}),
        ([Row(inline("x"))], [{"name": "x", "number": 1}]),
    ],
)
def test_what_is_harmless_gets_into_a_template(value, given_):
    assert fragment(rendered, "page.j2", {"value": value}) == f"page.j2: { ({'value': given_}) }"


def test_a_document_begins_with_its_marker_and_ends_with_one_line_end():
    shown = compose(rendered, "page.j2", {"value": inline("x")}, first="<!-- marker -->", limit=1000, rest=REST)

    assert shown == SafeMarkdown("<!-- marker -->\npage.j2: {'value': 'x'}\n")
    assert compose(rendered, "page.j2", {}, limit=1000, rest=REST) == SafeMarkdown("page.j2: {}\n")


def test_a_document_fits():
    shown = compose(lambda *_, **__: "words\n\n" * 100, "page.j2", {}, first="<!-- marker -->", limit=100, rest=REST)

    assert len(shown.text.encode()) <= 100
    assert shown.text.endswith(f"\n{REST}\n")


def test_harmless_parts_are_joined():
    assert joined([inline("a"), code("b")], ours(", ")) == Safe("a, `b`")
    assert isinstance(joined([], ours(", ")), Safe)
