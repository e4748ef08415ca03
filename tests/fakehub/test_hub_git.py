"""Git over HTTP at the fake server, with the real git as client."""

import subprocess
from base64 import b64encode

import pytest

from repositories import ENVIRON, commit_files, git, write_file


def _run(hub, *arguments, token="", directory=None):
    """One git command with a token in a header, as a workflow has it; no prompt, no settings of anybody."""
    coded = b64encode(f"x-access-token:{token}".encode()).decode()
    header = ("-c", f"http.extraHeader=Authorization: basic {coded}") if token else ()
    environ = ENVIRON | {"GIT_TERMINAL_PROMPT": "0"}
    command = ["git", *header, *arguments]
    return subprocess.run(command, env=environ, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(hub, tmp_path):
    """A clone of octo/widgets, made with a token that may read contents."""
    done = _run(hub, "clone", "--quiet", hub.git_url(), str(tmp_path / "clone"), token=_reader(hub))
    assert done.returncode == 0, done.stderr
    return tmp_path / "clone"


def _reader(hub):
    return hub.issue_token({"contents": "read"})


def _writer(hub):
    return hub.issue_token({"contents": "write"})


def test_a_clone_has_the_files_and_one_commit_is_fetched_by_its_id(hub, clone):
    assert (clone / "README.md").read_text() == "# widgets\n"
    newer = hub.push("mona", "work", {"a": "1"})
    assert (
        _run(hub, "fetch", "--quiet", "--depth=1", hub.git_url(), newer, token=_reader(hub), directory=clone).returncode
        == 0
    )
    assert git(clone, "rev-parse", "FETCH_HEAD") == newer


def test_a_push_moves_the_branch_and_the_pull_request_follows(hub, clone, repo):
    hub.push("mona", "work", {"a": "1"})
    pull = repo.create_pull(base="main", head="work", title="t", body="b", draft=True)
    before = pull.head.sha
    _run(hub, "fetch", "--quiet", "origin", "work:work", token=_reader(hub), directory=clone)
    git(clone, "checkout", "--quiet", "work")
    commit = commit_files(clone, {"b": "2"})
    done = _run(hub, "push", "--quiet", "origin", "work", token=_writer(hub), directory=clone)
    assert done.returncode == 0, done.stderr
    assert repo.get_pull(pull.number).head.sha == commit
    assert hub.main.git.resolve(f"refs/pull/{pull.number}/head") == commit
    last = hub.main.pushes[-1]
    assert (last.by, last.ref, last.before, last.after) == ("github-actions[bot]", "refs/heads/work", before, commit)


def test_a_push_of_megabytes_arrives_whole(hub, clone):
    content = bytes(range(256)) * 20_000
    write_file(clone, "large.bin", content)
    git(clone, "config", "core.compression", "0")
    commit = commit_files(clone, {})
    done = _run(hub, "push", "--quiet", "origin", "HEAD:refs/heads/large", token=_writer(hub), directory=clone)
    assert done.returncode == 0, done.stderr
    _, _, oid = hub.main.git.entries(commit)["large.bin"]
    assert hub.main.git.blob(oid) == content


def test_a_forced_push_needs_the_lease_to_be_true(hub, clone):
    seen = commit_files(clone, {"b": "2"})
    assert _run(hub, "push", "--quiet", "origin", "HEAD:main", token=_writer(hub), directory=clone).returncode == 0
    git(clone, "commit", "--quiet", "--amend", "--message=other history")
    push = ("push", "--quiet", f"--force-with-lease=main:{seen}", "origin", "HEAD:main")
    newer = hub.push("mona", "main", {"a": "1"})
    done = _run(hub, *push, token=_writer(hub), directory=clone)
    assert done.returncode == 1
    assert "stale info" in done.stderr
    assert hub.main.git.resolve("refs/heads/main") == newer
    push = ("push", "--quiet", f"--force-with-lease=main:{newer}", "origin", "HEAD:main")
    assert _run(hub, *push, token=_writer(hub), directory=clone).returncode == 0
    assert hub.main.git.resolve("refs/heads/main") == git(clone, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("permissions", "said"), [({"contents": "read"}, "403"), ({"issues": "write"}, "403"), (None, "401|could not read")]
)
def test_a_push_without_the_right_to_write_is_refused(hub, clone, permissions, said):
    commit_files(clone, {"b": "2"})
    token = "" if permissions is None else hub.issue_token(permissions)
    done = _run(hub, "push", "--quiet", "origin", "HEAD:work", token=token, directory=clone)
    assert done.returncode != 0
    assert any(word in done.stderr for word in said.split("|")), done.stderr
    assert hub.main.git.resolve("refs/heads/work") is None


def test_a_private_repository_is_cloned_only_with_a_token_that_may(hub, tmp_path):
    hub.main.private = True
    revoked = _reader(hub)
    hub.revoke_token(revoked)
    for number, token in enumerate(
        ("", revoked, hub.issue_token({"issues": "read"}), hub.issue_token(None, "stranger"))
    ):
        assert _run(hub, "clone", "--quiet", hub.git_url(), str(tmp_path / str(number)), token=token).returncode != 0
    assert _run(hub, "clone", "--quiet", hub.git_url(), str(tmp_path / "own"), token=_reader(hub)).returncode == 0


def test_workflow_files_are_refused_from_an_app_and_taken_from_a_person(hub, clone):
    commit_files(clone, {".github/workflows/evil.yml": "on: push\n"})
    push = ("push", "--quiet", "origin", "HEAD:refs/heads/work")
    done = _run(hub, *push, token=_writer(hub), directory=clone)
    assert done.returncode != 0
    assert "refusing to allow a GitHub App to create or update workflow `.github/workflows/evil.yml`" in done.stderr
    commit_files(clone, {".github/workflows/evil.yml": None})  # the commit before it still has the change
    assert _run(hub, *push, token=_writer(hub), directory=clone).returncode != 0
    assert _run(hub, *push, token=hub.issue_token(None, "mona"), directory=clone).returncode == 0


def test_workflow_files_that_the_server_has_already_do_not_matter(hub, clone):
    hub.push("mona", "main", {".github/workflows/other.yml": "on: push\n"})
    _run(hub, "pull", "--quiet", "origin", "main", token=_reader(hub), directory=clone)
    commit_files(clone, {"b": "2"})
    push = ("push", "--quiet", "origin", "HEAD:refs/heads/work")
    assert _run(hub, *push, token=_writer(hub), directory=clone).returncode == 0


def test_a_protected_branch_and_the_servers_own_refs_take_no_push(hub, clone):
    hub.protect("main")
    commit_files(clone, {"b": "2"})
    done = _run(hub, "push", "--quiet", "origin", "HEAD:main", token=_writer(hub), directory=clone)
    assert "GH006: Protected branch update failed for refs/heads/main" in done.stderr
    done = _run(hub, "push", "--quiet", "origin", "HEAD:refs/pull/9/head", token=_writer(hub), directory=clone)
    assert done.returncode != 0
    assert hub.main.git.refs("refs/pull/") == {}


def test_git_traffic_is_not_counted_as_api_calls(hub, clone):
    assert hub.calls == []
    assert {call.identity for call in hub.git_calls} == {"github-actions[bot]"}


def test_a_broken_push_is_ordered_like_any_fault(hub, clone):
    commit_files(clone, {"b": "2"})
    hub.fail_next("POST /{owner}/{repo}.git/git-receive-pack", 503)
    push = ("push", "--quiet", "origin", "HEAD:refs/heads/work")
    assert "503" in _run(hub, *push, token=_writer(hub), directory=clone).stderr
    assert _run(hub, *push, token=_writer(hub), directory=clone).returncode == 0
