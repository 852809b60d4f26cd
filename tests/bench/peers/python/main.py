"""One workload of one peer, in a process of its own: `main.py PEER METHOD WORKLOAD PLAN`.

A spawned worker reads this file again, so all imports but the cheapest are in `main`.
"""

import sys


def main() -> None:
    import importlib
    import json
    import os

    import workloads

    peer, method, workload, plan = sys.argv[1:]
    make = importlib.import_module(f"peers.{peer}").opener(method)

    def emit(row: str, figures: dict[str, object]) -> None:
        print(json.dumps({row: figures}), flush=True)

    getattr(workloads, workload)(make, json.loads(plan), emit)
    # Some pools never get through their own shutdown after these workloads. The harness ends what is left.
    os._exit(0)


if __name__ == "__main__":
    main()
