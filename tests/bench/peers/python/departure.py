"""The end of a foreign process."""

import os
import select
import threading

from measure import now


class Departure:
    """Notes when a process is gone. The kernel wakes a thread for it, so that the host does not poll."""

    def __init__(self, pid: int) -> None:
        self._process = os.pidfd_open(pid)
        self._at: int | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        poll.poll()
        self._at = now()
        os.close(self._process)

    def wait(self, seconds: float) -> int | None:
        """The time of the end in ns, or None if the process is still there."""
        self._thread.join(seconds)
        return self._at
