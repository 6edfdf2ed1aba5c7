"""The end of a command in a shell: closed streams and readers that have gone are no errors of the program."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Final

#: The status of a command whose reader has gone, as a shell reports the end by SIGPIPE.
GONE: Final = 141


def in_shell(main: Callable[[], int]) -> int:
    """Run ``main`` at the end of a pipe or without one; its status, :data:`GONE`, or 3 where a file cannot be had."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell; a file opened later must not take its number
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode still gets its table
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that closing it does not raise again
        return GONE
    except OSError as error:
        print(f"Cannot continue: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 3
    return status
