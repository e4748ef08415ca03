"""A clone for one job: what it fetches, how it pushes, and that the token is nowhere but in git's own request."""

import base64
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from github_desks import Time

from fakehub.hub import FakeHub
from phasegate.doors.git.remote import RemoteGit, repository_url
from phasegate.doors.git.remote_failures import refusal
from phasegate.doors.git.repository import FileChange, Git, Person
from phasegate.doors.github.failures import ForgeError
from phasegate.errors import RefusedError, UserError
from repositories import git as run_git
from repositories import make_repository

BRANCH = "phasegate/issue-1"
WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
RECEIVE = "POST /{owner}/{repo}.git/git-receive-pack"
ADVERTISE = "GET /{owner}/{repo}.git/info/refs"


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub", files={"a.txt": "a\n", ".github/workflows/ci.yml": "on: push\n"}) as hub:
        hub.add_user("alice", "write")
        yield hub


@pytest.fixture
def environ(tmp_path):
    """What the job gives, with a temporary directory of its own."""
    (tmp_path / "tmp").mkdir()
    return {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "tmp"), "GITHUB_TOKEN": "not this one"}


@pytest.fixture
def token(hub):
    return hub.issue_token({"contents": "write"})


@pytest.fixture
def time():
    return Time()


def head(hub: FakeHub, branch: str = "main") -> str | None:
    return hub.main.git.resolve(f"refs/heads/{branch}")


@pytest.fixture
def remote(hub, tmp_path, environ, token, time):
    """A clone at the head of main."""
    url = repository_url(hub.url, hub.main.full_name)
    return RemoteGit.clone(tmp_path / "clone", url, base=head(hub), token=token, environ=environ, sleep=time.sleep)


def commit(remote: RemoteGit, environ, parent: str, path: str = "b.txt", text: bytes = b"b\n") -> str:
    git = Git.open(remote.directory, environ=environ)
    author = Person("phasegate", "phasegate@localhost")
    return git.commit(parent=parent, changes=[FileChange(path, text)], message="m", author=author, when=WHEN)


def test_a_clone_has_the_base_alone_and_no_files(hub, remote, environ):
    git = Git.open(remote.directory, environ=environ)

    assert git.resolve("HEAD") == head(hub)
    assert git.head_branch() is None
    assert git.read(head(hub), "a.txt") == b"a\n"
    assert [path.name for path in remote.directory.iterdir()] == [".git"]


def test_what_came_before_the_base_is_not_fetched(hub, tmp_path, environ, token, time):
    before = head(hub)
    after = hub.push("alice", "main", {"a.txt": "b\n"})
    url = repository_url(hub.url, hub.main.full_name)

    remote = RemoteGit.clone(tmp_path / "c", url, base=after, token=token, environ=environ, sleep=time.sleep)

    git = Git.open(remote.directory, environ=environ)
    assert git.is_shallow()
    with pytest.raises(UserError):
        git.note(before)


def test_a_clone_of_an_older_commit_than_the_branch_is_at_is_possible(hub, tmp_path, environ, token, time):
    before = head(hub)
    hub.push("alice", "main", {"a.txt": "b\n"})
    url = repository_url(hub.url, hub.main.full_name)

    remote = RemoteGit.clone(tmp_path / "c", url, base=before, token=token, environ=environ, sleep=time.sleep)

    assert Git.open(remote.directory, environ=environ).read(before, "a.txt") == b"a\n"


@pytest.mark.parametrize("commits", [1, 70])
def test_a_branch_is_fetched_back_to_its_base(hub, remote, environ, commits):
    base = head(hub)
    chain = [hub.push("alice", BRANCH, {"n.txt": f"{number}\n"}) for number in range(commits)]

    remote.fetch_branch(chain[-1], base=base)

    git = Git.open(remote.directory, environ=environ)
    assert git.note(chain[0]).parents == (base,)
    assert git.read(chain[-1], "n.txt") == f"{commits - 1}\n".encode()


def test_a_tip_that_was_fetched_alone_is_deepened_later(hub, remote, environ):
    first, second = (hub.push("alice", BRANCH, {"n.txt": text}) for text in ("1", "2"))
    remote.fetch(second)
    git = Git.open(remote.directory, environ=environ)
    assert git.note(second).message

    remote.fetch_branch(second, base=head(hub))

    assert git.note(first).parents == (head(hub),)


