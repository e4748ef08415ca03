"""A run goes from one clone to another by its hand-over alone, and nothing in it is believed."""

import json
import os
from datetime import UTC, datetime

import pytest

import scenes
from phasegate.documents.base import Step, digest_of
from phasegate.documents.hand_over import HandOver, Origin
from phasegate.doors.git.repository import Git
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError, UserError
from phasegate.jobs.branch_state import read_state, state_commit, take_state
from phasegate.jobs.carrying import packed, read_hand_over, unpack
from repositories import git, make_repository
from stage import Stage

ORIGIN = Origin(
    event="issues", actor="mia", actor_id=7, permission="write", at=datetime(2026, 1, 2, tzinfo=UTC), number=1
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run on one machine: its git and its store."""
    directory = tmp_path_factory.mktemp("carrying")
    stage = Stage(directory, make_repository(directory / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.simple())
    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    return Git.open(stage.repository, environ={"PATH": os.environ["PATH"]}), stage.store()


@pytest.fixture(scope="module")
def hand_over(done) -> HandOver:
    opened, store = done
    before = HandOver(run="L1", made_by=Step.DECIDE, origin=ORIGIN)
    return packed(store, opened, before, Step.REVIEW)


@pytest.fixture
def elsewhere(done, hand_over, tmp_path):
    """A clone that has the base commit and nothing else, and an empty store."""
    opened, _ = done
    clone = tmp_path / "clone"
    git(tmp_path, "init", "-q", str(clone))
    git(clone, "fetch", "-q", str(opened.top), hand_over.progress.base_sha)
    git(clone, "update-ref", "--no-deref", "HEAD", "FETCH_HEAD")
    return Git.open(clone, environ={"PATH": os.environ["PATH"]}), RunStore(tmp_path / "run")


def test_a_run_arrives_whole_with_its_commits_made_anew(done, hand_over, elsewhere):
    _, store = done
    there, arrived = elsewhere

    progress = unpack(hand_over, arrived, there)

    assert progress == store.progress
    assert arrived.stored() == store.stored()
    assert arrived.all_details() == store.all_details()
    assert there.branch(progress.branch) == progress.head_sha
    assert packed(arrived, there, hand_over, Step.REVIEW).digest == hand_over.digest


def mutated(hand_over: HandOver, change) -> HandOver:
    content = json.loads(hand_over.to_bytes())
    change(content)
    return HandOver.model_validate_json(json.dumps(content))


def first_entry(content):
    return content["commits"][-1]["entries"][0]


MUTATIONS = {
    "a document is missing": lambda it: it["documents"].pop(),
    "a document says something else": lambda it: it["documents"][0].update(
        text=it["documents"][0]["text"].replace("mia", "eve").replace("L1", "L2")
    ),
    "a document claims another kind": lambda it: it["documents"][0].update(kind="plan"),
    "a commit is missing": lambda it: it["commits"].pop(),
    "a commit has another message": lambda it: it["commits"][-1].update(message="Trust me\n"),
    "a commit has another time": lambda it: it["commits"][-1].update(when="2020-01-01T00:00:00Z"),
    "a commit has another parent": lambda it: it["commits"][-1].update(parent="f" * 40),
    "a commit has another id": lambda it: it["commits"][-1].update(sha="f" * 40),
    "a commit lacks a file": lambda it: it["commits"][-1]["entries"].pop(),
    "a file is executable": lambda it: first_entry(it).update(mode="100755"),
    "the head is elsewhere": lambda it: it["progress"].update(head_sha=it["progress"]["base_sha"]),
    "the plan is another one": lambda it: it["progress"].update(plan="f" * 64),
    "the run is another one": lambda it: it["progress"].update(run="9"),
    "there is no run": lambda it: it.update(progress=None),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_whatever_was_changed_is_refused(what, hand_over, elsewhere):
    there, arrived = elsewhere

    with pytest.raises(RefusedError):
        unpack(mutated(hand_over, MUTATIONS[what]), arrived, there)


def test_the_file_is_the_one_whose_digest_was_said(hand_over, tmp_path):
    file = tmp_path / "hand-over.json"
    file.write_bytes(hand_over.to_bytes())

    assert read_hand_over(file, hand_over.digest) == hand_over
    file.write_bytes(hand_over.to_bytes() + b" ")
    with pytest.raises(RefusedError, match="is not what the job before left"):
        read_hand_over(file, hand_over.digest)
    file.write_bytes(b'{"unknown": 1}')
    with pytest.raises(RefusedError, match="unknown"):
        read_hand_over(file, digest_of(b'{"unknown": 1}'))
    with pytest.raises(UserError, match="is not there"):
        read_hand_over(tmp_path / "none.json", hand_over.digest)


@pytest.fixture
def on_github(done, hand_over, elsewhere):
    """The same run in the clone."""
    there, arrived = elsewhere
    unpack(hand_over, arrived, there)
    return there, arrived


def test_the_state_on_a_branch_is_the_run_and_the_same_state_is_the_same_commit(on_github, tmp_path):
    there, arrived = on_github
    renamed = arrived.progress.model_copy(update={"run": "1", "branch": "phasegate/issue-1"})
    arrived.begin(renamed)

    tip = state_commit(arrived, there)

    assert state_commit(arrived, there) == tip
    state = read_state(there, tip, "1")
    assert state is not None
    assert state.progress == renamed
    assert set(state.documents) == set(arrived.stored())
    assert read_state(there, renamed.head_sha, "1") is None
    with pytest.raises(RefusedError, match="do not hold together"):  # its documents are those of run L1
        take_state(there, tip, state, RunStore(tmp_path / "other"))
