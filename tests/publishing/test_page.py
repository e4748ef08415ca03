import pytest

from phasegate.publishing.page import Page
from phasegate.publishing.safe_markdown import Safe

PAGE = Page("https://github.com", "octo_corp/app.js", "https://github.com/octo_corp/app.js/actions/runs/5")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PAGE.run, "https://github.com/octo_corp/app.js/actions/runs/5"),
        (PAGE.commit("a" * 40), f"https://github.com/octo_corp/app.js/commit/{'a' * 40}"),
        (PAGE.tree("phasegate/issue-7"), "https://github.com/octo_corp/app.js/tree/phasegate/issue-7"),
        (
            PAGE.file("main", ".claude/plans/a b.md"),
            "https://github.com/octo_corp/app.js/blob/main/.claude/plans/a%20b.md",
        ),
        (
            PAGE.tree("x](y) <b> `ü\udcff"),
            "https://github.com/octo_corp/app.js/tree/x%5D%28y%29%20%3Cb%3E%20%60%C3%BC%3F",
        ),
        (Page("http://127.0.0.1:8080", "o/r", "").run, None),
        (Page("https://ghe.example/sub", "o/r", "").tree("b"), "https://ghe.example/sub/o/r/tree/b"),
    ],
)
def test_addresses(address, expected):
    assert address == expected
    assert address is None or isinstance(address, Safe)


@pytest.mark.parametrize(
    "parts",
    [
        ("javascript:alert(1)", "o/r", ""),
        ("https://user@github.com", "o/r", ""),
        ("https://github.com/)x", "o/r", ""),
        ("https://github.com\n", "o/r", ""),
        ("", "o/r", ""),
        ("https://github.com", "o", ""),
        ("https://github.com", "o/r/s", ""),
        ("https://github.com", "o/r)", ""),
        ("https://github.com", "o/r", "data:text/html,x"),
        ("https://github.com", "o/r", "https://github.com/x?y=(z)"),
    ],
)
def test_what_is_no_plain_address_is_refused(parts):
    with pytest.raises(ValueError, match=r"plain web address|owner/name"):
        Page(*parts)
