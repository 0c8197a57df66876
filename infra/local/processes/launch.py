"""Becomes another program that ends when its starter ends.

Run as `python -I -S launch.py <parent pid> <signal> <login or -> <niceness> <program> [argument ...]`. It is a step of
its own because a process with threads can deadlock if it does this between fork and exec. On Linux the kernel sends the
signal when the parent is gone, even by kill -9; elsewhere the next `make run` finds what was left.
"""

import contextlib
import ctypes
import os
import pwd
import sys
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")
PR_SET_PDEATHSIG = 1


def become_login(login: str) -> None:
    """Gives up root for good. Comes before the death signal is asked for, which a change of user clears."""
    entry = pwd.getpwnam(login)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def yield_processors(niceness: int) -> None:
    """Yields to every other process. Where the kernel groups processes by session, `nice` counts only within a group,
    and the group's own niceness counts between them.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness))


def end_with_parent(parent: int, signal_number: int) -> None:
    """Asks for the signal, then looks whether the parent has gone in between."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit("whoever started this has gone")


def main() -> None:
    """Never returns: either another program or an exit."""
    _, parent, signal_number, login, niceness, *command = sys.argv
    yield_processors(int(niceness))
    if login != "-":
        become_login(login)
    end_with_parent(int(parent), int(signal_number))
    os.execvp(command[0], command)  # noqa: S606 - becoming another program is what this is for


main()
