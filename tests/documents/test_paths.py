import posixpath
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegate.documents.paths import MAX_PATH_BYTES, check_repo_path, folded, is_git_name, plain_path

HOSTILE = {
    "empty": "",
    "absolute": "/etc/passwd",
    "two slashes": "//host/share",
    "home": "~/.ssh/id_rsa",
    "another's home": "~root/x",
    "above": "..",
    "above and in": "../x",
    "above in the middle": "a/../b",
    "above at the end": "a/..",
    "here": ".",
    "here first": "./a",
    "here in the middle": "a/./b",
    "empty part": "a//b",
    "slash at the end": "a/",
    "backslash": "a\\b",
    "windows": "C:\\x",
    "NUL": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[31mb",
    "delete": "a\x7f",
    "C1 control": "a\x85b",
    "lone surrogate": "a\ud800b",
    "too long": "a" * (MAX_PATH_BYTES + 1),
    "too long in bytes": "ä" * (MAX_PATH_BYTES // 2 + 1),
    "git's data": ".git",
    "inside git's data": ".git/config",
    "a submodule's git data": "sub/.git/hooks/pre-commit",
    "capitals": ".GIT/config",
    "mixed": "a/.GiT",
    "short name of NTFS": "git~1/config",
    "short name in capitals": "GIT~1",
    "dot at the end": ".git./config",
    "blanks at the end": ".git  /x",
    "stream of NTFS": ".git::$INDEX_ALLOCATION/x",
    "stream after a blank": ".git :x",
    "stream named with a wide slash": ".git:\uff0fx",
    "ignored by HFS+": ".g\u200cit/config",
    "ignored at the end": ".git\ufeff",
    "direction mark": ".\u202egit",
    "full width": "\uff0e\uff47\uff49\uff54/config",
    "one letter of full width": ".g\uff49t",
}

PLAIN = (
    "a",
    "src/app/cli.py",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".gitattributes",
    "git",
    "git~2",
    "..a",
    "a..b",
    "...",
    "a b.txt",
    " a ",
    "-rf",
    "a~",
    "ä/日本.py",
    "a`b",
    "x:y",
    "e\u0301",
    "a" * MAX_PATH_BYTES,
)


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_paths_are_refused(path):
    with pytest.raises(ValueError, match=r"path|canonical|git's own data|control characters"):
        check_repo_path(path)


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_refusal_shows_nothing_that_could_steer_a_terminal(path):
    with pytest.raises(ValueError, match=r".") as raised:
        check_repo_path(path)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("path", PLAIN)
def test_plain_paths_are_returned_unchanged(path):
    assert check_repo_path(path) == path


_HARD = st.text(st.sampled_from("./\\~: \0\n\u200c\ufeff\ud800abgitGIT1\uff0e\uff47"), max_size=12) | st.text(
    max_size=20
)


@settings(deadline=None)
@given(_HARD)
def test_whatever_is_accepted_is_normal_and_stays_inside(path):
    try:
        accepted = check_repo_path(path)
    except ValueError:
        return
    assert accepted == path
    assert posixpath.normpath(path) == path
    assert posixpath.join("/root", path).startswith("/root/")
    assert not any(is_git_name(part) for part in path.split("/"))
    path.encode()


@settings(deadline=None)
@given(_HARD)
def test_spellings_of_git_are_found_whatever_is_mixed_in(noise):
    ignored = "".join(character for character in noise if character in "\u200c\ufeff")
    stream = noise.replace("/", "")
    for name in (f".g{ignored}it", f".git{ignored}", f"{ignored}.GIT. ", f".Git:{stream}"):
        assert is_git_name(name)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("A/B.txt", "a/b.txt"),
        ("CODEOWNERS.", "codeowners"),
        ("CODEOWNERS . .", "codeowners"),
        ("dir./x", "dir/x"),
        ("x:stream/y", "x/y"),
        ("\uff21\uff27\uff25\uff2e\uff34\uff33.md", "agents.md"),
        ("a\u200db", "ab"),
    ],
)
def test_the_most_forgiving_reading_of_a_path(path, plain):
    assert plain_path(path) == plain


@settings(deadline=None)
@given(st.text())
def test_folding_brings_spellings_together(text):
    assert folded(text) == folded(unicodedata.normalize("NFKC", text))
