"""Primer: the short text that every phase reads first, drafted from findings and the one before."""

from typing import cast

from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Digest, Step, digest_of
from phasegate.documents.findings import Findings
from phasegate.documents.interview import Feedback
from phasegate.documents.primer import PrimerDraft, PrimerDraftPayload, PrimerText
from phasegate.documents.progress import PhaseName
from phasegate.phases.hiring import Hiring, employ, result_tool
from phasegate.phases.plan import what_was_said
from phasegate.phases.setting import Setting, Worker
from phasegate.policy.config import PRIMER_PATH


def draft_primer(setting: Setting) -> PrimerDraft:
    """Return a draft of the primer. Raises what `employ` raises."""
    progress, tier = setting.store.progress, setting.config.models.plan
    said = what_was_said(setting)
    with setting.work_tree(progress.base_sha) as tree:
        handed_in = employ(
            setting,
            Worker(PhaseName.PLAN),
            Hiring(
                tier=tier,
                system=setting.prompt("primer"),
                sees=(_task(setting, said),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=(result_tool("submit", "Hand in the primer.", PrimerText, PrimerDraft),),
            ),
        )
    before = setting.git.read(progress.base_sha, PRIMER_PATH)
    return PrimerDraft(
        run=progress.run,
        parents=_parents(setting, said),
        made_by=setting.made_by(Step.PLAN, tier),
        payload=PrimerDraftPayload(
            primer=cast("PrimerText", handed_in.payload), replaces=digest_of(before) if before is not None else None
        ),
    )


def _parents(setting: Setting, said: tuple[Feedback, ...]) -> tuple[Digest, ...]:
    progress = setting.store.progress
    start = (progress.snapshot, progress.phase(PhaseName.RESEARCH).document, progress.plan)
    return (*(digest for digest in start if digest), *(feedback.digest for feedback in said))


def _task(setting: Setting, said: tuple[Feedback, ...]) -> str:
    """Return what the model sees; the draft before is the one that people spoke to last."""
    progress, fenced = setting.store.progress, setting.fence.around
    findings = progress.phase(PhaseName.RESEARCH).document
    known = setting.prompt("findings", findings=setting.store.get(findings, Findings).payload) if findings else ""
    before = setting.store.get(progress.plan, PrimerDraft).payload.primer.text if progress.plan else ""
    return setting.prompt(
        "primer_task",
        findings=fenced("findings", known),
        primer=setting.primer(),
        draft=fenced("the draft before", before) if before else "",
        talk=fenced("what people said", setting.prompt("talk", documents=said)) if said else "",
    )
