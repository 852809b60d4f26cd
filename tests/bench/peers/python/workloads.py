"""The workloads W1 to W8 for a pool of Python."""

import os
from array import array
from collections.abc import Callable
from typing import Any

import jobs
from departure import Departure
from measure import now, rank, repeat, resident, spread
from peers import Opener, Peer
from postbox import Postbox

Plan = dict[str, Any]
Emit = Callable[[str, dict[str, object]], None]

PAYLOAD = os.urandom(64)


def w1(make: Opener, plan: Plan, emit: Emit) -> None:
    """Echo of 64 bytes, one at a time."""
    peer = _warm(make(1), plan)
    emit("w1", spread(repeat(lambda: _round_trip(peer, PAYLOAD), plan["echoes"], plan["budget_s"])))


def w2_1(make: Opener, plan: Plan, emit: Emit) -> None:
    _many_at_once(make, plan, emit, 1)


def w2_2(make: Opener, plan: Plan, emit: Emit) -> None:
    _many_at_once(make, plan, emit, 2)


def _many_at_once(make: Opener, plan: Plan, emit: Emit, workers: int) -> None:
    """Many echoes of 64 bytes at once, each a job of its own."""
    peer = _warm(make(workers), plan)
    count = plan["many"]

    def together() -> int:
        start = now()
        handles = [peer.submit(jobs.echo, PAYLOAD) for _ in range(count)]
        for handle in handles:
            peer.result(handle)
        return now() - start

    rounds = sorted(repeat(together, plan["rounds"], plan["budget_s"]))
    emit(f"w2_{workers}", {"jobs_per_s": count / rank(rounds, 0.5) * 1e9, "jobs": count, "n": len(rounds)})


def w3(make: Opener, plan: Plan, emit: Emit) -> None:
    """Echo of large payloads."""
    peer = _warm(make(1), plan)
    for mib, count in plan["payloads"]:
        payload = os.urandom(mib << 20)
        if peer.result(peer.submit(jobs.echo, payload)) != payload:
            raise AssertionError("the echo differs from what was sent")
        times = repeat(lambda: _round_trip(peer, payload), count, plan["budget_s"])
        figures = spread(times)
        figures["mb_per_s"] = len(payload) / rank(sorted(times), 0.5) * 1e3
        emit(f"w3_{mib}mib", figures)


def w4(make: Opener, plan: Plan, emit: Emit) -> None:
    """Cancel of a busy loop that ignores SIGTERM.

    First row: until its process is gone and the caller told. Second: until the next echo is done.
    """
    _cancels(make(1), plan, plan["cancels"], jobs.spin, emit, ("w4a", "w4b"))


def w4c(make: Opener, plan: Plan, emit: Emit) -> None:
    """As w4b, the worker has to load 500 ms."""
    _cancels(make(1, jobs.load), plan, plan["loads"], jobs.spin, emit, (None, "w4c"))


def w4_sigterm(make: Opener, plan: Plan, emit: Emit) -> None:
    """As w4, the loop dies of SIGTERM. It is of interest only where a cancel sends that."""
    peer = make(1)
    rows = ("w4a_sigterm", "w4b_sigterm")
    if peer.INSTEAD is None:
        _cancels(peer, plan, plan["cancels"], jobs.spin_mortal, emit, rows)
        return
    for row in rows:
        emit(row, {"cannot": "no cancel of one job, and what is done instead sends SIGKILL"})


def _cancels(
    peer: Peer, plan: Plan, count: int, job: Callable[[str], None], emit: Emit, rows: tuple[str | None, str]
) -> None:
    postbox = Postbox()
    patience = plan["patience_s"]
    over: list[int] = []

    def until_next_echo() -> int:
        running = peer.submit(job, postbox.path)
        departure = Departure(pid := int(postbox.read()))
        start = now()
        peer.end(running, pid)
        if peer.TELLS and not _has_ended(peer, running, patience):
            raise TimeoutError(f"the caller is not told in {patience} s")
        told = now()
        peer.recover()
        if not _answers(peer, peer.submit(jobs.echo, PAYLOAD), patience):
            raise TimeoutError(f"no next job is done in {patience} s")
        answered = now()
        if (gone := departure.wait(patience)) is None:
            raise TimeoutError(f"the process is not gone in {patience} s")
        over.append((max(gone, told) if peer.TELLS else gone) - start)
        return answered - start

    to_echo = repeat(until_next_echo, count, plan["budget_s"])
    mark = {} if peer.INSTEAD is None else {"instead": peer.INSTEAD}
    row_over, row_echo = rows
    if row_over and peer.TELLS:
        emit(row_over, spread(over) | mark)
    elif row_over:
        reason = "the caller is never told: the job's result does not come"
        emit(row_over, {"cannot": reason, "gone_p50_us": rank(sorted(over), 0.5) / 1e3} | mark)
    emit(row_echo, spread(to_echo) | mark)


