"""What is left of a run for a test to look at."""

from dataclasses import dataclass, field

from actions.workflow_commands import Annotation
from actions.workflow_language import Json

DONE_BADLY = {"failure", "cancelled"}


@dataclass
class StepRecord:
    """One step. `outcome` is what happened, `conclusion` what counts (they differ by continue-on-error)."""

    name: str
    id: str = ""
    uses: str = ""
    outcome: str = "skipped"
    conclusion: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    summary: str = ""
    environment: dict[str, str] = field(default_factory=dict)  # of its process; empty for a composite action
    inputs: dict[str, str] = field(default_factory=dict)
    steps: list["StepRecord"] = field(default_factory=list)  # of a composite action

    def flat(self) -> list["StepRecord"]:
        """This step and those inside it."""
        return [self, *(inner for step in self.steps for inner in step.flat())]


@dataclass
class JobRecord:
    """One job, or one leg of a matrix."""

    id: str
    name: str
    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[StepRecord] = field(default_factory=list)
    errors: list[Annotation] = field(default_factory=list)  # what the runner said of the job itself
    permissions: dict[str, str] = field(default_factory=dict)
    matrix: dict[str, Json] = field(default_factory=dict)
    concurrency: dict[str, Json] = field(default_factory=dict)
    runs_on: Json = ""
    timeout_minutes: float = 360
    environment_name: str = ""  # of `environment:`
    attempt: int = 1
    continue_on_error: bool = False

    def all_steps(self) -> list[StepRecord]:
        return [inner for step in self.steps for inner in step.flat()]

    @property
    def log(self) -> str:
        """Everything that was printed, masked as people see it."""
        return "\n".join(line for step in self.all_steps() for line in step.log)

    @property
    def annotations(self) -> list[Annotation]:
        return [*self.errors, *(note for step in self.all_steps() for note in step.annotations)]

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.all_steps())

    @property
    def environment(self) -> dict[str, str]:
        """Every variable that any process of the job was given (of different values, the last)."""
        return {name: value for step in self.all_steps() for name, value in step.environment.items()}

    @property
    def effective_result(self) -> str:
        """What dependents see: a failure that may go on is a success to them."""
        return "success" if self.continue_on_error and self.result == "failure" else self.result


def joined_result(results: list[str]) -> str:
    """One result for the legs of a matrix."""
    for result in ("failure", "cancelled"):
        if result in results:
            return result
    return "success" if "success" in results else "skipped"
