"""Runs the steps of a job: scripts, composite actions, and the foreign actions that are built in."""

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from actions.builtin_actions import BUILTINS, BuiltinError, Place, run_builtin
from actions.job_scope import Job, Scope
from actions.step_log import StepLog
from actions.workflow_commands import FileCommandError, parse_pairs
from actions.workflow_language import ExpressionError, Json, UnsupportedError, WorkflowError, as_text
from actions.workflow_records import StepRecord

# GitHub's commands for the shells it knows by name; without a name it is bash, less strict.
SHELLS = {
    "": ("bash -e {0}", ".sh"),
    "bash": ("bash --noprofile --norc -eo pipefail {0}", ".sh"),
    "sh": ("sh -e {0}", ".sh"),
    "python": ("python3 {0}", ".py"),
}
SUMMARY_LIMIT = 1024 * 1024
DEEPEST = 10  # how far composite actions may use each other

Step = Mapping[str, Json]


def run_steps(scope: Scope, steps: list[Step], *, depth: int = 0) -> list[StepRecord]:
    """Runs a list of steps in order, each if its condition holds."""
    return [_StepRun(scope, step, depth).run() for step in steps]


class _StepRun:
    """One step, once."""

    def __init__(self, scope: Scope, step: Step, depth: int) -> None:
        self.scope, self.step, self.depth = scope, step, depth
        self.log = StepLog(scope.job.masks)
        uses = step.get("uses") or ""
        name = f"Run {uses}" if uses else "Run script"
        self.record = StepRecord(name, step.get("id") or "", uses, log=self.log.lines)
        self.record.annotations = self.log.annotations
        self.env: dict[str, str] = {}
        self.cancelled = False

    @property
    def job(self) -> Job:
        return self.scope.job

    def run(self) -> StepRecord:
        outcome = self._outcome()
        conclusion = "success" if outcome == "failure" and self._may_fail() else outcome
        self.record.outcome, self.record.conclusion = outcome, conclusion
        if self.record.id:
            self.scope.contexts["steps"][self.record.id] = {
                "outputs": dict(self.record.outputs),
                "outcome": outcome,
                "conclusion": conclusion,
            }
        self.scope.note(conclusion)
        return self.record

    def _may_fail(self) -> bool:
        return as_text(self._evaluate(self.step.get("continue-on-error"))) == "true"

    def _outcome(self) -> str:
        try:
            self.env = self.scope.texts(self.step.get("env"))
            if not self._is_wanted():
                return "skipped"
            if "name" in self.step:
                self.record.name = as_text(self._evaluate(self.step["name"]))
            self._use() if "uses" in self.step else self._run_script()
        except (ExpressionError, WorkflowError, BuiltinError, FileCommandError) as error:
            self.log.fail(str(error))
        if self.cancelled:
            return "cancelled"
        return "failure" if self.log.failed else "success"

    def _is_wanted(self) -> bool:
        known = self.scope.known(self.env)
        return self.job.language.decide(self.step.get("if"), known, self.scope.functions())

    def _evaluate(self, value: Json) -> Json:
        return self.scope.evaluate(value, self.env)

    # Scripts

    def _run_script(self) -> None:
        shell = as_text(self._evaluate(self.step.get("shell"))) or self.job.defaults.get("shell", "")
        template, suffix = SHELLS.get(shell, (shell, ""))
        if "{0}" not in template:
            raise UnsupportedError(f"shell: {shell}")
        script = as_text(self._evaluate(self.step["run"]))
        path = self.job.machine.temp / f"{uuid.uuid4()}{suffix}"
        path.write_text(script + "\n", "utf-8")
        if "name" not in self.step:
            self.record.name = f"Run {script.strip().splitlines()[0] if script.strip() else ''}"
        self._say_script(script, template)
        self._run_command([part.replace("{0}", str(path)) for part in shlex.split(template)])

    def _say_script(self, script: str, template: str) -> None:
        """The head of a step's log: the script and its variables, which is where untrusted text shows first."""
        self.log.write(f"##[group]{self.record.name}")
        for line in script.splitlines():
            self.log.write(line)
        self.log.write(f"shell: {template}")
        for name, value in self.scope.known(self.env)["env"].items():
            self.log.write(f"  {name}: {value}")
        self.log.write("##[endgroup]")

    def _run_command(self, command: list[str]) -> None:
        files = self.job.machine.command_files()
        self.record.environment = self.scope.environ(self.env) | {name: str(path) for name, path in files.items()}
        directory = self._directory()
        finished = self.job.machine.run(
            command,
            environ=self.record.environment,
            directory=directory,
            minutes=self._minutes(),
            each_line=self._take_line,
        )
        if finished.timed_out:
            self._say_timeout()
        elif finished.exit_code:
            self.log.fail(f"Process completed with exit code {finished.exit_code}.")
        self._read_files(files)

    def _take_line(self, line: str) -> None:
        self.log.feed(line)
        self.job.each_line(self.job.name, line)

    def _directory(self) -> Path:
        given = as_text(self._evaluate(self.step.get("working-directory")))
        given = given or self.job.defaults.get("working-directory", "")
        directory = self.job.machine.workspace / given
        if not directory.is_dir():
            raise BuiltinError(f"No such working directory: {directory}")
        return directory

    def _minutes(self) -> float:
        own = self._evaluate(self.step.get("timeout-minutes"))
        left = max(self.job.minutes_left(), 0) if self.job.status != "cancelled" else 5
        return min(left, float(own)) if own else left

    def _say_timeout(self) -> None:
        if self.job.minutes_left() <= 0:
            limit = as_text(self.job.timeout_minutes)
            self.log.annotate("error", f"The job has exceeded the maximum execution time of {limit} minutes.")
            self.job.status = "cancelled"
            self.cancelled = True
        else:
            self.log.fail(f"The action '{self.record.name}' has timed out.")

    def _read_files(self, files: Mapping[str, Path]) -> None:
        texts = {name: path.read_text("utf-8", "replace").removeprefix("\ufeff") for name, path in files.items()}
        self.record.outputs |= self.log.outputs | parse_pairs(texts["GITHUB_OUTPUT"])
        added = parse_pairs(texts["GITHUB_ENV"])
        if "NODE_OPTIONS" in added:
            raise FileCommandError("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
        self.job.environment |= added
        for path in texts["GITHUB_PATH"].splitlines():
            self.job.add_path(path)
        self._keep_summary(texts["GITHUB_STEP_SUMMARY"])

    def _keep_summary(self, text: str) -> None:
        if len(text.encode()) > SUMMARY_LIMIT:
            self.log.annotate("error", "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k")
        else:
            self.record.summary = self.job.masks.apply(text)

    # Actions

    def _use(self) -> None:
        uses = self.step["uses"]
        given = {name.lower(): value for name, value in self.scope.texts(self.step.get("with"), self.env).items()}
        self.record.inputs = given
        name, _, reference = uses.partition("@")
        self.log.write(f"##[group]{self.record.name}")
        if uses.startswith("./"):
            self._use_composite(self.job.machine.workspace / uses, given, {})
        elif name in self.job.actions:
            self._use_composite(self.job.actions[name], given, {"action_repository": name, "action_ref": reference})
        elif name in BUILTINS:
            self.record.outputs |= run_builtin(name, given, self._place())
        else:
            raise UnsupportedError(f"uses: {uses}: neither built in nor given to the runner")

    def _place(self) -> Place:
        job, github = self.job, self.scope.github
        return Place(
            workspace=job.machine.workspace,
            tool_cache=job.machine.tool_cache,
            job=job.name,
            artifacts=job.artifacts,
            clone=job.clone,
            server_url=github["server_url"],
            sha=github["sha"],
            token=job.token,
            log=self.log,
            add_path=job.add_path,
        )

    def _use_composite(self, directory: Path, given: dict[str, str], github: dict[str, str]) -> None:
        if self.depth >= DEEPEST:
            raise WorkflowError(f"Composite actions use each other more than {DEEPEST} deep")
        files = [directory / name for name in ("action.yml", "action.yaml") if (directory / name).is_file()]
        if not files:
            raise BuiltinError(f"Can't find 'action.yml' or 'action.yaml' under '{directory}'.")
        action = self.job.language.action(files[0])["document"]
        if action["runs"]["using"] != "composite":
            raise UnsupportedError(f"{self.step['uses']}: only composite actions can be run here")
        scope = self._inner_scope(directory, github)
        scope.contexts["inputs"] = self._inputs(action.get("inputs") or {}, given, scope)
        self.record.steps = run_steps(scope, action["runs"]["steps"], depth=self.depth + 1)
        self.log.failed = self.log.failed or scope.status == "failure"
        self._keep_outputs(action.get("outputs") or {}, scope)
        self.cancelled = scope.status == "cancelled"

    def _inner_scope(self, directory: Path, github: dict[str, str]) -> Scope:
        contexts = {name: self.scope.contexts[name] for name in ("github", "matrix", "strategy", "runner")}
        contexts["github"] = {**contexts["github"], **github, "action_path": str(directory)}
        contexts["steps"] = {}
        return replace(
            self.scope,
            contexts=contexts,
            outer_env={**self.scope.outer_env, **self.env},
            embedded=True,
            status="success",
        )

    def _inputs(self, defined: Mapping[str, Json], given: Mapping[str, str], scope: Scope) -> dict[str, str]:
        names = {name.lower(): settings or {} for name, settings in defined.items()}
        unknown = sorted(set(given) - set(names))
        if unknown:
            self.log.annotate("warning", f"Unexpected input(s) {unknown}, valid inputs are {sorted(names)}")
        missing = [n for n, s in names.items() if s.get("required") and "default" not in s and n not in given]
        if missing:  # stricter than GitHub, which starts the action without them
            raise BuiltinError(f"Required input(s) not given: {missing}")
        return {name: given.get(name, scope.text(s.get("default"))) for name, s in names.items()}

    def _keep_outputs(self, defined: Mapping[str, Json], scope: Scope) -> None:
        for name, settings in defined.items():
            self.record.outputs[name] = scope.text((settings or {}).get("value"))
