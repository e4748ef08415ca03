"""A real bare git repository on disk, and what the server asks of it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ZERO = "0" * 40
_SETTINGS = {
    "receive.hideRefs": "refs/pull",  # GitHub keeps these; a push to one is refused
    "uploadpack.allowAnySHA1InWant": "true",  # GitHub serves any commit it has by its id
    "uploadpack.allowFilter": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
}
# What GitHub refuses at a push: a protected branch, and workflow files from an app without the right to change them.
_PRE_RECEIVE = """#!/bin/sh
while read -r old new ref; do
  case " $FAKEHUB_PROTECTED " in *" $ref "*)
    echo "error: GH006: Protected branch update failed for $ref." >&2
    exit 1 ;;
  esac
  test "$FAKEHUB_WORKFLOWS" = refused || continue
  expr "$new" : '0*$' >/dev/null && continue
  file=$(git rev-list "$new" --not --all |
    git diff-tree --stdin -r -m --root --no-commit-id --name-only -- .github/workflows | head -n 1)
  test -z "$file" && continue
  echo "refusing to allow a GitHub App to create or update workflow \\`$file\\` without \\`workflows\\` permission" >&2
  exit 1
done
"""


class GitRefusedError(Exception):
    """Git would not do what was asked; its message."""


def git_environ() -> dict[str, str]:
    """The environment of every git process here: nothing of the user's, nothing of the system's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


class BareRepository:
    """One bare repository. Names of refs are full ones (`refs/heads/main`)."""

    def __init__(self, path: Path, default_branch: str) -> None:
        """Make it, empty."""
        self.path = path
        path.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", f"--initial-branch={default_branch}")
        with (path / "config").open("a") as config:
            for name, value in _SETTINGS.items():
                section, key = name.split(".")
                config.write(f"[{section}]\n\t{key} = {value}\n")
        hook = path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_PRE_RECEIVE)
        hook.chmod(0o755)

    def resolve(self, name: str) -> str | None:
        """The id of a ref, or None when there is none."""
        done = self._run("rev-parse", "--quiet", "--verify", "--end-of-options", name)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """All refs below a prefix of whole path parts, with their ids."""
        lines = self._git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name: oid for name, oid in (line.split() for line in lines) if name.startswith(prefix)}

    def kind(self, oid: str) -> str | None:
        """What an id is (commit, tree, blob, tag), or None when it is not here."""
        done = self._run("cat-file", "-t", oid)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self._run("cat-file", "blob", oid).stdout

    def entries(self, commit: str, path: str = "") -> dict[str, tuple[str, str, str]] | None:
        """The files and folders of a folder: name -> (mode, kind, id); None when it is no folder."""
        where = f"{commit}:{path}" if path else f"{commit}^{{tree}}"
        done = self._run("ls-tree", "-z", where)
        if done.returncode:
            return None
        found = {}
        for line in filter(None, done.stdout.decode(errors="surrogateescape").split("\0")):
            meta, name = line.split("\t", 1)
            mode, kind, oid = meta.split()
            found[name] = (mode, kind, oid)
        return found

    def commit(self, oid: str) -> tuple[str, list[str], str]:
        """The tree, the parents and the message of a commit."""
        head, _, message = self._git("cat-file", "commit", oid).partition("\n\n")
        lines = [line.split(" ", 1) for line in head.splitlines()]
        return lines[0][1], [value for name, value in lines if name == "parent"], message

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether a ref at `old` gets to `new` without losing a commit."""
        return self._run("merge-base", "--is-ancestor", old, new).returncode == 0

    def has_common_history(self, one: str, other: str) -> bool:
        """Whether two commits have an ancestor in common."""
        return self._run("merge-base", one, other).returncode == 0

    def count_commits(self, base: str, head: str) -> int:
        """How many commits the head has beyond the base."""
        return int(self._git("rev-list", "--count", f"{base}..{head}"))

    def diff_size(self, base: str, head: str) -> tuple[int, int, int]:
        """Lines added and removed, and files changed, since the head left the base."""
        rows = [line.split("\t") for line in self._git("diff", "--numstat", f"{base}...{head}").splitlines()]
        added, removed = (sum(int(row[at]) for row in rows if row[at] != "-") for at in (0, 1))
        return added, removed, len(rows)

    def update(self, changes: Mapping[str, tuple[str, str | None]]) -> None:
        """Set refs, all or none: name -> (new id, the id it must have now, None for any).

        Zeros stand for "none". Raises GitRefusedError when one of them is not what it must be.
        """
        lines = (f"update {name} {new} {old or ''}".rstrip() + "\n" for name, (new, old) in changes.items())
        done = self._run("update-ref", "--stdin", stdin="".join(lines).encode())
        if done.returncode:
            raise GitRefusedError(done.stderr.decode().strip())

    def commit_files(
        self, branch: str, files: Mapping[str, str | bytes | None], message: str, author: str, start: str = "HEAD"
    ) -> str:
        """Commit files (None removes one) on top of a branch, made at `start` if need be; gives the commit's id."""
        ref = f"refs/heads/{branch}"
        old = self.resolve(ref)
        tip = old or self.resolve(start)
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{os.urandom(4).hex()}")}
        try:
            tree = self._write_tree(tip, files, index)
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        commit = self.commit_tree(tree, [tip] if tip else [], message, author)
        self.update({ref: (commit, old or ZERO)})
        return commit

    def commit_tree(self, tree: str, parents: list[str], message: str, author: str) -> str:
        """Make a commit object; no ref is touched."""
        mail = f"{author}@users.noreply.example"
        person = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
                  (("NAME", author), ("EMAIL", mail))}  # fmt: skip
        options = [option for parent in parents for option in ("-p", parent)]
        return self._git("commit-tree", tree, *options, "-m", message, environ=person)

    def merge_tree(self, base: str, head: str) -> str | None:
        """The tree of a merge, or None when it conflicts."""
        done = self._run("merge-tree", "--write-tree", base, head)
        return done.stdout.decode().split()[0] if done.returncode == 0 else None

    def _write_tree(self, tip: str | None, files: Mapping[str, str | bytes | None], index: dict[str, str]) -> str:
        self._git("read-tree", tip or "--empty", environ=index)
        lines = []
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            oid = ZERO if data is None else self._git("hash-object", "-w", "--stdin", stdin=data)
            lines.append(f"{'0' if data is None else '100644'} {oid}\t{name}\0")
        self._git("update-index", "-z", "--index-info", stdin="".join(lines).encode(), environ=index)
        return self._git("write-tree", environ=index)

    def _git(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> str:
        done = self._run(*arguments, stdin=stdin, environ=environ)
        if done.returncode:
            raise GitRefusedError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="surrogateescape").removesuffix("\n")

    def _run(
        self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        command = ["git", "--git-dir", str(self.path), *arguments]
        return subprocess.run(
            command, env=git_environ() | dict(environ or {}), input=stdin, capture_output=True, check=False
        )
