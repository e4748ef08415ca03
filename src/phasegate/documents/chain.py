"""The chain of documents, recomputed: digests, parents, and who may descend from whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phasegate.documents.approval import Approval
from phasegate.documents.base import Digest, Document, digest_of
from phasegate.documents.change_set import Blocked, ChangeSet, TaskResult
from phasegate.documents.findings import Findings, ScoutReport
from phasegate.documents.gate_report import GateReport
from phasegate.documents.interview import Feedback, Questions
from phasegate.documents.parsing import DocumentError, parse_document, shown
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import Progress
from phasegate.documents.review import Review
from phasegate.documents.snapshot import Snapshot

KINDS: Mapping[str, type[Document]] = {
    "snapshot": Snapshot,
    "scout-report": ScoutReport,
    "findings": Findings,
    "questions": Questions,
    "feedback": Feedback,
    "plan": Plan,
    "primer-draft": PrimerDraft,
    "approval": Approval,
    "blocked": Blocked,
    "task-result": TaskResult,
    "change-set": ChangeSet,
    "gate-report": GateReport,
    "review": Review,
}

_PARENTS: Mapping[str, frozenset[str]] = {
    "snapshot": frozenset(),
    "scout-report": frozenset({"snapshot"}),
    "findings": frozenset({"snapshot", "scout-report"}),
    "questions": frozenset({"snapshot", "findings", "plan", "questions", "feedback"}),
    "feedback": frozenset({"plan", "questions", "primer-draft"}),
    "plan": frozenset({"snapshot", "findings", "plan", "questions", "feedback", "blocked"}),
    "primer-draft": frozenset({"snapshot", "findings", "primer-draft", "feedback"}),
    "approval": frozenset({"plan", "primer-draft"}),
    "blocked": frozenset({"plan", "approval", "gate-report", "review"}),
    "task-result": frozenset({"plan", "approval", "gate-report", "review"}),
    "change-set": frozenset({"plan", "approval", "task-result", "primer-draft"}),
    "gate-report": frozenset({"change-set"}),
    "review": frozenset({"plan", "change-set", "gate-report"}),
}

_NAMED: Mapping[str, frozenset[str]] = {
    "snapshot": frozenset({"snapshot"}),
    "plan": frozenset({"plan", "primer-draft"}),
    "approval": frozenset({"approval"}),
    "phase research": frozenset({"findings"}),
    "phase plan": frozenset({"plan", "questions", "primer-draft"}),
    "phase implement": frozenset({"change-set"}),
    "phase correct": frozenset({"plan"}),
    "phase verify": frozenset({"gate-report"}),
    "phase review": frozenset({"review"}),
}
"""What the progress file names, and of which kinds it can be."""
_OF_TASKS = frozenset({"task-result", "blocked"})


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it lies on the disk: its file name, the kind and digest that the name claims, its bytes."""

    name: str
    kind: str
    digest: Digest
    content: bytes


@dataclass(frozen=True, slots=True)
class ChainFault:
    """A place where the chain breaks."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found: how many documents hold, and every place where the chain breaks."""

    documents: int
    faults: tuple[ChainFault, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is broken."""
        return not self.faults


def audit(progress: Progress, stored: Iterable[StoredDocument]) -> AuditReport:
    """Recompute the whole chain of a run, offline, and say where it breaks."""
    files = list(stored)
    faults: list[ChainFault] = []
    known: dict[Digest, Document] = {}
    for file in files:
        try:
            known[file.digest] = parse_stored(file)
        except DocumentError as error:
            faults.append(ChainFault(file.name, error.what))
    for digest, document in known.items():
        faults += [ChainFault(f"{document.kind} {digest[:12]}", what) for what in _link_faults(document, known)]
        if document.run != progress.run:
            faults.append(ChainFault(f"{document.kind} {digest[:12]}", f"belongs to run {document.run}"))
    faults += _progress_faults(progress, known)
    return AuditReport(documents=len(files), faults=tuple(faults))


def parse_stored(file: StoredDocument) -> Document:
    """Return the document in a file, if it is what its name claims. Raises `DocumentError`."""
    if digest_of(file.content) != file.digest:
        raise DocumentError("the content is not what the digest in its name says: it was changed after it was made")
    kind = KINDS.get(file.kind)
    if kind is None:
        raise DocumentError(f"{shown(file.kind)} is no kind of document")
    document = parse_document(file.content, kind)
    if document.to_bytes() != file.content:
        raise DocumentError("the content is not canonical JSON")
    return document


def _link_faults(document: Document, known: Mapping[Digest, Document]) -> list[str]:
    faults = []
    for parent in document.parents:
        made_from = known.get(parent)
        if made_from is None:
            faults.append(f"its parent {parent[:12]} is missing or broken")
        elif made_from.kind not in _PARENTS[document.kind]:
            faults.append(f"a {document.kind} is not made from a {made_from.kind}")
    if not document.parents and _PARENTS[document.kind]:
        faults.append("it has no parents")
    return faults + [f"it speaks of {named[:12]}, which is not among its parents" for named in _unbacked(document)]


def _unbacked(document: Document) -> list[Digest]:
    """Return the digests that a payload leans on and that its parents do not hold."""
    match document:
        case Approval():
            named = document.payload.subject
        case ChangeSet() | Blocked() | TaskResult():
            named = document.payload.plan
        case GateReport():
            named = document.payload.change_set
        case _:
            return []
    return [] if named in document.parents else [named]


def _progress_faults(progress: Progress, known: Mapping[Digest, Document]) -> list[ChainFault]:
    named = {"snapshot": progress.snapshot, "plan": progress.plan, "approval": progress.approval}
    named |= {f"phase {phase.id}": phase.document for phase in progress.phases}
    named |= {f"task {task.id}": task.document for task in progress.tasks}
    faults = []
    for place, digest in named.items():
        document = None if digest is None else known.get(digest)
        if document is not None and document.kind not in _NAMED.get(place, _OF_TASKS):
            faults.append(ChainFault(f"PROGRESS.json, {place}", f"names {document.digest[:12]}, a {document.kind}"))
        elif digest is not None and document is None:
            faults.append(ChainFault(f"PROGRESS.json, {place}", f"names {digest[:12]}, which is missing or broken"))
    return faults
