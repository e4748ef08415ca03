"""How a run begins: its first progress."""

from phasegate.documents.progress import PhaseName, Progress
from phasegate.documents.progress_events import PhaseSkipped
from phasegate.documents.snapshot import Snapshot
from phasegate.documents.transitions import advance

_AFTER_PLANNING = (PhaseName.IMPLEMENT, PhaseName.VERIFY, PhaseName.REVIEW)


def first_progress(snapshot: Snapshot, branch: str, *, with_research: bool = True) -> Progress:
    """Return where a run is before anything is done; phases that it does without are skipped."""
    payload = snapshot.payload
    progress = Progress(
        run=snapshot.run,
        purpose=payload.purpose,
        title=payload.issue.title,
        created=payload.trigger.at,
        snapshot=snapshot.digest,
        branch=branch,
        base_sha=payload.base_sha,
        head_sha=payload.base_sha,
    )
    without: dict[str, tuple[PhaseName, ...]] = {
        "primer": _AFTER_PLANNING,
        "findings": (PhaseName.PLAN, *_AFTER_PLANNING),
        "change": () if with_research else (PhaseName.RESEARCH,),
    }
    for phase in without[payload.purpose]:
        progress = advance(progress, PhaseSkipped(phase, f"not part of a {payload.purpose} run"))
    return progress
