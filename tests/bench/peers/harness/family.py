"""A process and all that came from it."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

GRACE_S = 2.0


class Family:
    """The processes of one session. It is that of a process that was started with a session of its own."""

    def __init__(self, session: int) -> None:
        self._session = session

    def members(self) -> list[int]:
        """Those that are alive. One that was reaped by nobody yet is not."""
        pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
        return [pid for pid in pids if self._has(pid)]

    def _has(self, pid: int) -> bool:
        try:
            state, _, _, session, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return int(session) == self._session and state != "Z"

    def end(self) -> None:
        """Kills all, and returns when they are gone.

        Python's resource trackers come last: they take away the semaphores of a pool, which would else be
        left in /dev/shm, and end by themselves once nobody else is there.
        """
        self._kill_until_gone(lambda pid: not _is_tracker(pid), 60.0)
        end = time.monotonic() + GRACE_S
        while self.members() and time.monotonic() < end:
            time.sleep(0.002)
        self._kill_until_gone(lambda _: True, 60.0)

    def _kill_until_gone(self, wanted: Callable[[int], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while pids := [pid for pid in self.members() if wanted(pid)]:
            if time.monotonic() > end:
                raise TimeoutError(f"processes {pids} do not die of SIGKILL")
            for pid in pids:
                _kill(pid)
            time.sleep(0.002)

    def proportional_bytes(self) -> int:
        """The memory of all, where shared pages count in parts."""
        return sum(_memory(pid, "Pss:", "smaps_rollup") for pid in self.members())


def resident_bytes(pid: int) -> int:
    return _memory(pid, "VmRSS:", "status")


def _memory(pid: int, key: str, file: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def _is_tracker(pid: int) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
