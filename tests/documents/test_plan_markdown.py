import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import examples
from phasegate.documents.base import MadeBy, Step, digest_of
from phasegate.documents.parsing import DocumentError
from phasegate.documents.paths import check_repo_path
from phasegate.documents.plan import EdgeCase, Estimate, Operation, Plan, PlannedFile, PlanPayload, Task
from phasegate.documents.plan_markdown import MAX_MARKDOWN_BYTES, parse_plan, render_payload, render_plan

TEMPLATE = Path(__file__).parents[2] / "templates" / "install" / "PLAN_TEMPLATE.md"
PLAN = examples.plan()
WHOLE = render_plan(PLAN)

# Words that mean something to Markdown, to the form of a plan, or to whoever splits lines and strips blanks.
WORDS = """
# ## ### #### ####### #hash heading# - -- --- ---- * ** *** _ __ ___ + +1 = == === ~~~ ``` ```` ` `` > >> 1. 1) 10. ::
12345678901. a. [ ] [x] [foo]: /url [foo]: <b> "c" [^1]: [[ ]] ![ ]( ) | |--|--| :--- <!-- --> <!--x--> <? ?> <![CDATA[
]]> <!X <div> </div> <script> <pre> <style> <a <br/> &amp; &#35; &nbsp; \\ \\\\ \\# \\- \\> \\` -> => … → #### ##
None. None none none. T1: T1:title T2: Plan: Plan:Plan: Overview ##Overview Files create modify delete complexity: small
check: test depends on: 3 turns: 0 turns: turns: Tasks { } {"a":1} phasegate:plan %20 $x$ \u200b \u200d \u202e \ufeff
\u00ad \ufffd é e\u0301 日本 👩\u200d💻 a b word Word 7 0 ٣ ² ß
"""
BLANKS = ("", " ", "  ", "    ", "     ", "\u00a0", "\u2003", "\u3000")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def as_line(pieces: list[str], *, limit: int = 1000, without: str = "") -> str:
    """Return the nearest text that may stand in one line of a document."""
    text = CONTROLS.sub("", " ".join(pieces)).replace("\t", "").replace("\n", "")[:limit]
    text = "".join(character for character in text if character not in without).strip()
    return text if any(character.isalnum() for character in text) else f"{text}x"


def as_prose(lines: list[str]) -> str:
    return CONTROLS.sub("", "\n".join(lines)).strip() or "x"


def is_path(text: str) -> bool:
    try:
        return bool(check_repo_path(text))
    except ValueError:
        return False


_PIECE = st.sampled_from((*WORDS.split(), *BLANKS)) | st.text(max_size=4)
_PIECES = st.lists(_PIECE, min_size=1, max_size=5)
_LINE = _PIECES.map(as_line)
_TITLE = _PIECES.map(lambda pieces: as_line(pieces, limit=99))
_PROSE = st.lists(st.lists(_PIECE | st.just("\t"), max_size=4).map("".join), min_size=1, max_size=6).map(as_prose)
_ODD_PATHS = (
    "`",
    "a`",
    "`a",
    " ",
    "a ",
    " a",
    "- x",
    "# x",
    "→",
    "a → b",
    "\u2028",
    "\u200b",
    "x` y `z",
    "a/b",
    "..a/b",
)
_PATH = st.sampled_from(_ODD_PATHS) | st.lists(_PIECE, min_size=1, max_size=3).map("/".join).filter(is_path)
_FILE = st.builds(PlannedFile, path=_PATH, op=st.sampled_from(Operation))
_ID = st.integers(1, 99).map(lambda number: f"T{number}")
_TASK = st.builds(
    Task,
    id=_ID,
    title=_TITLE,
    files=st.lists(_FILE, min_size=1, max_size=3, unique_by=lambda file: file.path).map(tuple),
    description=_PROSE,
    success_criteria=st.lists(_LINE, min_size=1, max_size=3).map(tuple),
    check=st.sampled_from((None, "test", "n", "none-", "non", "t-1", "a" * 32)),
    depends_on=st.lists(_ID, max_size=3).map(tuple),
    complexity=st.sampled_from(("small", "medium", "large")),
)
_LIST = st.lists(_LINE, max_size=3).map(tuple)
_EDGE = st.builds(EdgeCase, case=_PIECES.map(lambda pieces: as_line(pieces, without="→")), handling=_LINE)
_PAYLOAD = st.builds(
    PlanPayload,
    title=_TITLE,
    overview=_PROSE,
    prerequisites=_LIST,
    tasks=st.lists(_TASK, min_size=1, max_size=2).map(tuple),
    edge_cases=st.lists(_EDGE, max_size=3).map(tuple),
    verification=st.lists(_LINE, min_size=1, max_size=3).map(tuple),
    documentation=_LIST,
    questions=_LIST,
    estimate=st.builds(Estimate, turns=st.integers(1, 2000), reason=_LINE),
)
_MADE_BY = st.builds(
    MadeBy,
    step=st.sampled_from(Step),
    model=st.sampled_from((None, "claude-opus-5-5", "vendor/model--x:1@2")),
    version=st.sampled_from(("0.1.0", "1--", "1.0+local")),
)
_PLAN = st.builds(
    Plan,
    run=st.sampled_from(("L1", "42")),
    parents=st.lists(st.sampled_from("abc").map(lambda text: digest_of(text.encode())), max_size=3).map(tuple),
    made_by=_MADE_BY,
    revision=st.integers(1, 2**53 - 1),
    payload=_PAYLOAD,
)
_HARD = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@_HARD
@given(_PLAN)
def test_a_plan_that_goes_out_and_comes_back_is_equal_digest_included(plan):
    parsed = parse_plan(render_plan(plan))
    assert parsed.payload == plan.payload
    assert parsed.plan() == plan
    assert parsed.plan().digest == plan.digest


