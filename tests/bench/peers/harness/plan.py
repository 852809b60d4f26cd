"""How much is measured. One plan for all peers, whatever language they are in."""

from typing import Any

Plan = dict[str, Any]

FULL: Plan = {
    "warm_up": 300,
    "echoes": 3_000,
    "many": 20_000,
    "rounds": 3,
    "payloads": [[1, 20], [16, 8], [64, 5]],  # MiB, how often
    "cancels": 20,
    "loads": 5,
    "crashes": 10,
    "behind": 20,
    "deep": 100_000,
    "launches": 10,
    "budget_s": 8,  # for the samples of one row: then there are fewer of them
    "patience_s": 10,  # for what may never come
    "deadline_s": 60,  # for one workload
    "peer_s": 150,  # for all of a peer
}

# Runs through everything; the figures mean nothing.
QUICK: Plan = FULL | {
    "warm_up": 20,
    "echoes": 100,
    "many": 500,
    "rounds": 1,
    "payloads": [[1, 1], [16, 1], [64, 1]],
    "cancels": 1,
    "loads": 1,
    "crashes": 1,
    "deep": 1_000,
    "launches": 1,
    "patience_s": 5,
}

# Each runs in a process of its own, and yields these rows.
WORKLOADS: dict[str, list[str]] = {
    "w1": ["w1"],
    "w2_1": ["w2_1"],
    "w2_2": ["w2_2"],
    "w3": [f"w3_{mib}mib" for mib, _ in FULL["payloads"]],
    "w4": ["w4a", "w4b"],
    "w4c": ["w4c"],
    "w4_sigterm": ["w4a_sigterm", "w4b_sigterm"],
    "w5": ["w5", "w5_process"],
    "w6": ["w6"],
    "w7": ["w7"],
    "w8": ["w8"],
}
