"""GitHub's own parser and expression evaluator, which run in one Node process for as long as a `Language` is open."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
MARK = "${{ }}"  # how language.mjs marks an expression in a document
SUCCESS = {MARK: "success()", "allowed": ["success(0,0)"]}  # the condition of a step or job that states none
REQUIRED = bool(os.environ.get("PHASEGATE_REQUIRE_NODE"))  # read at import: the tests' environment is bare later on

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class WorkflowError(Exception):
    """A workflow or action file that GitHub would refuse; says why, line by line."""


class ExpressionError(Exception):
    """An expression that cannot be evaluated."""


class UnsupportedError(Exception):
    """Something that GitHub can do and this runner cannot: the workflow, or the runner, has to change."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the status functions answer."""

    success: bool = True
    failure: bool = False
    cancelled: bool = False

    def answers(self) -> dict[str, bool]:
        return {"success": self.success, "failure": self.failure, "cancelled": self.cancelled}


def missing_part() -> str | None:
    """What keeps workflows from being run here, as one line; None when nothing does."""
    if shutil.which("node") is None:
        return "Node is missing: workflow tests are skipped"
    if not (HERE / "node_modules" / "@actions" / "workflow-parser").is_dir():
        return "GitHub's workflow parser is not installed (npm ci in tests/actions): workflow tests are skipped"
    return None


class Language:
    """Parses and evaluates; safe to use from several threads, one question at a time."""

    def __init__(self) -> None:
        node = shutil.which("node")
        assert node, "Node is missing"
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [node, "--no-warnings", "language.mjs"],
            cwd=HERE,
            env={"PATH": os.defpath},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process: it stops by itself when its input ends."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def workflow(self, path: Path) -> dict[str, Json]:
        """The workflow as data, with expressions marked; WorkflowError with GitHub's own words if it is not valid."""
        return self._document("workflow", path)

    def action(self, path: Path) -> dict[str, Json]:
        """The same for an action.yml."""
        return self._document("action", path)

    def evaluate(self, value: Json, contexts: Mapping[str, Json], status: Status | None = None) -> Json:
        """The value with every expression in it replaced by its result."""
        return self._ask("evaluate", value=value, contexts=contexts, status=(status or Status()).answers())["value"]

    def decide(self, condition: Json, contexts: Mapping[str, Json], status: Status) -> bool:
        """Whether an `if:` holds."""
        return self._ask("decide", value=condition or SUCCESS, contexts=contexts, status=status.answers())["value"]

    def _document(self, verb: str, path: Path) -> dict[str, Json]:
        answer = self._ask(verb, name=path.name, content=path.read_text("utf-8"))
        if answer["errors"]:
            raise WorkflowError("\n".join(answer["errors"]))
        return answer

    def _ask(self, verb: str, **request: Json) -> dict[str, Json]:
        with self._lock:
            self._process.stdin.write(json.dumps({"verb": verb, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "the Node process ended"
        answer = json.loads(line)
        if "error" in answer:
            raise ExpressionError(answer["error"])
        return answer


def as_text(value: Json) -> str:
    """A value where GitHub wants a string: its rules for converting one."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return "Array"
        case dict():
            return "Object"
        case _:
            return str(value)
