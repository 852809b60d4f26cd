"""One peer through all workloads."""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from .family import resident_bytes
from .host import Host, HostFailed
from .plan import WORKLOADS, Plan

Figures = dict[str, Any]


class Measurement:
    """Runs a peer's hosts, each in a process of its own, and keeps what they print."""

    def __init__(self, command: list[str], directory: Path, environment: dict[str, str], plan: Plan) -> None:
        self._command = command
        self._directory = directory
        self._environment = environment
        self._plan = plan
        self._end = time.monotonic() + plan["peer_s"]
        self.rows: dict[str, Figures] = {}

    def run(self, name: str, beginning: str) -> None:
        """All workloads that begin so, one after another. A row that does not come says why."""
        for workload, rows in WORKLOADS.items():
            if not workload.startswith(beginning):
                continue
            start = time.monotonic()
            try:
                self._run(workload)
            except HostFailed as failure:
                print(f"{name}: {workload}: {failure}", file=sys.stderr, flush=True)
                reason = str(failure)
            else:
                reason = "the host ended without it"
            for row in rows:
                self.rows.setdefault(row, {"failed": reason})
            print(f"{name}: {workload} took {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)

    def _run(self, workload: str) -> None:
        match workload:
            case "w5":
                self._launches()
            case "w7":
                self._memory()
            case _:
                with self._host(workload) as host:
                    for row, figures, _ in host.rows():
                        self.rows[row] = figures

    def _launches(self) -> None:
        """W5, from a new process each time: from the pool's making, and from the start of its host."""
        samples: dict[str, list[float]] = {"w5": [], "w5_process": []}
        for _ in range(self._plan["launches"]):
            with self._host("w5") as host:
                for row, figures, came_ns in host.rows():
                    samples[row].append(figures["p50_us"])
                    samples["w5_process"].append((came_ns - host.started_ns) / 1e3)
        for row, times in samples.items():
            figures = {"p50_us": statistics.median_low(times), "p99_us": max(times)}
            self.rows[row] = figures | {"mean_us": statistics.fmean(times), "n": len(times)}

    def _memory(self) -> None:
        """W7, looked at from outside, the same way for all."""
        with self._host("w7") as host:
            if (first := next(host.rows(), None)) is None:
                raise HostFailed("it ended before it was idle")
            _, idle, _ = first
            try:
                self.rows["w7"] = {
                    "host_rss_bytes": resident_bytes(host.pid),
                    "worker_rss_bytes": resident_bytes(idle["worker"]),
                    "all_pss_bytes": host.family.proportional_bytes(),
                }
            except OSError as gone:
                raise HostFailed("a process ended while all should be idle") from gone

    def _host(self, workload: str) -> Host:
        command = [*self._command, workload, json.dumps(self._plan)]
        seconds = min(self._plan["deadline_s"], self._end - time.monotonic())
        if seconds <= 0:
            raise HostFailed(f"not tried: the {self._plan['peer_s']} s for this peer are over")
        return Host(command, self._directory, os.environ | self._environment, seconds)
