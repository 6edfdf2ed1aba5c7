"""The operating system's lock on an open file, which ends with the process that holds it, killed or not."""

from __future__ import annotations

import os


def take(descriptor: int) -> bool:
    """Take the lock on an open file; False if another process has it."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # a byte past the text, which stays readable
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