@pytest.mark.parametrize("text", [*WORDS.split(), "> " * 30 + "x", "- " * 30 + "x", "1. " * 30 + "x"])
def test_each_odd_word_survives_at_the_start_in_the_middle_and_at_the_end(text):
    lines = (
        as_line([text]),
        as_line([text, "x"]),
        as_line(["x", text]),
        as_line(["x", text, "y"]),
        as_line([text] * 3),
    )
    prose = tuple(as_prose(parts) for parts in ([text], [text, "x"], ["x", text], ["x", "", text, "", "y"], [text] * 3))
    task = examples.task(title=lines[0][:99], success_criteria=lines, description=prose[3])
    edges = tuple(EdgeCase(case=line.replace("→", "x"), handling=line) for line in lines)
    for overview in prose:
        plan = examples.plan(
            title=lines[0][:99], overview=overview, tasks=(task, task), edge_cases=edges, questions=lines
        )
        assert parse_plan(render_plan(plan)).plan() == plan


@settings(_HARD, max_examples=30)
@given(_PLAN)
def test_line_ends_of_another_system_and_a_byte_order_mark_change_nothing(plan):
    text = render_plan(plan)
    for other in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), f"\ufeff{text}", f"{text}\n\n"):
        assert parse_plan(other).plan() == plan


@settings(_HARD, max_examples=30)
@given(_PAYLOAD)
def test_a_plan_without_an_envelope_has_its_payload_and_is_no_known_plan(payload):
    parsed = parse_plan(render_payload(payload))
    assert parsed.payload == payload
    assert parsed.envelope is None
    assert parsed.plan() is None


def test_a_plan_as_big_as_it_may_be_goes_out_and_comes_back():
    tasks = tuple(examples.task(f"T{number}", description="\n> # `→`\n".join("äöü") * 20) for number in range(1, 41))
    plan = examples.plan(tasks=tasks, overview="x\n" * 5_000 + "x", envelope={"parents": (digest_of(b""),) * 256})
    assert parse_plan(render_plan(plan)).plan() == plan


def test_a_rendered_plan_reads_like_this():
    assert WHOLE.split("\n", 2)[0].startswith('<!-- phasegate:plan {"digest":"' + PLAN.digest)
    assert WHOLE.split("\n", 2)[0].endswith('"run":"L1"} -->')
    assert WHOLE.split("\n", 2)[2] == (
        "# Plan: Add a --json flag\n\n"
        "## Overview\n\n> The list command learns to print JSON.\n\n"
        "## Prerequisites\n\nNone.\n\n"
        "## Tasks\n\n"
        "### T1: Do T1\n\n- complexity: small\n- check: test\n- depends on: none\n\n"
        "#### Files\n\n- modify `src/app/cli.py`\n\n"
        "#### What to do\n\n> Add the flag.\n>\n> Keep the rest.\n\n"
        "#### Success criteria\n\n- `list --json` prints valid JSON\n\n"
        "### T2: Do T2\n\n- complexity: small\n- check: none\n- depends on: T1\n\n"
        "#### Files\n\n- create `tests/test_json.py`\n\n"
        "#### What to do\n\n> Add the flag.\n>\n> Keep the rest.\n\n"
        "#### Success criteria\n\n- `list --json` prints valid JSON\n\n"
        "## Edge cases\n\n- an empty list → prints []\n\n"
        "## Verification\n\n- Run `list --json | python -m json.tool`.\n\n"
        "## Documentation\n\n- README.md\n\n"
        "## Questions\n\nNone.\n\n"
        "## Estimate\n\n- 20 turns: two small tasks\n"
    )


