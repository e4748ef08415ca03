"""`phasegate init` in real repositories: what it writes, what it leaves alone, and what it says is left to do."""

import os
from unittest.mock import patch

import pytest

from fakehub import FakeHub
from phasegate import __version__
from phasegate.cli import access
from phasegate.cli.shipping import shipped_files
from phasegate.documents.plan_markdown import parse_plan
from phasegate.policy.config import Config
from phasegate.policy.config_file import parse_config
from phasegate.policy.installation import CARE, WORKFLOW_PATH, Shipped, stamped
from phasegate.policy.labels import DESCRIPTIONS
from repositories import commit_files, git, make_repository, user_state, write_file
from stage import run_here

CONFIG, PRIMER, TEMPLATE = ".github/phasegate.yml", ".claude/PRIMER.md", ".claude/PLAN_TEMPLATE.md"


@pytest.fixture
def repository(tmp_path):
    made = make_repository(tmp_path / "repository", {"README.md": "x\n", "sub/file.txt": "y\n"})
    git(made, "remote", "add", "origin", "git@github.com:octo/hello.git")
    return made


def environ(**more):
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COLUMNS": "200", "GIT_CONFIG_NOSYSTEM": "1", **more}


def init(repository, *words, **more):
    return run_here(["init", "--repo", str(repository), *words], environ(**more))


def text(repository, path):
    return (repository / path).read_text("utf-8")


def outcomes(outcome):
    """What was said of each file."""
    lines = [line for line in outcome.out.splitlines() if "  ." in line]
    return {line.split("  ")[-1].strip().split(" (")[0]: line.split("  ")[0] for line in lines}


def earlier(repository, old, new, *, path=WORKFLOW_PATH, version="0.1.0"):
    """Put a file there as an earlier version wrote it, with `old` where there is `new` now."""
    [shipped] = (one for one in shipped_files(server=False) if one.path == path)
    assert new in shipped.body
    was = Shipped(path, shipped.body.replace(new, old), shipped.care)
    commit_files(repository, {path: stamped(was, version)})


def test_it_writes_four_files_and_says_what_is_left(repository):
    outcome = init(repository)

    assert outcome.code == 0, outcome.err
    assert outcomes(outcome) == dict.fromkeys(CARE, "created")
    new = git(repository, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert {line.removeprefix("?? ") for line in new} == set(CARE)
    for words in (
        "gh secret set ANTHROPIC_API_KEY",
        "https://github.com/octo/hello/settings/secrets/actions/new",
        "Allow GitHub Actions to create and approve pull requests",
        "gh api -X PUT repos/octo/hello/actions/permissions/workflow",
        "phasegate init --labels",
        "phasegate doctor",
    ):
        assert words in outcome.out


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "There is no remote `origin`."),
        ("https://gitlab.com/octo/hello", "is at gitlab.com, which is not GitHub."),
        ("/srv/hello.git", "is no address of GitHub."),
    ],
)
def test_without_a_remote_at_github_it_writes_and_warns(repository, address, words):
    git(repository, "remote", "remove", "origin")
    if address:
        git(repository, "remote", "add", "origin", address)
    outcome = init(repository)

    assert outcome.code == 0
    assert "\nNote: " in outcome.out
    assert words in outcome.out
    assert f"git remote {'set-url' if address else 'add'} origin https://github.com/OWNER/NAME" in outcome.out


def test_with_a_remote_at_github_it_does_not_warn(repository):
    assert "Note: " not in init(repository).out


def test_what_is_no_directory_and_what_has_no_commit_are_told(tmp_path):
    git(tmp_path, "init", "--quiet", "new")

    assert f"{tmp_path / 'nope'} is no directory." in init(tmp_path / "nope").err
    assert "Make a first commit" in init(tmp_path / "new").err


def test_the_workflow_is_the_shipped_one_with_a_line_that_says_so(repository):
    init(repository)
    [shipped] = (one for one in shipped_files(server=False) if one.path == WORKFLOW_PATH)
    first, rest = text(repository, WORKFLOW_PATH).split("\n", 1)

    assert first.startswith(f"# phasegate {__version__} sha256:")
    assert rest == shipped.body


