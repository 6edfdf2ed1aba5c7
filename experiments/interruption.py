"""Ctrl-C ends the main job within two seconds, even while compiled code runs. Files are never half-written."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from types import TracebackType
from typing import Final

#: Seconds that Python gets to unwind after Ctrl-C before the process is ended from outside.
PATIENCE: Final = 0.6


class Interruptible:
    """Within this context, Ctrl-C raises KeyboardInterrupt as usual; where that takes too long, the process ends.

    Python handles a signal between two bytecodes, which may be minutes away while a compiled loop runs. A second thread
    is told at once; it waits for :data:`PATIENCE` seconds, says ``message`` and ends the process with status 130.
    Nothing is lost by that: every file appears by an atomic replacement, and workers follow their parent.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        self.done = threading.Event()

    def __enter__(self) -> Interruptible:
        self.active = threading.current_thread() is threading.main_thread()
        if self.active:
            self.receiver, sender = socket.socketpair()
            sender.setblocking(False)
            self.sender = sender
            self.previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            self.done.set()
            signal.set_wakeup_fd(self.previous)
            self.sender.close()

    def _watch(self) -> None:
        with self.receiver:
            while number := self.receiver.recv(1):
                if number[0] == signal.SIGINT and not self.done.wait(PATIENCE):
                    print(self.message, file=sys.stderr, flush=True)
                    os._exit(130)