def w5(make: Opener, plan: Plan, emit: Emit) -> None:
    """From the making of the pool until its first result."""
    start = now()
    peer = make(1)
    peer.result(peer.submit(jobs.echo, PAYLOAD))
    emit("w5", spread([now() - start]))


def w6(make: Opener, plan: Plan, emit: Emit) -> None:
    """A job kills its own process: when its caller is told, and what becomes of those that wait."""
    peer = _warm(make(1), plan)
    postbox = Postbox()
    alive: list[int] = []
    usable: list[bool] = []
    patience = plan["patience_s"]

    def until_told() -> int:
        crash = peer.submit(jobs.crash, postbox.path)
        waiting = [peer.submit(jobs.echo, PAYLOAD) for _ in range(plan["behind"])]
        is_told = _has_ended(peer, crash, patience)
        told = now()
        killed = int(postbox.read())
        alive.append(sum(_answers(peer, echo, patience) for echo in waiting))
        usable.append(_is_usable(peer, patience))
        peer.recover()
        if not is_told:
            raise TimeoutError
        return told - killed

    try:
        figures = spread(repeat(until_told, plan["crashes"], plan["budget_s"]))
    except TimeoutError:
        figures = {"cannot": f"the caller is never told: nothing in {patience} s"}
    emit("w6", figures | {"usable": all(usable), "queued": plan["behind"], "queued_alive": min(alive)})


def w7(make: Opener, plan: Plan, emit: Emit) -> None:
    """Memory with one idle worker. The harness looks, and ends this process."""
    peer = _warm(make(1), plan)
    postbox = Postbox()  # nobody writes to it
    emit("idle", {"worker": peer.result(peer.submit(jobs.pid, None))})
    postbox.read()


def w8(make: Opener, plan: Plan, emit: Emit) -> None:
    """Many submits while the worker is busy: the time of each, and what the host holds for it."""
    peer = _warm(make(1), plan)
    postbox = Postbox()
    peer.submit(jobs.hold, postbox.path)
    postbox.read()
    count = plan["deep"]
    times = array("q", bytes(8 * count))
    handles: list[object] = [None] * count
    before = resident()
    for index in range(count):
        start = now()
        handles[index] = peer.submit(jobs.echo, PAYLOAD)
        times[index] = now() - start
    emit("w8", spread(times) | {"bytes_per_job": (resident() - before) / count})


def _warm(peer: Peer, plan: Plan) -> Peer:
    """All workers are there, and everything has run some times. Returns the peer."""
    for handle in [peer.submit(jobs.echo, PAYLOAD) for _ in range(plan["warm_up"])]:
        peer.result(handle)
    return peer


def _round_trip(peer: Peer, payload: bytes) -> int:
    start = now()
    peer.result(peer.submit(jobs.echo, payload))
    return now() - start


def _has_ended(peer: Peer, job: object, patience: float) -> bool:
    """Waits until the pool says that the job ended without a result."""
    try:
        peer.result(job, patience)
    except TimeoutError:
        return False
    except Exception:
        return True
    raise AssertionError("a job that was killed has a result")


def _answers(peer: Peer, job: object, patience: float) -> bool:
    try:
        return bool(peer.result(job, patience) == PAYLOAD)
    except Exception:
        return False


def _is_usable(peer: Peer, patience: float) -> bool:
    try:
        return _answers(peer, peer.submit(jobs.echo, PAYLOAD), patience)
    except Exception:
        return False
