"""What goes wrong and is told to the user: one class, one exit code for each way a command can end.

A `UserError` is everything that a user, a repository, a model or an API can cause. It says what happened, the likely
cause and what to change; the command line prints it and exits with its code. Anything else is our own bug (exit 70).
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends."""

    DONE = 0
    GATE_FAILED = 1
    USAGE = 2
    REFUSED = 3
    WAITING = 4
    BUDGET = 5
    BUG = 70
    INTERRUPTED = 130


class UserError(Exception):
    """Wrong usage, configuration or surroundings: what happened, the likely cause, what to do."""

    exit_code = ExitCode.USAGE

    def __init__(self, what: str, *, cause: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.mend = mend

    def __str__(self) -> str:
        """Return the message as one paragraph, for logs and for the model."""
        return " ".join(part for part in (self.what, self.cause, self.mend) if part)


class GateFailedError(UserError):
    """A validation gate or a quality gate said no."""

    exit_code = ExitCode.GATE_FAILED


class RefusedError(UserError):
    """A rule forbids it: an illegal transition, a protected path, a broken chain, a refusing model."""

    exit_code = ExitCode.REFUSED


class WaitingError(UserError):
    """A human has to say something first, and nobody is there to say it."""

    exit_code = ExitCode.WAITING


class BudgetError(UserError):
    """Money, tokens, turns or time are spent; what was done is kept."""

    exit_code = ExitCode.BUDGET
