"""Which system account runs PostgreSQL, and which folders it can reach: it refuses to be root."""

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from local.processes import Account, StackError

UNPRIVILEGED = ("postgres", "nobody", "daemon")  # the first that exists on the machine
FALLBACK = Path("/var/lib/drawdown")  # for root, when the account cannot enter the chosen folder


def account_for(data: Path) -> Account | None:
    """Return the user to run as on `data`: its owner, or None if we are not root."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    message = f"PostgreSQL refuses to run as root: create an account {' or '.join(UNPRIVILEGED)}"
    raise StackError("no_account", message)


def can_reach(account: Account, path: Path) -> bool:
    """Return whether the account may walk down to `path` and enter or run it, by its mode bits."""
    real = path.resolve()
    return all(_may_pass(account, step.stat()) for step in (real, *real.parents))


def fallback_for(folder: Path) -> Path:
    """Return the folder that stands in for `folder`: the same one on every start."""
    return FALLBACK / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]


def reachable_folder(account: Account | None, folder: Path) -> Path:
    """Return `folder`, made, or its stand-in when a parent is closed to the account.

    Permissions of folders that were there before are left as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if account is None or can_reach(account, folder):
        return folder
    return _open_folder(fallback_for(folder))


def reachable_tree(
    account: Account | None, tree: Path, program: str, parts: tuple[str, ...], name: str
) -> Path:
    """Return `tree`, or an open copy of its `parts` when the account cannot run its `program`."""
    if account is None or can_reach(account, tree / program):
        return tree
    copy = FALLBACK / name
    if not copy.exists():
        fresh = _open_folder(copy.with_name(f"{name}.{os.getpid()}"))
        for part in parts:
            _open_folder((fresh / part).parent)
            shutil.copytree(tree / part, fresh / part, symlinks=True, copy_function=_copy_open)
        for folder in (path for path in fresh.rglob("*") if path.is_dir()):
            folder.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another process was faster with the same copy
            shutil.rmtree(fresh)
    return copy


def hand_over(account: Account | None, folder: Path) -> None:
    """Make `folder` for the account alone, as PostgreSQL demands of its data folder."""
    folder.mkdir(mode=stat.S_IRWXU)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _open_folder(folder: Path) -> Path:
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    for step in reversed(missing):
        step.mkdir(exist_ok=True)
        step.chmod(0o755)
    return folder


def _copy_open(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    runs = Path(source).stat().st_mode & stat.S_IXUSR
    Path(target).chmod(0o755 if runs else 0o644)
    return target


def _may_pass(account: Account, step: os.stat_result) -> bool:
    if step.st_uid == account.uid:
        return bool(step.st_mode & stat.S_IXUSR)
    if step.st_gid == account.gid:
        return bool(step.st_mode & stat.S_IXGRP)
    return bool(step.st_mode & stat.S_IXOTH)