def test_the_configuration_has_the_defaults_and_its_examples_are_valid(repository):
    init(repository)
    lines = text(repository, CONFIG).splitlines()
    without_marks = [
        line[1:] if (line.startswith("#") and line[1:2] not in {" ", ""}) or line.startswith("#  ") else line
        for line in lines
    ]

    assert parse_config("\n".join(lines)) == Config()
    full = parse_config("\n".join(without_marks))
    assert list(full.gates) == ["test", "lint"]
    assert full.provider.name == "bedrock"
    assert full.approval.by == ("octocat", "@my-org/maintainers")
    assert full.protected.also == ("/migrations/",)


def test_every_line_of_the_configuration_is_explained(repository):
    init(repository)
    explained = False
    for line in text(repository, CONFIG).splitlines():
        is_key = ": " in line and not line.startswith("# ")
        assert not is_key or "#" in line[1:] or explained, line
        explained = line.startswith("# ") or (explained and line.strip() != "")


def test_the_template_of_a_plan_can_be_adopted_with_the_line_in_it(repository):
    init(repository)

    assert parse_plan(text(repository, TEMPLATE)).payload.tasks


def test_again_it_changes_nothing(repository):
    init(repository)
    before = user_state(repository)
    outcome = init(repository)

    assert user_state(repository) == before
    assert set(outcomes(outcome).values()) == {"up to date", "kept"}


def test_it_works_from_a_directory_below(repository):
    assert init(repository / "sub").code == 0
    assert (repository / WORKFLOW_PATH).is_file()
    assert not (repository / "sub/.github").exists()


def test_a_difference_is_shown_and_nothing_is_written(repository):
    before = user_state(repository)
    outcome = init(repository, "--diff")

    assert outcome.code == 0
    assert user_state(repository) == before
    assert all(f"+++ b/{path}" in outcome.out for path in CARE)
    init(repository)
    assert init(repository, "--diff").out == "Nothing would change.\n"


def test_a_difference_creates_no_labels(repository):
    assert init(repository, "--diff", "--labels").code == 0


def test_an_older_workflow_that_nobody_touched_is_replaced(repository):
    earlier(repository, "# An older line.", "# Whether this event concerns phasegate")

    assert outcomes(init(repository))[WORKFLOW_PATH] == "updated"
    assert "An older line" not in text(repository, WORKFLOW_PATH)


def test_edits_are_kept_when_the_workflow_is_updated(repository):
    earlier(repository, "# An older line.", "# Whether this event concerns phasegate")
    write_file(
        repository, WORKFLOW_PATH, text(repository, WORKFLOW_PATH).replace("timeout-minutes: 20", "timeout-minutes: 25")
    )

    outcome = init(repository)

    assert outcomes(outcome)[WORKFLOW_PATH] == "merged"
    merged = text(repository, WORKFLOW_PATH)
    assert "timeout-minutes: 25" in merged
    assert "An older line" not in merged
    assert merged.startswith(f"# phasegate {__version__} ")
    assert outcomes(init(repository))[WORKFLOW_PATH] == "kept"  # edited, but nothing of ours is newer


def test_edits_that_contradict_leave_the_file_alone_and_put_the_new_one_beside(repository):
    earlier(repository, "# An older line.", "# Whether this event concerns phasegate")
    mine = text(repository, WORKFLOW_PATH).replace("# An older line.", "# My own line.")
    write_file(repository, WORKFLOW_PATH, mine)

    outcome = init(repository)

    assert outcomes(outcome)[f"{WORKFLOW_PATH}.new"] == "written beside"
    assert text(repository, WORKFLOW_PATH) == mine
    assert "-  # My own line." in outcome.out
    assert "# Whether this event concerns phasegate" in text(repository, f"{WORKFLOW_PATH}.new")


def test_an_edited_workflow_that_was_never_committed_as_written_is_put_beside(repository):
    earlier(repository, "# An older line.", "# Whether this event concerns phasegate")
    edited = text(repository, WORKFLOW_PATH).replace("timeout-minutes: 20", "timeout-minutes: 25")
    git(repository, "reset", "--quiet", "--hard", "HEAD^")
    write_file(repository, WORKFLOW_PATH, edited)

    assert outcomes(init(repository))[f"{WORKFLOW_PATH}.new"] == "written beside"
    assert text(repository, WORKFLOW_PATH) == edited


