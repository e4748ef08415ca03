"""Fetches from and pushes to a repository on a server, with a token that git reads from a file and nobody keeps.

The token is in no argument, no variable, no configuration of the clone and no message: it stands in a configuration
file of ours, readable for us alone, that exists while the one command runs.
"""

import base64
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from phasegate.doors.git.branches import full_name
from phasegate.doors.git.objects import Sha, check_sha
from phasegate.doors.git.program import Answer, GitProgram
from phasegate.doors.git.remote_failures import is_of_the_network, refusal
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.github.inputs import check_repository, check_token
from phasegate.doors.github.wire import check_url
from phasegate.errors import RefusedError, UserError

TIMEOUT = 900.0
"""Seconds that one transfer may take."""
DEPTHS = (64, 512, 4096)
"""How many commits of a branch are fetched to find where it began, one after the other."""
WAITS = (2.0, 8.0)
"""Seconds before a transfer that the network broke is tried again."""

_KEPT = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO")
"""What a company's machine needs to reach the server; none of it is a secret of ours."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head")
_PUSH = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
_SETTINGS = """\
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 60
[credential]
	helper =
[gc]
	auto = 0
[transfer]
	fsckObjects = true
[fetch "fsck"]
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
	zeroPaddedFilemode = ignore
"""
"""The three faults that are let pass are of old versions of git; they harm nothing, and old repositories have them."""


@dataclass(frozen=True, slots=True)
class RemoteGit:
    """A repository on a server, and the clone of it that this job works in."""

    directory: Path
    url: str
    _program: GitProgram = field(repr=False)
    _token: str = field(repr=False)
    _kept: Mapping[str, str] = field(repr=False)
    _sleep: Callable[[float], None] = field(repr=False)

    @classmethod
    def clone(
        cls,
        directory: Path,
        url: str,
        *,
        base: Sha,
        token: str,
        environ: Mapping[str, str],
        sleep: Callable[[float], None],
    ) -> Self:
        """Make a clone with the commit `base` and nothing before it: HEAD is there, no file is checked out.

        `directory` is made, or is empty. Without a token (an empty one) only what is public can be read. `environ`
        gives `PATH`, `TMPDIR` and the settings of a proxy; `sleep` waits after a transfer that the network broke.
        Raises `ForgeError`, and `UserError` for a directory or an address that will not do.
        """
        kept = {name: environ[name] for name in _KEPT if name in environ}
        program, secret = GitProgram.find(environ), check_token(token) if token else ""
        clone = cls(directory, check_url(url), program, secret, kept, sleep)
        clone._make(check_sha(base))
        return clone

    def fetch(self, *commits: Sha) -> None:
        """Get these commits without what came before them; those that are there already stay as they are.

        Raises `ForgeError`.
        """
        missing = [sha for sha in commits if self._local("cat-file", "-e", f"{check_sha(sha)}^{{commit}}").code != 0]
        if missing:
            self._fetched(1, *missing)

    def fetch_branch(self, tip: Sha, *, base: Sha) -> None:
        """Get the commits from `base` to `tip`, both included.

        Raises `RefusedError` when `base` is not among the 4096 commits up to `tip`, and `ForgeError`.
        """
        self.fetch(base)
        for depth in DEPTHS:
            if self._reaches(check_sha(tip), base):
                return
            self._fetched(depth, tip)
        if not self._reaches(tip, base):
            raise RefusedError(
                f"The branch at {tip} does not lead back to {base}.",
                cause="It was rewritten, or made from something else.",
                mend="Start the run again from the present state of the repository.",
            )

    def tip(self, branch: str) -> Sha | None:
        """Return where a branch is on the server; None when it is not there. Raises `ForgeError`."""
        name = full_name(branch)
        answer = self._transfer("read the branches", "ls-remote", "--quiet", self.url, name)
        pairs = (line.split("\t") for line in answer.output.decode(errors="replace").splitlines())
        return next((check_sha(pair[0]) for pair in pairs if pair[1:] == [name]), None)

    def push(self, branch: str, *, new: Sha, old: Sha | None) -> None:
        """Move a branch on the server to `new` if it is still at `old` (None: if it is not there yet).

        Raises `RefusedError` when it has moved, and `ForgeError` when the server refuses.
        """
        name, expected = full_name(branch), check_sha(old) if old else ""
        lease, change = f"--force-with-lease={name}:{expected}", f"{check_sha(new)}:{name}"
        try:
            self._transfer(f"push {branch}", *_PUSH, lease, self.url, change)
        except ForgeError:
            # A connection may break after the server has done it, and then the branch seems to have moved.
            now = self.tip(branch)
            if now == new:
                return
            if now == old:
                raise
            raise RefusedError(
                f"The branch {branch!r} has moved: expected {old or 'no branch'}, found {now or 'none'}.",
                cause="Somebody else pushed to it.",
                mend="Look at what is there now, and start again from it.",
            ) from None

    def _make(self, base: Sha) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            occupied = any(self.directory.iterdir())
        except OSError as error:
            raise UserError(f"The clone cannot be made in {self.directory}: {error.strerror}.") from None
        if occupied:
            raise UserError(f"The clone cannot be made in {self.directory}: it is not empty.")
        form = f"--object-format={'sha1' if len(base) == 40 else 'sha256'}"  # noqa: PLR2004 -- the length of a SHA-1
        self._program.run("init", "--quiet", "--template=", "--initial-branch=none", form, cwd=self.directory)
        self.fetch(base)
        self._program.run("update-ref", "--no-deref", "HEAD", base, cwd=self.directory)

    def _local(self, *arguments: str) -> Answer:
        return self._program.attempt(*arguments, cwd=self.directory)

    def _reaches(self, tip: Sha, base: Sha) -> bool:
        return self._local("merge-base", "--is-ancestor", base, tip).code == 0

    def _fetched(self, depth: int, *commits: Sha) -> None:
        # Without a reference of its own a commit would be sent again with the next transfer.
        wanted = [f"+{sha}:refs/phasegate/{sha}" for sha in commits]
        self._transfer(f"fetch {', '.join(commits)}", *_FETCH, f"--depth={depth}", self.url, *wanted)

    def _transfer(self, doing: str, *arguments: str) -> Answer:
        for wait in (*WAITS, None):
            with self._authorised() as environ:
                answer = self._program.attempt(*arguments, cwd=self.directory, environ=environ, timeout=TIMEOUT)
            if answer.code == 0:
                return answer
            said = f"{answer.complaint}\n{answer.output.decode(errors='replace')}"
            if wait is None or not is_of_the_network(said):
                break
            self._sleep(wait)
        raise refusal(doing, said.replace(self._token, "[token]") if self._token else said)

    @contextmanager
    def _authorised(self) -> Iterator[Mapping[str, str]]:
        """Give the environment of a command that may speak with the server, for the length of a block."""
        try:
            with tempfile.TemporaryDirectory(prefix="phasegate-git-", dir=self._program.temporary) as name:
                path = Path(name) / ".gitconfig"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(_SETTINGS + self._header())
                protocol = self.url.partition(":")[0]
                # Before 2.32 git knows no GIT_CONFIG_GLOBAL, and looks into HOME.
                configuration = {"GIT_CONFIG_GLOBAL": str(path), "HOME": name}
                yield {**self._kept, **configuration, "GIT_ALLOW_PROTOCOL": protocol}
        except OSError as error:
            what = f"The temporary directory cannot be used: {error.strerror}."
            raise UserError(what, mend="Make room there, or point TMPDIR elsewhere.") from None

    def _header(self) -> str:
        if not self._token:
            return ""
        credentials = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        return f'[http "{self.url}"]\n\textraHeader = "Authorization: Basic {credentials}"\n'


def repository_url(server_url: str, repository: str) -> str:
    """Return the address of a repository for git. Raises `UserError` for what cannot be a server or a repository."""
    return f"{check_url(server_url)}/{check_repository(repository)}.git"
