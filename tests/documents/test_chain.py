from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import examples
from phasegate.documents.base import Document, digest_of
from phasegate.documents.chain import KINDS, AuditReport, ChainFault, StoredDocument, audit
from phasegate.documents.progress import PhaseName, PhaseProgress, Progress, WorkProgress

DOCUMENTS = examples.every_document()
GONE = digest_of(b"gone")


def stored(document: Document) -> StoredDocument:
    """A document as the run store keeps it."""
    name = f"{document.kind}-{document.digest}.json"
    return StoredDocument(name, document.kind, document.digest, document.to_bytes())


def forged(content: bytes, kind: str) -> StoredDocument:
    """Bytes whose name has their true digest."""
    return StoredDocument(f"{kind}-{digest_of(content)}.json", kind, digest_of(content), content)


FILES = tuple(stored(document) for document in DOCUMENTS)


def whole_progress() -> Progress:
    """A run whose progress names a document wherever it can."""
    of_phase = {
        PhaseName.RESEARCH: examples.findings(),
        PhaseName.PLAN: examples.plan(),
        PhaseName.IMPLEMENT: examples.change_set(),
        PhaseName.CORRECT: examples.plan(),
        PhaseName.VERIFY: examples.gate_report(),
        PhaseName.REVIEW: examples.review(),
    }
    return examples.progress(
        plan=examples.plan().digest,
        approval=examples.approval().digest,
        phases=tuple(PhaseProgress(id=name, document=of_phase[name].digest) for name in PhaseName),
        tasks=(
            WorkProgress(id="T1", title="one", document=examples.task_result().digest),
            WorkProgress(id="T2", title="two", document=examples.blocked().digest),
            WorkProgress(id="R1", title="mend"),
        ),
    )


def faults_with(*more: Document | StoredDocument, without: str = "", progress: Progress | None = None):
    files = [file for file in FILES if file.kind != without]
    files += [stored(document) if isinstance(document, Document) else document for document in more]
    report = audit(progress or examples.progress(), files)
    assert report.documents == len(files)
    assert report.intact is (not report.faults)
    return report.faults


def place(document: Document) -> str:
    return f"{document.kind} {document.digest[:12]}"


def test_an_intact_chain_has_no_faults():
    assert audit(whole_progress(), FILES) == AuditReport(documents=len(KINDS), faults=())
    assert audit(whole_progress(), FILES).intact


def test_the_order_of_the_files_does_not_matter():
    assert audit(whole_progress(), reversed(FILES)).intact


@settings(deadline=None)
@given(st.data())
def test_any_flipped_bit_in_any_document_is_found(data):
    number = data.draw(st.integers(0, len(FILES) - 1))
    content = bytearray(FILES[number].content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    files = [*FILES[:number], replace(FILES[number], content=bytes(content)), *FILES[number + 1 :]]
    faults = audit(examples.progress(), files).faults
    assert (
        ChainFault(
            FILES[number].name, "the content is not what the digest in its name says: it was changed after it was made"
        )
        in faults
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.kind)
def test_a_missing_document_is_missed_by_all_that_were_made_from_it(document):
    children = [other for other in DOCUMENTS if document.digest in other.parents]
    expected = [
        ChainFault(place(child), f"its parent {document.digest[:12]} is missing or broken") for child in children
    ]
    faults = faults_with(without=document.kind)
    assert [fault for fault in faults if not fault.where.startswith("PROGRESS")] == expected


def test_every_kind_but_the_last_two_is_somebodys_parent():
    """Otherwise the test before would hold nothing."""
    parents = {digest for document in DOCUMENTS for digest in document.parents}
    leaves = {document.kind for document in DOCUMENTS if document.digest not in parents}
    assert leaves == {"scout-report", "questions", "feedback", "primer-draft", "blocked", "review"}


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (examples.scout_report, examples.findings),
        (examples.findings, examples.plan),
        (examples.questions, examples.approval),
        (examples.plan, examples.scout_report),
        (examples.plan, examples.change_set),
        (examples.feedback, examples.snapshot),
        (examples.primer_draft, examples.plan),
        (examples.approval, examples.findings),
        (examples.blocked, examples.findings),
        (examples.task_result, examples.snapshot),
        (examples.change_set, examples.findings),
        (examples.gate_report, examples.plan),
        (examples.review, examples.findings),
        (examples.snapshot, examples.plan),
    ],
)
def test_a_parent_of_a_kind_that_cannot_be_one_is_found(child, parent):
    wrong = child(envelope={"parents": (*child().parents, parent().digest)})
    what = f"a {wrong.kind} is not made from a {parent().kind}"
    assert faults_with(wrong) == (ChainFault(place(wrong), what),)


