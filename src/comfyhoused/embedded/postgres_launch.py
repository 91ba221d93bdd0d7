"""Becomes the bundled Postgres: `python postgres_launch.py PROGRAMS FOLDER ROLE --NAME=VALUE…`.

A program of its own, of the standard library only. It gives up root where it has it, because
Postgres refuses it; makes the database where there is none; and then is Postgres: its process
id stays, and a fast shutdown (SIGINT) follows its parent's death.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

DATA = "data"
_UNFINISHED = "data.new"
_NOBODY = 65534
_CLONE_NEWUSER = 0x1000_0000
_PR_SET_PDEATHSIG = 1


def leave_root(folder: Path, program: Path) -> None:
    """Stop being root: in a user namespace where the system has them, else as `nobody`.

    In the namespace we are 65534 to ourselves and to Postgres, and outside still who we are: the
    files stay ours wherever they are.
    """
    if sys.platform == "linux" and _can_enter_namespace():
        _give(folder, 0, 0)
        _enter_namespace()
        return
    nobody = pwd.getpwnam("nobody")
    _give(folder, nobody.pw_uid, nobody.pw_gid)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    if not (os.access(folder, os.W_OK | os.X_OK) and os.access(program, os.X_OK)):
        sys.exit(
            "Postgres does not run as root, and as `nobody` it cannot reach "
            f"{folder} or {program}. Run the house as an ordinary user, or set CH_DATABASE_URL."
        )


def make_cluster(programs: Path, folder: Path, role: str, *, is_lasting: bool) -> None:
    """Make the database files, whole or not at all."""
    unfinished = folder / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions")
    # Letters are what Unicode says, on every system alike.
    letters = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    names = (f"--username={role}", f"--pwfile={folder / 'password'}", f"--pgdata={unfinished}")
    sync = () if is_lasting else ("--no-sync",)
    _run(str(programs / "initdb"), *names, *options, *letters, *sync)
    alone = (str(programs / "postgres"), "--single", "-D", str(unfinished), "template1")
    _run(*alone, words=f"CREATE DATABASE {role}\n")
    unfinished.rename(folder / DATA)


def find_stale_process(data: Path) -> int | None:
    """Return the process id that a server which is gone left behind, where another has it now.

    After a restart of the machine, or of a container, the number may be somebody else's.
    """
    note = data / "postmaster.pid"
    if not note.exists():
        return None
    first = note.read_text().partition("\n")[0].strip()
    words = Path("/proc", first, "cmdline")
    if not first.isdecimal() or not words.exists():
        return None
    return None if b"postgres" in words.read_bytes().partition(b"\0")[0] else int(first)


def main() -> None:
    parent = os.getppid()
    programs, folder, role = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    options = sys.argv[4:]
    server, data = programs / "postgres", folder / DATA
    os.umask(0o077)
    os.environ["LC_ALL"] = "C"
    stale = find_stale_process(data)
    if stale is not None:
        # Postgres then knows that the number is not a server's; its other checks stand.
        os.environ["PG_GRANDPARENT_PID"] = str(stale)
    if os.geteuid() == 0:
        leave_root(folder, server)
    _end_with(parent)
    if not data.exists():
        make_cluster(programs, folder, role, is_lasting="--fsync=off" not in options)
    os.execv(server, [str(server), "-D", str(data), *options])  # noqa: S606  no shell is wanted


def _end_with(parent: int) -> None:
    """Have the kernel send SIGINT when our parent dies; a change of user took that away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != parent:
            sys.exit("The parent is gone.")


def _can_enter_namespace() -> bool:
    """Try it in a child: half entered, there would be no way back."""
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _enter_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    for kind in ("uid_map", "gid_map"):
        Path("/proc/self", kind).write_text(f"{_NOBODY} 0 1")


def _give(folder: Path, user: int, group: int) -> None:
    """Have everything in the folder belong to the one who will use it."""
    if folder.stat().st_uid == user:
        return
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(place, name), user, group, follow_symlinks=False)
    os.chown(folder, user, group)


def _run(*command: str, words: str = "") -> None:
    done = subprocess.run(command, input=words, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name} ended with code {done.returncode}.")


if __name__ == "__main__":
    main()
