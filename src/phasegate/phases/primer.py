"""Primer: the short text that every phase reads first, drafted from findings and the one before."""

from typing import cast

from phasegate.agent.assignment import ResultTool
from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Step, digest_of
from phasegate.documents.findings import Findings
from phasegate.documents.interview import Feedback
from phasegate.documents.primer import PrimerDraft, PrimerDraftPayload, PrimerText
from phasegate.documents.progress import PhaseName
from phasegate.phases.setting import Hiring, Setting, Worker
from phasegate.policy.config import PRIMER_PATH


def draft_primer(setting: Setting) -> PrimerDraft:
    """Return a draft of the primer. Raises what `Setting.employ` raises."""
    progress, tier = setting.store.progress, setting.config.models.plan
    findings = progress.phase(PhaseName.RESEARCH).document
    said = setting.store.all(Feedback)
    with setting.work_tree(progress.base_sha) as tree:
        handed_in = setting.employ(
            Worker(PhaseName.PLAN),
            Hiring(
                tier=tier,
                system=setting.prompt("primer"),
                sees=(_task(setting, said),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=(ResultTool("submit", "Hand in the primer.", PrimerText, lambda _: ()),),
            ),
        )
    before = setting.git.read(progress.base_sha, PRIMER_PATH)
    return PrimerDraft(
        run=progress.run,
        parents=(progress.snapshot, *([findings] if findings else []), *(document.digest for document in said)),
        made_by=setting.made_by(Step.PLAN, tier),
        payload=PrimerDraftPayload(
            primer=cast("PrimerText", handed_in.payload), replaces=digest_of(before) if before is not None else None
        ),
    )


def _task(setting: Setting, said: tuple[Feedback, ...]) -> str:
    findings = setting.store.progress.phase(PhaseName.RESEARCH).document
    fenced = setting.fence.around
    known = setting.prompt("findings", findings=setting.store.get(findings, Findings).payload) if findings else ""
    drafts = setting.store.all(PrimerDraft)
    return setting.prompt(
        "primer_task",
        findings=fenced("findings", known),
        primer=setting.primer(),
        draft=fenced("the draft before", drafts[-1].payload.primer.text) if drafts and said else "",
        talk=fenced("what people said", setting.prompt("talk", documents=said)) if said else "",
    )