def test_what_is_there_already_is_neither_fetched_again_nor_cut(hub, remote, environ):
    tip = hub.push("alice", BRANCH, {"n.txt": "1"})
    remote.fetch_branch(tip, base=head(hub))
    calls = len(hub.git_calls)

    remote.fetch(tip, head(hub))
    remote.fetch_branch(tip, base=head(hub))
    remote.fetch_branch(tip, base=tip)

    assert len(hub.git_calls) == calls
    assert Git.open(remote.directory, environ=environ).note(tip).parents == (head(hub),)


def test_a_branch_that_does_not_come_from_the_base_is_refused(hub, remote):
    apart = hub.push("alice", "main", {"a.txt": "b\n"})
    other = hub.push("alice", BRANCH, {"n.txt": "1"})
    tip = hub.push("alice", "elsewhere", {"n.txt": "2"})
    assert apart in hub.main.git.refs().values()

    with pytest.raises(RefusedError, match="does not lead back"):
        remote.fetch_branch(other, base=tip)


def test_a_branch_is_made_moved_and_told(hub, remote, environ):
    assert remote.tip(BRANCH) is None
    first = commit(remote, environ, head(hub))
    remote.push(BRANCH, new=first, old=None)
    assert remote.tip(BRANCH) == first == head(hub, BRANCH)
    second = commit(remote, environ, first, text=b"c\n")
    remote.push(BRANCH, new=second, old=first)
    rewritten = commit(remote, environ, head(hub), text=b"d\n")
    remote.push(BRANCH, new=rewritten, old=second)

    assert head(hub, BRANCH) == rewritten
    assert remote.tip("issue-1") is None


def test_a_branch_that_somebody_moved_is_left_alone(hub, remote, environ):
    base = head(hub)
    first = commit(remote, environ, base)
    remote.push(BRANCH, new=first, old=None)
    theirs = hub.push("alice", BRANCH, {"x": "x"})
    second = commit(remote, environ, first, text=b"c\n")

    for old in (first, None, base):
        with pytest.raises(RefusedError, match=f"has moved: expected {old or 'no branch'}, found {theirs}"):
            remote.push(BRANCH, new=second, old=old)
    assert head(hub, BRANCH) == theirs


def test_a_branch_that_is_gone_has_moved(hub, remote, environ):
    first = commit(remote, environ, head(hub))

    with pytest.raises(RefusedError, match="found none"):
        remote.push(BRANCH, new=first, old=head(hub))


def test_somebody_who_is_faster_by_a_moment_wins(hub, remote, environ):
    """The server compares again when it writes."""
    first = commit(remote, environ, head(hub))
    theirs = []
    hub.before_next(RECEIVE, lambda: theirs.append(hub.push("alice", BRANCH, {"x": "x"})))

    with pytest.raises(RefusedError, match="has moved"):
        remote.push(BRANCH, new=first, old=None)
    assert [head(hub, BRANCH)] == theirs


@pytest.mark.parametrize("done", [True, False])
def test_a_push_whose_connection_breaks_is_done_once(hub, remote, environ, time, done):
    first = commit(remote, environ, head(hub))
    hub.fail_next(RECEIVE, 502, after=done)

    remote.push(BRANCH, new=first, old=None)

    assert head(hub, BRANCH) == first
    assert time.naps == [2]


def test_a_push_that_was_done_is_found_when_the_server_answers_again(hub, remote, environ):
    first = commit(remote, environ, head(hub))
    hub.fail_next(RECEIVE, 502, after=True)
    hub.before_next(RECEIVE, lambda: hub.fail_next(ADVERTISE, 503, times=2))

    remote.push(BRANCH, new=first, old=None)

    assert head(hub, BRANCH) == first


def test_a_fetch_that_the_server_fails_is_tried_again_and_then_told(hub, remote, time):
    tip = hub.push("alice", BRANCH, {"n.txt": "1"})
    hub.fail_next("*", 503, times=2)
    remote.fetch(tip)
    assert time.naps == [2, 8]
    hub.fail_next("*", 503, times=3)

    with pytest.raises(ForgeError, match="error: 503"):
        remote.tip(BRANCH)


def test_commits_that_change_workflows_are_refused_with_what_to_do(hub, remote, environ):
    new = commit(remote, environ, head(hub), path=".github/workflows/evil.yml")

    with pytest.raises(ForgeError, match=r"refusing to allow.*evil\.yml") as caught:
        remote.push(BRANCH, new=new, old=None)
    assert "by hand" in caught.value.mend
    assert head(hub, BRANCH) is None


