"""Research: scouts look around in parallel, then the strong model makes findings of what they report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from pydantic import BaseModel, Field

from phasegate.agent.assignment import ResultTool
from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, cut, parse_input, spec_of
from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Step, digest_of
from phasegate.documents.findings import Findings, FindingsPayload, ScoutAnswer, ScoutReport, ScoutReportPayload
from phasegate.documents.progress import PhaseName
from phasegate.doors.model import ModelError, ToolSpec
from phasegate.doors.run_store import RunStore
from phasegate.doors.workspace import Workspace
from phasegate.errors import GateFailedError, RefusedError
from phasegate.phases.hiring import Hiring, employ, no_problems, result_tool
from phasegate.phases.parallel import in_parallel
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted
from phasegate.policy.validation import check_findings, check_scouts


def research(setting: Setting) -> Findings:
    """Return findings on what the snapshot asks for. Raises what `employ` raises."""
    with setting.work_tree(setting.store.progress.base_sha) as tree:
        reports = _scout(setting, tree.workspace)
        payload = _synthesise(setting, tree.workspace, reports)
    parents = (setting.store.progress.snapshot, *(report.digest for report in reports))
    return Findings(
        run=setting.store.progress.run,
        parents=parents,
        made_by=setting.made_by(Step.RESEARCH, setting.config.models.research),
        payload=payload,
    )


def scouts(setting: Setting) -> tuple[tuple[str, str], ...]:
    """Return the id and the question of each scout."""
    questions = setting.prompt("scout_questions").splitlines()[: setting.config.research.scouts]
    return tuple((f"S{number}", question) for number, question in enumerate(questions, 1))


def scout_alone(setting: Setting, scout: str) -> ScoutReport:
    """Return the report of one scout, which is kept, also a failure's. Raises `RefusedError` for an unknown one."""
    question = dict(scouts(setting)).get(scout)
    if question is None:
        raise RefusedError(f"There is no scout {scout} in run {setting.store.progress.run}.")
    with setting.work_tree(setting.store.progress.base_sha) as tree:
        report = _one_scout(setting, tree.workspace, scout, question)
    setting.store.put(report)
    return report


def _scout(setting: Setting, workspace: Workspace) -> Sequence[ScoutReport]:
    done = {report.payload.scout: report for report in setting.store.all(ScoutReport)}
    asked = scouts(setting)
    new = [(scout, question) for scout, question in asked if scout not in done]
    made = in_parallel([partial(_one_scout, setting, workspace, *pair) for pair in new], len(new), setting.stop)
    done |= {report.payload.scout: report for report in made}
    reports = [done[scout] for scout, _ in asked]
    problems = check_scouts([report.payload for report in reports], minimum=setting.config.research.minimum)
    if problems:
        first = next(report.payload.summary for report in reports if report.payload.status == "failure")
        what = f"Research cannot go on: {problems[0]}."
        raise GateFailedError(what, cause=first, mend="`phasegate resume` tries again.")
    for report in made:  # a failure too, now that research goes on with it: the findings name it as a parent
        setting.store.put(report)
    return reports


def _one_scout(setting: Setting, workspace: Workspace, scout: str, question: str) -> ScoutReport:
    """Return a scout's report; a scout that fails reports that, and the others go on.

    Only what came back with something is kept at once: a failed scout is asked again on `resume`.
    """
    worker, tier = Worker(PhaseName.RESEARCH, scout), setting.config.models.scout
    setting.watch(worker, WorkerStarted(question, tier.model))
    try:
        answer = _ask_scout(setting, workspace, worker, question)
    except (GateFailedError, RefusedError, ModelError) as error:
        answer = ScoutAnswer(status="failure", summary=str(error)[:400], details="")
    setting.watch(worker, WorkerEnded(answer.status != "failure", answer.summary))
    file = f"{scout.lower()}.md"
    setting.store.keep_details(file, answer.details)
    report = ScoutReport(
        run=setting.store.progress.run,
        parents=(setting.store.progress.snapshot,),
        made_by=setting.made_by(Step.RESEARCH, tier),
        payload=ScoutReportPayload(
            scout=scout,
            question=question,
            status=answer.status,
            summary=answer.summary,
            details_file=file,
            details_digest=digest_of(answer.details.encode()),
        ),
    )
    if answer.status != "failure":
        setting.store.put(report)
    return report


def _ask_scout(setting: Setting, workspace: Workspace, worker: Worker, question: str) -> ScoutAnswer:
    issue = setting.fence.around("issue", setting.prompt("issue", issue=setting.snapshot.payload.issue))
    handed_in = employ(
        setting,
        worker,
        Hiring(
            tier=setting.config.models.scout,
            system=setting.prompt("scout"),
            sees=(setting.prompt("scout_task", question=question, issue=issue, primer=setting.primer()),),
            tools=reading_tools(workspace, setting.clock.seconds),
            results=(ResultTool("submit", "Hand in your answer.", ScoutAnswer, no_problems),),
        ),
    )
    return cast("ScoutAnswer", handed_in.payload)


def _synthesise(setting: Setting, workspace: Workspace, reports: Sequence[ScoutReport]) -> FindingsPayload:
    tier = setting.config.models.research
    issue = setting.fence.around("issue", setting.prompt("issue", issue=setting.snapshot.payload.issue))
    summaries = "\n".join(f"{r.payload.scout} ({r.payload.status}): {r.payload.summary}" for r in reports)
    scouts = setting.fence.around("scouts", summaries) if reports else ""
    tools = reading_tools(workspace, setting.clock.seconds)

    def check(payload: BaseModel) -> Sequence[str]:
        return check_findings(cast("FindingsPayload", payload), files=setting.files)

    handed_in = employ(
        setting,
        Worker(PhaseName.RESEARCH),
        Hiring(
            tier=tier,
            system=setting.prompt("research", has_scouts=bool(reports)),
            sees=(setting.prompt("research_task", issue=issue, scouts=scouts, primer=setting.primer()),),
            tools=(*tools, DetailsTool(setting.store)) if reports else tools,
            results=(result_tool("submit", "Hand in the findings.", FindingsPayload, Findings, check),),
        ),
    )
    return cast("FindingsPayload", handed_in.payload)


class DetailsInput(Input):
    """Which scout."""

    scout: str = Field(pattern=r"^S[1-9][0-9]?$", description="such as S1")


@dataclass(frozen=True, slots=True)
class DetailsTool:
    """Shows what a scout wrote into its details file."""

    store: RunStore

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return spec_of("details", "Show the details file of a scout.", DetailsInput)

    def run(self, input_json: str) -> ToolOutput:
        """Return the details."""
        scout = parse_input(input_json, DetailsInput).scout
        text = self.store.details(f"{scout.lower()}.md")
        if not text:
            raise ToolError(f"{scout} left no details.")
        return ToolOutput(cut(text))
