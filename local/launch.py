"""Become another program that dies with its parent: `launch.py PARENT SIGNAL UID GID PROGRAM…`.

Run as a script in the child, because code between fork and exec of a threaded process may deadlock
and because a change of user clears the parent-death signal: the order here matters.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Drop to UID, ask the kernel for SIGNAL when PARENT dies, then execute PROGRAM."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.chdir("/")  # the old folder may be closed to the new user
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the request above could reach the kernel
        sys.exit(f"{program[0]}: the process that started it is gone")
    os.execvp(program[0], program)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