def test_a_protected_branch_is_refused_with_what_to_do(hub, remote, environ):
    hub.main.protected.add("main")
    new = commit(remote, environ, head(hub))

    with pytest.raises(ForgeError, match="GH006") as caught:
        remote.push("main", new=new, old=head(hub))
    assert "Settings → Rules" in caught.value.mend


def test_a_token_that_may_only_read_is_told_what_it_needs(hub, tmp_path, environ, time):
    token = hub.issue_token({"contents": "read"})
    url = repository_url(hub.url, hub.main.full_name)
    remote = RemoteGit.clone(tmp_path / "c", url, base=head(hub), token=token, environ=environ, sleep=time.sleep)
    new = commit(remote, environ, head(hub))

    with pytest.raises(ForgeError, match="contents: write"):
        remote.push(BRANCH, new=new, old=None)


def test_a_wrong_token_and_a_wrong_repository_are_told(hub, tmp_path, environ, time):
    for token, name in (("ghs_wrong", "octo/widgets"), (hub.issue_token({"contents": "read"}), "octo/nothing")):
        with pytest.raises(ForgeError, match="Could not fetch") as caught:
            RemoteGit.clone(
                tmp_path / name,
                repository_url(hub.url, name),
                base="1" * 40,
                token=token,
                environ=environ,
                sleep=time.sleep,
            )
        assert token not in str(caught.value)


def test_a_commit_that_the_server_does_not_have_is_told(remote):
    with pytest.raises(ForgeError, match="does not have the commit any more"):
        remote.fetch("1" * 40)


def test_without_a_token_no_login_is_sent(hub, tmp_path, environ, time):
    watched = {**environ, "PATH": watching_git(tmp_path / "bin")}
    url = repository_url(hub.url, hub.main.full_name)

    remote = RemoteGit.clone(tmp_path / "c", url, base=head(hub), token="", environ=watched, sleep=time.sleep)

    assert Git.open(remote.directory, environ=environ).resolve("HEAD") == head(hub)
    assert "extraHeader" not in (tmp_path / "bin" / "settings").read_text()


