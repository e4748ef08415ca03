"""A run packed into a hand-over by one job, and unpacked by the next, which believes nothing that it can recompute."""

from collections.abc import Sequence
from pathlib import Path

from phasegate.documents.base import Digest, Document, Sha, Step, digest_of
from phasegate.documents.chain import StoredDocument, audit, parse_stored
from phasegate.documents.hand_over import CarriedCommit, CarriedDetails, CarriedDocument, HandOver
from phasegate.documents.parsing import parse_model
from phasegate.documents.progress import Progress
from phasegate.doors.git.repository import Git
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError, UserError
from phasegate.phases.branch import AUTHOR
from phasegate.phases.changes import entries_between, file_changes

LONGEST_CHAIN = 256
"""More commits than any plan with its corrections and repairs can make."""


def read_hand_over(path: Path, digest: Digest) -> HandOver:
    """Return the hand-over in a file. Raises `RefusedError` if it is not the one that `digest` names."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The hand-over {digest[:12]} is not there: {error.strerror}.",
            cause="The artifact of the job before has expired, or could not be downloaded.",
            mend="Comment `/retry`, or label the issue again.",
        ) from None
    if digest_of(content) != digest:
        raise RefusedError(
            f"The hand-over is not what the job before left: {digest[:12]} was said, {digest_of(content)[:12]} came.",
            cause="Something changed it on the way.",
            mend="Do not run it again before you know what; see SECURITY.md.",
        )
    return parse_model(content, HandOver, max_bytes=HandOver.max_bytes)


def packed(store: RunStore, git: Git, before: HandOver, step: Step) -> HandOver:
    """Return a run as it is now, for the next job; what is not of the run stays as it came."""
    progress = store.progress
    return before.model_copy(
        update={
            "run": progress.run,
            "made_by": step,
            "progress": progress,
            "documents": tuple(CarriedDocument(kind=one.kind, text=one.content.decode()) for one in store.stored()),
            "details": tuple(CarriedDetails(name=name, text=text) for name, text in store.all_details()),
            "commits": carried_commits(git, base=progress.base_sha, head=progress.head_sha),
        }
    )


def carried_commits(git: Git, *, base: Sha, head: Sha) -> tuple[CarriedCommit, ...]:
    """Return the commits from base to head, the oldest first. Raises `RefusedError` if head does not come from base."""
    found: list[CarriedCommit] = []
    while head != base:
        note = git.note(head)
        if len(note.parents) != 1 or len(found) == LONGEST_CHAIN:
            raise RefusedError(f"The branch is no chain of single commits on top of {base[:12]}.")
        parent = note.parents[0]
        entries = tuple(entries_between(git, parent, head, leave_out=frozenset()))
        found.append(CarriedCommit(sha=head, parent=parent, when=note.when, message=note.message, entries=entries))
        head = parent
    return tuple(reversed(found))


def unpack(hand_over: HandOver, store: RunStore, git: Git) -> Progress:
    """Put a run where the steps expect it: documents, details, progress, commits and branch.

    Raises `RefusedError` for a chain that is broken and for commits that do not come out as they are named.
    """
    progress = unpack_documents(hand_over, store)
    rebuild(git, hand_over.commits, base=progress.base_sha, head=progress.head_sha)
    set_branch(git, progress)
    return progress


def unpack_documents(hand_over: HandOver, store: RunStore) -> Progress:
    """Put a run's documents, details and progress where they belong. Raises `RefusedError` for a broken chain."""
    progress = hand_over.progress
    if progress is None:
        raise RefusedError("The hand-over carries no run.")
    put_documents(store, progress, [_stored(document) for document in hand_over.documents])
    for details in hand_over.details:
        store.keep_details(details.name, details.text)
    store.begin(progress)
    return progress


def put_documents(store: RunStore, progress: Progress, stored: Sequence[StoredDocument]) -> None:
    """Keep documents whose whole chain holds. Raises `RefusedError` for one that is broken."""
    report = audit(progress, stored)
    if not report.intact:
        faults = "; ".join(f"{fault.where}: {fault.what}" for fault in report.faults[:3])
        raise RefusedError(
            f"The documents of run {progress.run} do not hold together: {faults}.",
            mend="`/cancel` ends the run; label the issue again to start a new one.",
        )
    for one in stored:
        store.put(parse_stored(one))


def parsed_documents(hand_over: HandOver) -> tuple[Document, ...]:
    """Return the documents in a hand-over, each as its digest says. Raises `DocumentError`."""
    return tuple(parse_stored(_stored(document)) for document in hand_over.documents)


def rebuild(git: Git, commits: Sequence[CarriedCommit], *, base: Sha, head: Sha) -> None:
    """Make commits anew from what they change. Raises `RefusedError` if one comes out other than it is named."""
    at = base
    for commit in commits:
        changes = file_changes(commit.entries)
        made = git.commit(parent=at, changes=changes, message=commit.message, author=AUTHOR, when=commit.when)
        if commit.parent != at or made != commit.sha:
            raise RefusedError(f"The commit {commit.sha[:12]} is not what it changes: it comes out as {made[:12]}.")
        at = made
    if at != head:
        raise RefusedError(f"The commits lead to {at[:12]}, and the run is at {head[:12]}.")


def set_branch(git: Git, progress: Progress) -> None:
    """Point the clone's branch at the head of the run."""
    now = git.branch(progress.branch)
    if progress.head_sha not in {now, progress.base_sha}:
        git.move_branch(progress.branch, new=progress.head_sha, old=now)


def _stored(document: CarriedDocument) -> StoredDocument:
    content = document.text.encode()
    digest = digest_of(content)
    return StoredDocument(f"{document.kind}-{digest}.json", document.kind, digest, content)