@pytest.mark.parametrize("make", [examples.findings, examples.plan, examples.feedback, examples.review])
def test_a_document_made_from_nothing_is_found(make):
    orphan = make(envelope={"parents": ()})
    assert faults_with(orphan) == (ChainFault(place(orphan), "it has no parents"),)


def test_a_snapshot_needs_no_parents():
    assert faults_with(examples.snapshot(base_branch="other")) == ()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.kind)
def test_a_document_of_another_run_is_found(document):
    foreign = type(document).model_validate(document.model_copy(update={"run": "L2"}).model_dump())
    assert faults_with(foreign) == (ChainFault(place(foreign), "belongs to run L2"),)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (examples.approval, "subject"),
        (examples.blocked, "plan"),
        (examples.task_result, "plan"),
        (examples.change_set, "plan"),
        (examples.gate_report, "change_set"),
    ],
)
def test_a_payload_that_speaks_of_something_that_is_no_parent_is_found(make, field):
    parents = make().parents
    other = make(**{field: GONE}, envelope={"parents": parents})
    assert faults_with(other) == (
        ChainFault(place(other), f"it speaks of {GONE[:12]}, which is not among its parents"),
    )


def test_an_approval_moved_to_another_plan_is_found():
    """Made from the plan that was read, but naming one that nobody has read."""
    unread = examples.plan(title="Something else")
    moved = examples.approval(subject=unread.digest, envelope={"parents": (examples.plan().digest,)})
    what = f"it speaks of {unread.digest[:12]}, which is not among its parents"
    assert faults_with(unread, moved) == (ChainFault(place(moved), what),)


def test_a_renamed_file_is_found():
    plan, findings = stored(examples.plan()), stored(examples.findings())
    as_findings = replace(plan, name=findings.name, kind="findings")
    (fault,) = audit(examples.progress(), [stored(examples.snapshot()), as_findings]).faults
    assert fault.where == findings.name
    assert fault.what.startswith("Findings: kind: Input should be 'findings'")
    swapped = replace(plan, digest=findings.digest)
    (fault,) = audit(examples.progress(), [stored(examples.snapshot()), swapped]).faults
    assert fault.what.startswith("the content is not what the digest in its name says")


def test_bytes_that_are_not_canonical_are_found_though_their_digest_fits():
    loose = forged(examples.snapshot().to_bytes().replace(b'":', b'": '), "snapshot")
    assert faults_with(loose) == (ChainFault(loose.name, "the content is not canonical JSON"),)


@pytest.mark.parametrize(
    ("content", "kind", "what"),
    [
        (b"{}", "secret", "secret is no kind of document"),
        (b"{}", "progress", "progress is no kind of document"),
        (b"{}", "\x1b[31m", "�[31m is no kind of document"),
        (b"{}", "plan", "Plan: run: Field required"),
        (b"not JSON", "plan", "Plan: not valid JSON"),
        (b"", "plan", "Plan: not valid JSON"),
    ],
)
def test_a_file_that_is_no_document_is_found(content, kind, what):
    (fault,) = faults_with(forged(content, kind))
    assert fault.what.startswith(what)


PLACES = ("snapshot", "plan", "approval", *(f"phase {name}" for name in PhaseName), "task T1", "task T2")


def naming(place_: str, digest: str) -> Progress:
    """The whole progress with another digest in one place."""
    progress, (group, *name) = whole_progress(), place_.split()
    if not name:
        return progress.model_copy(update={group: digest})
    entries = {"phase": progress.phases, "task": progress.tasks}[group]
    changed = tuple(e.model_copy(update={"document": digest}) if e.id == name[0] else e for e in entries)
    return progress.model_copy(update={f"{group}s": changed})


@pytest.mark.parametrize("place_", PLACES)
def test_a_progress_that_names_a_missing_document_is_found(place_):
    what = f"names {GONE[:12]}, which is missing or broken"
    assert faults_with(progress=naming(place_, GONE)) == (ChainFault(f"PROGRESS.json, {place_}", what),)


@pytest.mark.parametrize("place_", PLACES)
def test_a_progress_that_names_a_document_of_another_kind_is_found(place_):
    other = examples.feedback()
    what = f"names {other.digest[:12]}, a feedback"
    assert faults_with(progress=naming(place_, other.digest)) == (ChainFault(f"PROGRESS.json, {place_}", what),)


def test_a_run_without_files_names_what_is_missing():
    report = audit(examples.progress(), ())
    assert (report.documents, report.intact) == (0, False)
    assert [fault.where for fault in report.faults] == ["PROGRESS.json, snapshot"]


def test_all_faults_are_told_not_only_the_first():
    broken = replace(FILES[0], content=b"{}")
    faults = audit(whole_progress(), [broken, *FILES[1:]]).faults
    assert faults[0].where == FILES[0].name
    assert len(faults) == 1 + sum(FILES[0].digest in document.parents for document in DOCUMENTS) + 1
