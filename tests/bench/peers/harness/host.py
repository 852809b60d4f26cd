"""One workload of one peer: a process that embeds the pool."""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .family import Family


class HostFailed(Exception):
    """The host ended badly or not in time."""


class Host:
    """Prints a line of JSON for each row. It and all that came from it end with the `with` block."""

    def __init__(
        self, command: list[str], directory: Path, environment: Mapping[str, str], seconds: float
    ) -> None:
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._errors = tempfile.TemporaryFile()
        self.started_ns = time.monotonic_ns()
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.family = Family(self.pid)

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.family.end()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def rows(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Each row with its figures and when it came, in ns. Raises HostFailed."""
        for line in self._lines():
            came_ns = time.monotonic_ns()
            try:
                rows = json.loads(line)
            except ValueError as other:
                raise HostFailed(f"it prints what is no row: {line[:80]!r}") from other
            for row, figures in rows.items():
                yield row, figures, came_ns
        if status := self._process.wait():
            raise HostFailed(f"exit status {status}: {self._last_words()}")

    def _lines(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        pipe = self._process.stdout
        unread = b""
        while self._process.poll() is None or _is_readable(pipe, 0):
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise HostFailed(f"not done in {self._seconds:.0f} s. {self._last_words()}".strip())
            if not _is_readable(pipe, min(left, 0.1)):
                continue
            if not (some := os.read(pipe.fileno(), 65_536)):
                return
            *whole, unread = (unread + some).split(b"\n")
            yield from whole

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _is_readable(pipe: Any, seconds: float) -> bool:
    return bool(select.select([pipe], [], [], seconds)[0])
