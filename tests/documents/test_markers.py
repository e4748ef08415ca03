import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.documents.markers import (
    NoteMarker,
    NoticeMarker,
    PlanMarker,
    ReplyMarker,
    ReviewMarker,
    StatusMarker,
    marker_of,
)

TIP, BEFORE, PLAN = "a" * 40, "b" * 40, "c" * 64
LONG = "d" * 64
EVERY = (
    PlanMarker("7", 1, PLAN, TIP),
    PlanMarker("9999999999", 9999, PLAN, LONG),
    StatusMarker("7", TIP, BEFORE),
    StatusMarker("7", TIP, None),
    StatusMarker("7", LONG, LONG),
    StatusMarker("7", TIP, BEFORE, work=1),
    StatusMarker("7", TIP, None, work=12345678901234567890),
    NoticeMarker("7"),
    NoticeMarker("7", work=19847561234),
    NoteMarker("findings", "7"),
    NoteMarker("questions", "7"),
    ReviewMarker("7", TIP),
    ReplyMarker("7", 12345678901234567890),
)


@pytest.mark.parametrize("marker", EVERY, ids=str)
@pytest.mark.parametrize("below", ["", "\n", "\nText.\n", "\n\n# Title"])
def test_what_was_written_is_read_back(marker, below):
    assert marker_of(f"{marker}{below}") == marker


@pytest.mark.parametrize("marker", EVERY, ids=str)
def test_a_marker_is_one_line_that_nobody_sees(marker):
    line = str(marker)
    assert line.startswith("<!-- phasegate:")
    assert line.endswith(" -->")
    assert line.isascii()
    assert line.isprintable()
    assert "--" not in line[4:-3]


LINE = str(PlanMarker("7", 1, PLAN, TIP))


@pytest.mark.parametrize(
    "body",
    [
        *("", "Text.", "<!-- phasegate -->", "<!-- other:plan -->", "<!-- phasegate:other run=7 -->"),
        *(f" {LINE}", f"\n{LINE}", f"> {LINE}", f"\ufeff{LINE}", f"Text.\n{LINE}", f"`{LINE}`"),
        *(f"{LINE} ", f"{LINE}x", f"{LINE}\r\nText.", f"{LINE}\x0bText.", f"{LINE}\u2028Text."),
        *(LINE.upper(), LINE.replace("<!-- ", "<!--"), LINE.replace(" -->", "-->"), LINE.replace("plan ", "plan  ")),
        LINE.replace("run=7 ", ""),
        LINE.replace("run=7 ", "run=7 run=8 "),
        LINE.replace("run=7 revision=1", "revision=1 run=7"),
        LINE.replace(" -->", " more=1 -->"),
        LINE.replace("run=7", "run=07"),
        LINE.replace("run=7", "run=L1"),
        LINE.replace("run=7", "run="),
        LINE.replace("run=7", "run=7\n"),
        LINE.replace("run=7", "run=12345678901"),
        LINE.replace("run=7", "run=\u0667"),
        LINE.replace("revision=1", "revision=0"),
        LINE.replace("revision=1", "revision=10000"),
        LINE.replace(PLAN, PLAN[1:]),
        LINE.replace(PLAN, PLAN.upper()),
        LINE.replace(TIP, TIP[1:]),
        LINE.replace(TIP, TIP + "a"),
        LINE.replace(TIP, "none"),
        f"<!-- phasegate:status run=7 tip=none was={TIP} work=none -->",
        f"<!-- phasegate:status run=7 tip={TIP} work=none -->",
        f"<!-- phasegate:status run=7 tip={TIP} was=None work=none -->",
        f"<!-- phasegate:status run=7 tip={TIP} was=none -->",
        *(
            f"<!-- phasegate:status run=7 tip={TIP} was=none work={work} -->"
            for work in ("", "0", "None", "1a", "1" * 21)
        ),
        "<!-- phasegate:notice run=7 -->",
        "<!-- phasegate:notice run=7 work=07 -->",
        "<!-- phasegate:findings run=7 work=none -->",
        "<!-- phasegate:reply run=7 to=0 -->",
        "<!-- phasegate:reply run=7 to=-1 -->",
        "<!-- phasegate:reply run=7 to=123456789012345678901 -->",
        "<!-- phasegate:notice -->",
        "<!-- phasegate:notice run=7 to=1 -->",
    ],
)
def test_what_is_no_marker_at_the_very_beginning_is_none(body):
    assert marker_of(body) is None


@given(st.text())
def test_any_comment_has_a_marker_or_none(body):
    assert marker_of(body) is None


RUNS = st.integers(1, 9_999_999_999).map(str)
SHAS = st.text("0123456789abcdef", min_size=40, max_size=40) | st.text("0123456789abcdef", min_size=64, max_size=64)
WORK = st.none() | st.integers(1, 10**20 - 1)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(
    st.builds(PlanMarker, RUNS, st.integers(1, 9999), DIGESTS, SHAS)
    | st.builds(StatusMarker, RUNS, SHAS, st.none() | SHAS, WORK)
    | st.builds(NoticeMarker, RUNS, WORK)
    | st.builds(NoteMarker, st.sampled_from(("findings", "questions")), RUNS)
    | st.builds(ReviewMarker, RUNS, SHAS)
    | st.builds(ReplyMarker, RUNS, st.integers(1, 10**20 - 1)),
    st.text(),
)
def test_every_marker_survives_whatever_is_below_it(marker, below):
    assert marker_of(f"{marker}\n{below}") == marker