def test_the_token_is_left_nowhere(hub, remote, environ, token, tmp_path):
    new = commit(remote, environ, head(hub))
    remote.push(BRANCH, new=new, old=None)
    secret = base64.b64encode(f"x-access-token:{token}".encode())

    assert not list(Path(environ["TMPDIR"]).iterdir())
    for path in (path for path in remote.directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert token.encode() not in content
        assert secret not in content
    assert "remote" not in (remote.directory / ".git" / "config").read_text()
    assert token not in repr(remote)


def watching_git(directory: Path) -> str:
    """A PATH whose git writes down its arguments, its environment and what it finds for a configuration."""
    directory.mkdir()
    script = f"""#!/bin/sh
{{ echo "$@"; env; ls -ld "$HOME" "$GIT_CONFIG_GLOBAL"; }} >>{directory}/seen
cp "$GIT_CONFIG_GLOBAL" {directory}/settings 2>/dev/null
exec {shutil.which("git")} "$@"
"""
    (directory / "git").write_text(script)
    (directory / "git").chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


def test_the_token_is_in_no_argument_and_no_variable_but_in_a_file_for_us_alone(hub, tmp_path, environ, token, time):
    watched = {**environ, "PATH": watching_git(tmp_path / "bin"), "https_proxy": "http://proxy.example"}
    url = repository_url(hub.url, hub.main.full_name)

    remote = RemoteGit.clone(tmp_path / "c", url, base=head(hub), token=token, environ=watched, sleep=time.sleep)
    assert remote.tip(BRANCH) is None

    seen, settings = ((tmp_path / "bin" / name).read_text() for name in ("seen", "settings"))
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    assert token not in seen
    assert secret not in seen
    assert "not this one" not in seen
    assert "https_proxy=http://proxy.example" in seen
    assert secret in settings
    assert re.search(r"^drwx------.*phasegate-git-", seen, re.MULTILINE)
    assert re.search(r"^-rw-------.*\.gitconfig", seen, re.MULTILINE)


def test_only_the_commands_that_speak_with_the_server_may_use_a_protocol(hub, tmp_path, environ, token, time):
    watched = {**environ, "PATH": watching_git(tmp_path / "bin")}
    url = repository_url(hub.url, hub.main.full_name)

    RemoteGit.clone(tmp_path / "c", url, base=head(hub), token=token, environ=watched, sleep=time.sleep)

    allowed = re.findall(r"^GIT_ALLOW_PROTOCOL=(.*)$", (tmp_path / "bin" / "seen").read_text(), re.MULTILINE)
    assert allowed.count("http") == 1
    assert set(allowed) == {"http", "none"}


@pytest.mark.parametrize(
    "url",
    [
        "http://github.example/a/b.git",
        "ssh://git@github.com/a/b.git",
        "git@github.com:a/b.git",
        "https://user:pass@github.com/a/b.git",
        "file:///tmp/x",
        "/tmp/x",
        "ext::sh -c id",
        "--upload-pack=x",
        'https://github.com/a"/b.git',
        "https://github.com/a\n/b.git",
    ],
)
def test_a_token_goes_nowhere_but_to_a_server_over_https(tmp_path, environ, url):
    with pytest.raises(UserError, match="no address for a token"):
        RemoteGit.clone(tmp_path / "c", url, base="1" * 40, token="t", environ=environ, sleep=float)


def test_a_redirect_is_not_followed(hub, tmp_path, environ, token, time):
    hub.fail_next("*", 301, headers={"Location": f"{hub.url}/octo/widgets.git/info/refs?service=git-upload-pack"})

    with pytest.raises(ForgeError, match="Could not fetch"):
        RemoteGit.clone(
            tmp_path / "c",
            repository_url(hub.url, hub.main.full_name),
            base=head(hub),
            token=token,
            environ=environ,
            sleep=time.sleep,
        )


def test_a_directory_that_is_in_use_is_refused(hub, tmp_path, environ, token, time):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    url = repository_url(hub.url, hub.main.full_name)

    for name, why in (("full", "not empty"), ("file", "File exists"), ("file/x", "Not a directory")):
        with pytest.raises(UserError, match=why):
            RemoteGit.clone(tmp_path / name, url, base=head(hub), token=token, environ=environ, sleep=time.sleep)


def test_a_temporary_directory_that_is_not_there_is_told(hub, tmp_path, environ, token, time):
    url, broken = repository_url(hub.url, hub.main.full_name), {**environ, "TMPDIR": str(tmp_path / "gone")}

    with pytest.raises(UserError, match="temporary directory cannot be used"):
        RemoteGit.clone(tmp_path / "c", url, base=head(hub), token=token, environ=broken, sleep=time.sleep)


def test_a_dangerous_object_is_not_let_in(hub, tmp_path, environ, token, time):
    """A tree with a `.git` in it, which no program of git's would make."""
    work = make_repository(tmp_path / "work", {"x": "x"})
    blob = run_git(work, "rev-parse", "HEAD:x")
    inner = run_git(work, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    entry = b"40000 .git\0" + bytes.fromhex(inner)
    tree = run_git(work, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry)
    bad = run_git(work, "commit-tree", tree, "-m", "bad")
    run_git(work, "push", "--quiet", str(hub.main.git.path), f"{bad}:refs/heads/bad")
    url = repository_url(hub.url, hub.main.full_name)

    with pytest.raises(ForgeError, match=r"damaged or dangerous.*hasDotgit"):
        RemoteGit.clone(tmp_path / "c", url, base=bad, token=token, environ=environ, sleep=time.sleep)


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        (
            "remote: error: GH013: Repository rule violations found\nremote: - Push cannot contain secrets\n",
            "protection",
        ),
        (
            "remote: error: GH013: Repository rule violations found for refs/heads/phasegate/issue-1.\n",
            "Settings → Rules",
        ),
        ("remote: This repository was archived so it is read-only.\nfatal: unable: error: 403\n", "Unarchive"),
        ("remote: error: GH001: Large files detected.\n", "Keep it out"),
        ("remote: Permission to a/b.git denied to github-actions[bot].\nfatal: error: 403\n", "contents: write"),
        ("fatal: unable to access: SSL certificate problem: self-signed certificate\n", "certificate store"),
        ("fatal: something new\n", "Look at what git says"),
    ],
)
def test_what_servers_say_becomes_what_to_do(said, mend):
    assert mend in refusal("push x", said).mend


def test_what_servers_say_cannot_steer_a_terminal():
    error = refusal("push x", "fatal: \x1b[31mred\n" * 99 + "noise\n")

    assert "red" in str(error)
    assert "\x1b" not in str(error)
    assert "noise" not in str(error)