def edited(old: str, new: str, *, count: int = 1) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, count)


def test_a_changed_criterion_makes_another_plan_with_a_good_payload():
    parsed = parse_plan(edited("- `list --json` prints valid JSON", "- `list --json` prints one array"))
    assert parsed.plan() is None
    assert parsed.envelope.digest == PLAN.digest
    assert parsed.payload.tasks[0].success_criteria == ("`list --json` prints one array",)
    assert parsed.payload.tasks[1:] == PLAN.payload.tasks[1:]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- Run `list --json | python -m json.tool`.", "- Run `list --json |\n  python -m json.tool`."),
        ("- Run `list --json | python -m json.tool`.", "- Run `list --json |\npython -m json.tool`."),
        ("- Run `list", "* Run `list"),
        ("- Run `list", "+   Run `list"),
        ("- Run `list", "1. Run `list"),
        ("- Run `list", "7) Run `list"),
        ("- Run `list", "  - Run `list"),
        ("- Run `list", "<!-- a note -->\n\n- Run `list"),
        ("json.tool`.\n", "json.tool`.\n<!-- a note\nof two lines -->\n"),
        ("## Documentation", "<!-- mind:\n- this\n- and that -->\n\n## Documentation"),
        ("## Documentation", "<!-- mind:\n> this -->\n\n## Documentation"),
        ("> Add the flag.\n>\n> Keep the rest.", ">Add the flag.\n>\n>Keep the rest."),
        ("> Add the flag.\n>\n> Keep the rest.", "> Add the flag.\n\n> Keep the rest."),
        ("## Overview\n\n>", "## Overview\n>"),
        ("## Overview", "##   Overview  "),
        ("## Overview", "Overview\n--------"),
        ("# Plan: Add a --json flag", "# Add a --json flag"),
        ("# Plan: Add a --json flag", "Plan: Add\na --json flag\n====="),
        ("depends on: T1", "depends on:  T1 "),
    ],
)
def test_edits_that_mean_the_same_leave_the_plan_as_it_was(old, new):
    assert parse_plan(edited(old, new)).plan() == PLAN


