"""The sandbox of a machine that has nothing but util-linux: namespaces by unshare(1), and a new root by mount(8).

The script is constant; what varies reaches it as arguments, and the mounts as a table in the form of fstab(5).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from phasegate.doors.processes import OUTPUT_LIMIT, Execution, execute
from phasegate.doors.sandbox.layout import HOME, SHARED_MEMORY, TEMPORARY, WORKSPACE, Layout, child_environment

TMPFS_SIZE = 2 * 1024**3
"""Bytes a command may put into /tmp, and as many into /dev/shm: they are memory."""
TOOLS = ("cp", "ln", "mkdir", "mount", "pivot_root", "rm", "rmdir", "setpriv", "sh", "umount", "unshare")
TOOL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the tools are taken from, whatever the user's PATH says."""

_ROOT = Path("/sys")  # where the new root is put together: a directory every machine has, and nothing inside needs
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup")

_SCRIPT = r"""
set -euf
user=$1 group=$2 path=$3 table=$4 links=$5 files=$6
shift 6

# A new root, of the allow-list. The option -n keeps mount from noting all this in the host's /run.
mount -n -t tmpfs -o mode=0755,nosuid,nodev,size=64m tmpfs /sys
cd /sys
mkdir dev old
for name in full null random tty urandom zero; do : > "dev/$name"; done
printf '%s' "$table" > table
mount -n -a -T /sys/table
cp -P --parents $links /dev/fd /dev/stdin /dev/stdout /dev/stderr .
[ -z "$files" ] || cp -L --parents $files .
ln -s pts/ptmx dev
mkdir tmp/home
pivot_root . old
cd /
umount -n -l old

# No further user namespace for the command: in its own it would have every capability again. An ordinary user is
# mapped back to himself below, and uses up the one that takes.
[ "$user" = 0 ] && namespaces=0 || namespaces=1
echo "$namespaces" > /proc/sys/user/max_user_namespaces

# Whatever is mounted now, wherever it came from, can be read only, but for the places that are there to be written.
# The superuser could change the kernel's settings below /proc; others need it to be mapped back.
while read -r _ _ _ _ place options _; do
    case $user:$place in
        *:/ | *:/dev/* | *:/tmp | *:/workspace) continue ;;
        0:/proc) ;;
        *:/proc) continue ;;
    esac
    case $options in *noexec*) kept=,noexec ;; *) kept= ;; esac
    printf 'sandbox %s none remount,bind,ro,nosuid,nodev%s 0 0\n' "$place" "$kept"
done < /proc/self/mountinfo > table
mount -n -a -T /table
rm -d table old
mount -n -o remount,bind,ro,nosuid,nodev /
! command -v ip > /dev/null || ip link set lo up || :

# From here on without capabilities. Process 1 stays a shell: it buries orphans, and is not killed by its children.
setpriv=$(command -v setpriv) unshare=$(command -v unshare) sh=$(command -v sh) PATH=$path
drop='--no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all'
cd /workspace
set -- "$setpriv" $drop -- "$@"
if [ "$user" != 0 ]; then
    set -- "$unshare" --user --keep-caps --map-user="$user" --map-group="$group" -- "$@"
    drop="$drop,+setfcap" # asked of whoever maps the superuser of a namespace, user_namespaces(7)
fi
exec "$setpriv" $drop -- "$sh" -c '"$@"; exit "$?"' sandbox "$@"
"""


@dataclass(frozen=True, slots=True)
class Unshare:
    """Runs commands in new namespaces. `inner` is what the command is handed to: limits and a shell."""

    layout: Layout
    inner: tuple[str, ...]
    namespaces: tuple[str, ...] = _NAMESPACES
    script: str = _SCRIPT
    name: str = "unshare"

    def run(self, command: str, *, root: Path, timeout: float, output_limit: int = OUTPUT_LIMIT) -> Execution:
        """Run a command with `root` as its work tree."""
        argv = (
            *("setpriv", "--pdeathsig=KILL", "--"),
            *("unshare", *self.namespaces, "--fork", "--kill-child", "--"),
            *("sh", "-c", self.script, "sandbox", str(os.geteuid()), str(os.getegid()), self.layout.path),
            mount_table(self.layout, root.resolve()),
            " ".join(str(path) for path, _ in self.layout.links),
            " ".join(map(str, self.layout.files)),
            *self.inner,
            command,
        )
        environ = child_environment(TOOL_PATH, home=HOME, temporary=TEMPORARY)
        return execute(argv, cwd=root, environ=environ, timeout=timeout, output_limit=output_limit)


def mount_table(layout: Layout, root: Path) -> str:
    """Return the lines of fstab(5) that put the new root together, in order; `root` becomes the work tree."""
    limited = f"mode=1777,nosuid,nodev,size={TMPFS_SIZE}"
    return "".join(
        (
            _line("proc", Path("/proc"), "proc", "nosuid,nodev,noexec"),
            *(_line(f"/dev/{name}", Path("/dev", name), "none", "bind") for name in _DEVICES),
            _line("devpts", Path("/dev/pts"), "devpts", "newinstance,ptmxmode=0666,mode=0620,nosuid,noexec"),
            _line("tmpfs", SHARED_MEMORY, "tmpfs", limited),
            _line("tmpfs", TEMPORARY, "tmpfs", limited),
            *(_line(str(path), path, "none", "rbind") for path in layout.system),
            *(_line("tmpfs", path, "tmpfs", "mode=0755,nosuid,nodev,size=1m") for path in layout.hidden),
            *(_line(str(path), path, "none", "rbind") for path in layout.exposed),
            _line(str(root), WORKSPACE, "none", "rbind"),
        )
    )


def _line(source: str, place: Path, kind: str, options: str) -> str:
    target = _escaped(str(_ROOT / place.relative_to("/")))
    return f"{_escaped(source)} {target} {kind} {options},X-mount.mkdir 0 0\n"


def _escaped(path: str) -> str:
    """Return a path as fstab(5) wants it: what would end a field, or start an escape, in octal."""
    return "".join(f"\\{ord(character):03o}" if character in " \t\n\\" else character for character in path)
