"""Become another program that dies with its parent: `launch.py PARENT SIGNAL USER PROGRAM ARGS…`.

Run as a script in the child, because code between fork and exec of a threaded process may deadlock
and because a change of user clears the parent-death signal: the order here matters.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
KEEP_USER = "-"


def main(arguments: list[str]) -> None:
    """Drop to USER, ask the kernel for SIGNAL when PARENT dies, then execute PROGRAM."""
    parent, death_signal, user, *program = arguments
    if user != KEEP_USER:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):  # it died before the request above could reach the kernel
        sys.exit(f"{program[0]}: the process that started it is gone")
    os.execvp(program[0], program)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