NONSENSE = {
    "empty": ("", "ends too early: the heading `# …` is missing"),
    "blank": (" \n\t\n", "ends too early: the heading `# …` is missing"),
    "prose": ("Dear all,\n\nthis is fine.", "ends too early"),
    "JSON": ('{"a": 1}', "ends too early"),
    "binary junk": ("\x00\x01\x02\ufffd" * 50, "ends too early"),
    "only the title": ("# Plan: x", "ends too early: the heading `## Overview` is missing"),
    "cut in half": (WHOLE[: WHOLE.index("## Estimate")], "ends too early: the heading `## Estimate` is missing"),
    "an open comment": (
        edited("## Overview", "<!-- ## Overview"),
        "line 5: under `# Plan: Add a --json flag` stands only other headings",
    ),
    "an open fence": (
        edited("## Overview", "```\n## Overview"),
        "line 5: under `# Plan: Add a --json flag` stands only",
    ),
    "no overview": (
        edited("## Overview\n", "\n"),
        "line 7: under `# Plan: Add a --json flag` stands only other headings",
    ),
    "heading misspelt": (
        edited("## Verification", "## Verfication"),
        "`## Verfication` stands where `## Verification`",
    ),
    "heading of another level": (
        edited("## Overview", "### Overview"),
        "line 5: `### Overview` stands where `## Overview`",
    ),
    "headings exchanged": (
        edited("## Documentation", "## Questions"),
        "line 63: `## Questions` stands where `## Documentation` is expected",
    ),
    "a hostile heading": (edited("## Overview", "## \x1b[31m\u202e" + "x" * 200), "line 5: `## �[31m�xxx"),
    "no tasks": (
        re.sub(r"### T1.*(?=## Edge)", "", WHOLE, flags=re.DOTALL),
        "tasks: Tuple should have at least 1 item",
    ),
    "something after the end": (f"{WHOLE}\n## More\n", "goes on after its end, at line 75"),
    "another plan after it": (WHOLE + WHOLE, "goes on after its end, at line 76"),
    "a task without a number": (
        edited("### T1: Do T1", "### Do T1"),
        "“Do T1” (line 15): a task is headed `### T1: title`",
    ),
    "a task without a title": (edited("### T1: Do T1", "### T1:"), "“T1:” (line 15): a task is headed"),
    "a task with a wild number": (edited("### T1: Do T1", "### T100: Do"), "“T100: Do” (line 15)"),
    "facts gone": (edited("- complexity: small\n", ""), "tasks.0.complexity: Input should be 'small'"),
    "an unknown fact": (edited("- complexity: small", "- colour: red"), "“colour: red” (line 15): a task has"),
    "a wild complexity": (
        edited("complexity: small", "complexity: huge"),
        "tasks.0.complexity: Input should be 'small'",
    ),
    "a wild check": (edited("check: test", "check: Test it!"), "tasks.0.check: String should match"),
    "a wild dependency": (
        edited("depends on: T1", "depends on: the first"),
        "tasks.1.depends_on.0: String should match",
    ),
    "no files": (edited("- modify `src/app/cli.py`", "None."), "tasks.0.files: Tuple should have at least 1 item"),
    "a file without a mark": (
        edited("`src/app/cli.py`", "src/app/cli.py"),
        "“modify src/app/cli.py” (line 21): a file is",
    ),
    "a file with a wild verb": (edited("modify `src", "rename `src"), "“rename `src/app/cli.py`” (line 21): a file is"),
    "a file and a remark": (
        edited("cli.py`", "cli.py` (the command)"),
        "“modify `src/app/cli.py` (the command)” (line 21)",
    ),
    "a path that leads out": (
        edited("`src/app/cli.py`", "`../cli.py`"),
        "tasks.0.files.0.path: '../cli.py' is not canon",
    ),
    "a file twice": (
        edited("- modify `src/app/cli.py`", "- modify `a`\n- delete `a`"),
        "tasks.0: T1 names a path twice",
    ),
    "no criteria": (
        edited("- `list --json` prints valid JSON", "None."),
        "tasks.0.success_criteria: Tuple should have",
    ),
    "an empty item": (edited("- `list --json` prints valid JSON", "-"), "tasks.0.success_criteria.0: a line has words"),
    "words beside a quote": (
        edited("> Keep the rest.", "> Keep the rest.\n\nAnd mind the gap."),
        "line 31: under `#### What to do` stands only a quote: start each line with `> `",
    ),
    "a list for a quote": (
        edited("> Add the flag.", "- Add the flag."),
        "line 27: under `#### What to do` stands only a qu",
    ),
    "a quote for a list": (
        edited("- README.md", "> README.md"),
        "line 65: under `## Documentation` stands only a list",
    ),
    "words for a list": (
        edited("- README.md", "README.md"),
        "line 65: under `## Documentation` stands only a list: start",
    ),
    "words before a list": (
        edited("- README.md", "Mind:\n\n- README.md"),
        "line 65: under `## Documentation` stands only",
    ),
    "a fence beside a list": (
        edited("- README.md", "```\nx\n```"),
        "line 65: under `## Documentation` stands only a list",
    ),
    "words after a comment": (
        edited("- README.md", "<!-- x --> README.md"),
        "line 65: under `## Documentation` stands",
    ),
    "words under the title": (
        edited("flag\n\n## Over", "flag\n\nHello.\n\n## Over"),
        "line 5: under `# Plan: Add a --json fl",
    ),
    "words under Tasks": (edited("## Tasks\n", "## Tasks\n\n- do it\n"), "line 15: under `## Tasks` stands only other"),
    "no quote": (
        edited("> The list command learns to print JSON.", ""),
        "overview: String should have at least 1 character",
    ),
    "no arrow": (edited("an empty list → prints []", "an empty list"), "“an empty list” (line 55): an edge case is"),
    "no estimate": (
        edited("- 20 turns: two small tasks", "None."),
        "“” (line 71): an estimate is `- 20 turns: reason`",
    ),
    "an estimate in words": (edited("20 turns:", "Twenty turns:"), "“Twenty turns: two small tasks” (line 71)"),
    "an estimate beyond measure": (
        edited("20 turns:", "999999999 turns:"),
        "estimate.turns: Input should be less than",
    ),
    "an estimate of 5000 digits": (edited("20 turns:", "9" * 5000 + " turns:"), "999…” (line 71): an estimate is"),
    "control characters": (edited("learns to", "\x1b[31mlearns to"), "overview: String should match pattern"),
    "another alphabet": ("\ud800" + WHOLE, "at line 1: it is not UTF-8"),
    "half a letter": (edited("> Keep", "> \udcff Keep"), "at line 29: it is not UTF-8"),
    "a megabyte": ("x" * 1024 * 1024, "has 1048576 bytes, 262144 are allowed"),
    "too much to say": (
        edited("> Keep", "> " + "x" * 40_000 + " Keep"),
        "tasks.0.description: String should have at most",
    ),
    "too much in all": (
        re.sub("> Keep the rest.", "> " + "ä" * 15_000, WHOLE),
        f"bytes, {Plan.max_bytes} are allowed: say less",
    ),
    "an envelope without an end": (WHOLE.replace("} -->", "}", 1), "ends too early"),
    "an envelope that is no JSON": (
        edited('{"digest"', '{digest"'),
        "line 1, where it says what it is: PlanEnvelope: not",
    ),
    "an envelope with a wild revision": (
        edited('"revision":1', '"revision":0'),
        "PlanEnvelope: revision: Input should be",
    ),
    "an envelope with a wild run": (edited('"run":"L1"', '"run":"../x"'), "PlanEnvelope: run: String should match"),
    "an envelope that says more": (edited('"run":"L1"', '"run":"L1","x":1'), "PlanEnvelope: x: Extra inputs"),
    "an envelope with a remark": (edited('"L1"} -->', '"L1"} --> mine'), "line 1, where it says what it is"),
}


