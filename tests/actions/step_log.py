"""The log of one step: commands are obeyed, secrets are masked, the rest is kept."""

from dataclasses import dataclass, field

from actions.workflow_commands import ANNOTATIONS_PER_STEP, LEVELS, Annotation, Command, Masks, parse_command


@dataclass
class StepLog:
    """Takes a step's lines one by one; what they asked for is in its fields afterwards."""

    masks: Masks
    lines: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    _stop_token: str | None = None

    def feed(self, line: str) -> None:
        """One line of the process's output, without its newline."""
        command = parse_command(line, stop_token=self._stop_token)
        if command is None:
            self.write(line)
        elif command.name == self._stop_token:
            self._stop_token = None
        else:
            self._obey(command)

    def write(self, line: str) -> None:
        """A line that is no command."""
        self.lines.append(self.masks.apply(line))

    def annotate(self, level: str, message: str, **where: str) -> None:
        """What `::error::` and its kin do; the runner itself says its own errors this way too."""
        self.write(f"##[{level}]{message}")
        if sum(kept.level == level for kept in self.annotations) < ANNOTATIONS_PER_STEP:
            places = {name: self.masks.apply(value) for name, value in where.items()}
            self.annotations.append(Annotation(level, self.masks.apply(message), **places))

    def fail(self, message: str) -> None:
        self.failed = True
        self.annotate("error", message)

    def _obey(self, command: Command) -> None:
        if command.name in LEVELS:
            where = {name: command.properties[name] for name in ("title", "file", "line") if name in command.properties}
            self.annotate(command.name, command.message, **where)
        elif command.name in {"set-env", "add-path"}:
            self.fail(f"The `{command.name}` command is disabled.")
        else:
            self._obey_quietly(command)

    def _obey_quietly(self, command: Command) -> None:
        match command.name:
            case "add-mask":
                self.masks.add(command.message)
            case "stop-commands":
                self._stop_token = command.message
            case "set-output":
                self.outputs[command.properties.get("name", "")] = command.message
                self.annotate("warning", "The `set-output` command is deprecated.")
            case "group" | "endgroup" | "debug":
                self.write(f"##[{command.name}]{command.message}")
            case _:
                pass  # matchers, echo and state change nothing that a test could see