def test_force_replaces_what_was_edited_but_not_the_primer(repository):
    init(repository)
    for path in CARE:
        write_file(repository, path, "# mine\n")
    outcome = init(repository, "--force")

    assert outcomes(outcome) == {path: "kept" if path == PRIMER else "updated" for path in CARE}
    assert text(repository, PRIMER) == "# mine\n"


def test_what_the_user_has_is_kept(repository):
    for path in (CONFIG, PRIMER, TEMPLATE):
        write_file(repository, path, "# mine\n")
    outcome = init(repository)

    assert outcomes(outcome) == {WORKFLOW_PATH: "created", CONFIG: "kept", PRIMER: "kept", TEMPLATE: "kept"}


@pytest.mark.parametrize("link", [".github", ".github/workflows", WORKFLOW_PATH, ".claude", PRIMER])
def test_nothing_is_written_through_a_symbolic_link(repository, tmp_path, link):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = repository / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere)
    outcome = init(repository)

    assert outcome.code == 3
    assert "is a symbolic link" in outcome.err
    assert list(elsewhere.iterdir()) == []
    assert git(repository, "status", "--porcelain", "--untracked-files=all") in {f"?? {link}", ""}


def test_a_directory_in_the_place_of_a_file_is_refused(repository):
    (repository / CONFIG).mkdir(parents=True)

    assert "is no plain file" in init(repository).err


def test_a_file_that_is_no_text_is_told(repository):
    write_file(repository, CONFIG, b"\xff\xfe")

    outcome = init(repository)
    assert outcome.code == 2
    assert "is no UTF-8 text" in outcome.err
    assert not (repository / WORKFLOW_PATH).exists()


def test_outside_of_a_repository_it_says_so(tmp_path):
    outcome = init(tmp_path)

    assert outcome.code == 2
    assert "is not inside a git repository" in outcome.err


@pytest.mark.parametrize("remote", [None, "git@gitlab.com:o/r.git"])
def test_without_github_the_files_are_written_and_the_labels_refused(repository, remote):
    git(repository, "remote", "remove", "origin")
    if remote:
        git(repository, "remote", "add", "origin", remote)

    assert init(repository).code == 0
    outcome = init(repository, "--labels")
    assert outcome.code == 2
    assert "No label was created" in outcome.err


def test_on_a_server_of_its_own_the_workflow_names_the_action_for_servers(repository):
    git(repository, "remote", "set-url", "origin", "https://git.acme.example/octo/hello.git")
    outcome = init(repository)

    assert "phasegate/phasegate/ghes@" in text(repository, WORKFLOW_PATH)
    assert "https://git.acme.example/octo/hello/settings/actions" in outcome.out


@pytest.mark.parametrize(
    ("remote", "names"),
    [("git@github.com:o/r", "GH_TOKEN, GITHUB_TOKEN"), ("https://git.acme.example/o/r", "GH_ENTERPRISE_TOKEN")],
)
def test_labels_need_a_token_that_is_meant_for_that_host(repository, remote, names):
    git(repository, "remote", "set-url", "origin", remote)
    more = {"GH_TOKEN": "secret", "GITHUB_TOKEN": "secret"} if "acme" in remote else {}
    outcome = init(repository, "--labels", **more)

    assert outcome.code == 2
    assert "there is no token for" in outcome.err
    assert names in outcome.err
    assert "secret" not in outcome.err + outcome.out.replace("gh secret set", "").replace("as a secret", "")


def test_labels_are_created_once(repository, tmp_path):
    with FakeHub(tmp_path / "hub") as hub, patch.object(access.time, "sleep", lambda _: None):
        git(repository, "remote", "set-url", "origin", f"{hub.url}/octo/widgets.git")
        more = {"GITHUB_SERVER_URL": hub.url, "GITHUB_API_URL": hub.api_url}
        more["GITHUB_TOKEN"] = hub.issue_token(None, login="octo")
        first, second = (init(repository, "--labels", **more) for _ in range(2))

        assert (first.code, second.code) == (0, 0), first.err + second.err
        assert {label.name for label in hub.main.labels.values()} >= set(DESCRIPTIONS)
        assert first.out.count("created         label") == len(DESCRIPTIONS)
        assert second.out.count("there already") == len(DESCRIPTIONS)
        assert more["GITHUB_TOKEN"] not in first.out + first.err
