"""Judges known hubs, one after the other or several at a time, each of them in a process of its own then.

A judgement waits most of its time, for limits of the hub to pass: more processes than processors are of use.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from conformance.selftest.matrix import judged
from neuroengine.cli.conformance.known_hubs import known_hubs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.selftest.matrix import Task


def judge_all(tasks: Sequence[Task], jobs: int) -> Iterator[dict[str, Any]]:
    """What is found of each, as soon as it is; with several jobs in any order.

    Raises:
        KeyboardInterrupt: somebody ended it; whoever is at work then is ended too.
    """
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        yield from map(_judge, tasks)
        return
    with (
        tempfile.TemporaryDirectory() as place,
        ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, (place,)) as processes,
    ):
        try:
            for done in as_completed([processes.submit(_judge, task) for task in tasks]):
                yield done.result()
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _begin(place: str) -> None:
    """Leaves Ctrl-C to the process that asks for judgements, and files where it clears them away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = place


def _judge(task: Task) -> dict[str, Any]:
    with known_hubs() as known:
        (hub,) = (hub for hub in known if (hub.kind, hub.name) == (task.kind, task.name))
        return judged(hub, task.seed, whole=task.whole)
