"""Times and what is said of them. Durations are in ns inside, in µs in what is reported."""

import math
from collections.abc import Callable, Iterable
from time import monotonic_ns as now

__all__ = ["now", "rank", "repeat", "resident", "spread"]


def repeat(sample: Callable[[], int], count: int, budget_s: float) -> list[int]:
    """Up to `count` samples, fewer if they take longer than the budget, at least one."""
    end = now() + int(budget_s * 1e9)
    samples = [sample()]
    while len(samples) < count and now() < end:
        samples.append(sample())
    return samples


def spread(samples: Iterable[int]) -> dict[str, object]:
    """Of fewer than 100 samples the p99 is the slowest."""
    ordered = sorted(samples)
    mean = sum(ordered) / len(ordered)
    return {
        "p50_us": rank(ordered, 0.50) / 1e3,
        "p99_us": rank(ordered, 0.99) / 1e3,
        "mean_us": mean / 1e3,
        "n": len(ordered),
    }


def rank(ordered: list[int], share: float) -> int:
    return ordered[math.ceil(share * len(ordered)) - 1]


def resident() -> int:
    """The resident memory of this process, in bytes."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
