"""What a command stands on: the repository, the configuration, the doors; built once, given to the phases."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from phasegate.agent.fence import Fence
from phasegate.documents.base import Frozen, Sha
from phasegate.documents.parsing import parse_model
from phasegate.documents.progress import Usage
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.anthropic.api import KEY_VARIABLE, AnthropicModel, model_for, no_key
from phasegate.doors.git.repository import Git
from phasegate.doors.local_forge import LocalForge
from phasegate.doors.model import Model
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.doors.sandbox.choice import Sandbox, Unconfined, choose_sandbox
from phasegate.doors.templates import Templates, template_directory
from phasegate.errors import UserError
from phasegate.phases.setting import Clock, Setting, Watch
from phasegate.policy.config import CONFIG_PATH, Config, overridden
from phasegate.policy.config_file import parse_config
from phasegate.policy.gates import gates_of
from phasegate.policy.scope import ProtectedPaths
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer

OPTIONS_FILE = "options.json"
REHEARSAL_LOG = "rehearsal.jsonl"
"""What a rehearsal was asked, with the exact bodies."""


class RunOptions(Frozen):
    """What a run was started with and goes on with."""

    rehearse: str | None = None
    no_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The repository that a command stands in, and the world around it."""

    git: Git
    forge: LocalForge
    environ: Mapping[str, str]
    clock: Clock
    model_url: str | None = None
    """Where the model's API is, if not at the provider's own address: a gateway."""

    @classmethod
    def find(cls, directory: Path) -> "Surroundings":
        """Return the surroundings of a directory. Raises `UserError` where there is no usable repository."""
        environ = dict(os.environ)
        clock = Clock(now=lambda: datetime.now(UTC), seconds=time.monotonic, sleep=time.sleep)
        if not directory.is_dir():
            raise UserError(f"{directory} is no directory.")
        git = Git.open(directory, environ=environ)
        return cls(git, LocalForge(git, clock.now), environ, clock)

    def config(self, base: Sha) -> Config:
        """Return the configuration at a commit. Raises `ConfigError`."""
        content = self.git.read(base, CONFIG_PATH)
        return parse_config(content.decode("utf-8", "replace") if content is not None else None)

    def keep_options(self, store: RunStore, options: RunOptions) -> None:
        """Remember what a run goes on with. Raises `UserError` when the disk refuses."""
        path = store.directory / OPTIONS_FILE
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(options.model_dump_json(), "utf-8")
            fresh.replace(path)
        except OSError as error:
            raise system_error(error) from error

    def options(self, store: RunStore) -> RunOptions:
        """Return what a run goes on with. Raises `DocumentError` for a broken file."""
        path = store.directory / OPTIONS_FILE
        return parse_model(path.read_bytes(), RunOptions, max_bytes=8192) if path.exists() else RunOptions()

    def check_model(self, options: RunOptions) -> None:
        """Raise `UserError` now rather than later if no model can be asked."""
        if options.rehearse is not None or self.environ.get(KEY_VARIABLE):
            return
        if self.config(self.git.resolve("HEAD")).provider.name == "anthropic":
            missing = no_key()
            raise UserError(f"{missing.what}.", cause=missing.cause, mend=missing.mend)

    def check_prices(self, config: Config) -> None:
        """Raise `UserError` now rather than in the middle of a run if some model has no price."""
        for _, tier in config.models:
            Prices(config.prices, config.provider.name).cost(tier.model, Usage())

    @contextmanager
    def setting(
        self,
        store: RunStore,
        options: RunOptions,
        watch: Watch,
        warn: Callable[[str], None],
        *,
        executes: bool = True,
    ) -> Iterator[Setting]:
        """Give the phases what they need, with the run locked; nothing is left behind.

        Without `executes` no sandbox is looked for, and nothing of the repository can be run.

        Raises `RefusedError` when another process works on the run, `UserError` for a bad configuration or script.
        """
        base, executes = store.progress.base_sha, executes and store.progress.purpose == "change"
        snapshot = store.get(store.progress.snapshot, Snapshot)
        config = overridden(self.config(base), snapshot.payload.overrides)
        files = {entry.path: entry.size for entry in self.git.tree(base)}
        with ExitStack() as stack:
            scratch = stack.enter_context(store.locked())
            # All that is temporary goes there, so that the next process finds what a killed one left.
            environ = {**self.environ, "TMPDIR": str(scratch)}
            yield Setting(
                git=Git.open(self.git.top, environ=environ),
                store=store,
                config=config,
                gates=gates_of(config, read=lambda path: self._text(base, path), files=files),
                model=stack.enter_context(self._model(store, options, config)),
                prices=Prices(config.prices, config.provider.name),
                templates=Templates(template_directory()),
                fence=Fence(secrets.token_hex(8)),
                clock=self.clock,
                sandbox=self._sandbox(config, options, environ, warn) if executes else None,
                scratch=scratch,
                watch=watch,
                files=files,
                protected=ProtectedPaths.of(config.protected),
            )

    def _text(self, base: Sha, path: str) -> str | None:
        content = self.git.read(base, path)
        return None if content is None else content.decode("utf-8", "replace")

    def _sandbox(
        self, config: Config, options: RunOptions, environ: Mapping[str, str], warn: Callable[[str], None]
    ) -> Sandbox | None:
        if options.no_sandbox:
            warn("--no-sandbox: what the model and the gates run can do all that you can do.")
            return Unconfined(environ)
        expose = [self.git.top / Path(path).expanduser() for path in config.sandbox.expose]
        choice = choose_sandbox(environ=environ, home=Path.home(), expose=expose)
        if choice.sandbox is None:
            warn("No sandbox works on this machine: the model gets no shell, and gates need --no-sandbox.")
        return choice.sandbox

    @contextmanager
    def _model(self, store: RunStore, options: RunOptions, config: Config) -> Iterator[Model]:
        if options.rehearse is not None:
            script = load_script(read_text(Path(options.rehearse), "The rehearsal"), source=options.rehearse)
            with ExitStack() as stack:
                server = stack.enter_context(RehearsalServer(script, store.directory / REHEARSAL_LOG))
                yield stack.enter_context(_closing(AnthropicModel("key-of-a-rehearsal", self.clock.sleep, server.url)))
            return
        model = model_for(
            config.provider,
            key=self.environ.get(KEY_VARIABLE),
            environ=self.environ,
            sleep=self.clock.sleep,
            base_url=self.model_url,
        )
        with _closing(model) if isinstance(model, AnthropicModel) else nullcontext(model) as asked:
            yield asked


@contextmanager
def _closing(model: AnthropicModel) -> Iterator[AnthropicModel]:
    try:
        yield model
    finally:
        model.close()


def read_text(path: Path, what: str) -> str:
    """Return the text of a file that a user named. Raises `UserError`."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path with a NUL
        raise UserError(f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def system_error(error: OSError) -> UserError:
    """Return what to tell the user when the system refuses to read or write."""
    where = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes) else ""
    return UserError(
        f"The system refuses: {error.strerror or error}{where}.",
        cause="The disk is full, or a directory is not writable.",
        mend="Make room, then `phasegate resume`: what was done is kept.",
    )
