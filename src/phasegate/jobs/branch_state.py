"""The state of a run on its branch: one commit on top of the code, which holds the progress and the documents.

Code and progress move together, because they are pushed together. The state's commit is taken away with every move and
made anew on top, so no finished branch has it in its history.
"""

from dataclasses import dataclass

from phasegate.documents.base import RunId, Sha
from phasegate.documents.chain import StoredDocument
from phasegate.documents.parsing import parse_model, shown
from phasegate.documents.progress import Progress
from phasegate.doors.git.repository import FileChange, Git
from phasegate.doors.run_store import MAX_PROGRESS_BYTES, PROGRESS_FILE, RunStore
from phasegate.errors import RefusedError
from phasegate.jobs.carrying import carried_commits, put_documents, set_branch
from phasegate.phases.branch import AUTHOR
from phasegate.policy.branches import branch_of

MAX_DOCUMENTS = 1000


def state_directory(run: RunId) -> str:
    """Return where a run's state is on its branch."""
    return f".phasegate/issue-{run}"


def state_commit(store: RunStore, git: Git) -> Sha:
    """Write the commit that holds a run's state, on top of its code; the same state gives the same commit."""
    progress, directory = store.progress, state_directory(store.progress.run)
    files = [FileChange(f"{directory}/documents/{one.name}", one.content) for one in store.stored()]
    files.append(FileChange(f"{directory}/{PROGRESS_FILE}", progress.model_dump_json(indent=1).encode()))
    message = f"State of run {progress.run}: {progress.current_phase}, {progress.state}\n"
    when = git.note(progress.head_sha).when
    return git.commit(parent=progress.head_sha, changes=files, message=message, author=AUTHOR, when=when)


@dataclass(frozen=True, slots=True)
class BranchState:
    """What a branch says of its run."""

    progress: Progress
    documents: tuple[StoredDocument, ...]


def read_state(git: Git, tip: Sha, run: RunId) -> BranchState | None:
    """Return the state at a tip; None if there is none. Raises `RefusedError` for one that cannot be a run's."""
    directory = state_directory(run)
    content = git.read(tip, f"{directory}/{PROGRESS_FILE}")
    if content is None:
        return None
    progress = parse_model(content, Progress, max_bytes=MAX_PROGRESS_BYTES)
    if progress.run != run or progress.branch != branch_of(run) or git.note(tip).parents != (progress.head_sha,):
        raise RefusedError(
            f"The branch {branch_of(run)} is not as its run left it.",
            cause="Somebody committed to it, or moved it.",
            mend="Put it back, or start anew: comment `/cancel`, then label the issue again.",
        )
    names = [entry.path for entry in git.tree(tip) if entry.path.startswith(f"{directory}/documents/")]
    if len(names) > MAX_DOCUMENTS:
        raise RefusedError(f"The branch {branch_of(run)} has {len(names)} documents: that is no state of ours.")
    return BranchState(progress, tuple(_document(git, tip, name) for name in names))


def take_state(git: Git, tip: Sha, state: BranchState, store: RunStore) -> None:
    """Put a run from its branch where the steps expect it.

    Raises `RefusedError` when the tip changes more than the state, or the chain is broken.
    """
    progress = state.progress
    prefix = f"{state_directory(progress.run)}/"
    (top,) = carried_commits(git, base=progress.head_sha, head=tip)
    foreign = [entry.path for entry in top.entries if not entry.path.startswith(prefix)]
    if foreign:
        raise RefusedError(f"The last commit of {progress.branch} changes {shown(foreign[0])}, which is no state.")
    carried_commits(git, base=progress.base_sha, head=progress.head_sha)  # a chain of ours down to the base
    put_documents(store, progress, state.documents)
    set_branch(git, progress)
    store.begin(progress)


def _document(git: Git, tip: Sha, path: str) -> StoredDocument:
    name = path.rpartition("/")[2]
    kind, _, digest = name.removesuffix(".json").rpartition("-")
    content = git.read(tip, path) or b""
    return StoredDocument(name, kind, digest, content)