@pytest.mark.parametrize(("text", "message"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_gives_one_message_that_names_the_place(text, message):
    with pytest.raises(DocumentError) as raised:
        parse_plan(text)
    assert message in raised.value.what
    assert raised.value.what.startswith("The plan ")
    assert raised.value.what.isprintable()
    assert len(raised.value.what) < 600


def test_the_same_task_twice_is_left_to_the_validation_gate():
    assert [task.id for task in parse_plan(edited("### T2:", "### T1:")).payload.tasks] == ["T1", "T1"]


def test_an_envelope_on_another_plan_is_not_believed():
    other = render_payload(examples.plan_payload(title="Something else"))
    parsed = parse_plan(WHOLE.split("\n", 1)[0] + "\n\n" + other)
    assert parsed.plan() is None
    assert parsed.payload.title == "Something else"


@pytest.mark.parametrize(("old", "new"), [('"revision":1', '"revision":2'), ('"run":"L1"', '"run":"L2"')])
def test_a_changed_envelope_is_not_believed(old, new):
    assert parse_plan(edited(old, new)).plan() is None


def test_a_remark_before_the_title_is_no_part_of_the_plan():
    parsed = parse_plan("Please look at this.\n\n" + render_payload(PLAN.payload))
    assert parsed.payload == PLAN.payload


@_HARD
@given(st.data())
def test_any_damage_gives_a_plan_or_one_refusal(data):
    """Lines are lost, doubled, moved and made nonsense of."""
    lines = WHOLE.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.lists(_LINE | st.sampled_from(lines), max_size=2)
        )
        lines = lines or [""]
    try:
        parsed = parse_plan("\n".join(lines))
    except DocumentError:
        return
    assert parsed.plan() in {None, PLAN}
    assert parse_plan(render_payload(parsed.payload)).payload == parsed.payload


@settings(_HARD, max_examples=100)
@given(st.text(st.sampled_from("#->`*\n\t 1.<!ab[]:="), max_size=80) | st.text())
def test_any_text_is_refused_and_never_a_crash(text):
    with pytest.raises(DocumentError, match="The plan"):
        parse_plan(text)


@pytest.mark.parametrize(
    "pattern", ["[", ">", "> ", "- ", "`", "[a]: <b> 'c'\n", "[a\n", "<a\n", "a\n", "\\[](", "1. "]
)
def test_a_text_made_to_be_slow_is_refused_quickly(pattern):
    text = (pattern * MAX_MARKDOWN_BYTES)[:MAX_MARKDOWN_BYTES]
    started = time.monotonic()
    with pytest.raises(DocumentError, match="ends too early"):
        parse_plan(text)
    assert time.monotonic() - started < 10


def test_the_template_is_a_plan():
    parsed = parse_plan(TEMPLATE.read_text("utf-8"))
    assert parsed.envelope is None
    assert [task.id for task in parsed.payload.tasks] == ["T1", "T2"]
    assert parsed.payload.tasks[1].depends_on == ("T1",)
    assert parsed.payload.prerequisites == ()
    assert parsed.payload.documentation == ()
    assert parse_plan(render_payload(parsed.payload)).payload == parsed.payload


def test_no_words_of_the_template_are_lost_but_its_comments():
    text = re.sub(r"<!--.*?-->", "", TEMPLATE.read_text("utf-8"), flags=re.DOTALL)
    words = re.compile(r"\w+")
    assert words.findall(text) == words.findall(render_payload(parse_plan(text).payload))
