"""Work spread over the cores: forked processes that take turns, and end by themselves."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from promptops.delivery.undisturbed import undisturbed
from promptops.errors import OutcomeUnknown

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 16  # items between two messages
FEWEST = 64  # items of a process; a fork takes as long as ten manifests
MOST_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    answers: Connection


def spread(work: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result]:
    """`work(item)` for each item, in their order.

    Every process knows its share from the beginning and stops when nobody reads its answers: none
    is left behind, however this one ends. Raises OutcomeUnknown when one of them was killed.
    """
    count = _worthwhile(len(items))
    if count < 2:
        yield from map(work, items)
        return
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    workers: list[_Worker] = []
    try:
        # Where the system has no room for more, this process does it.
        with suppress(OSError), undisturbed():
            for number in range(count):
                workers.append(_started(work, batches[number::count]))  # noqa: PERF401 - each must end
        for number, batch in enumerate(batches):
            answer: list[Result] | None = _answer(workers, number % count)
            # What failed there fails here as well, where errors are told.
            yield from map(work, batch) if answer is None else answer
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.answers.close()


def _worthwhile(items: int) -> int:
    """How many processes; 1 where a fork is not safe: beside other threads, and on macOS."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), items // FEWEST, MOST_PROCESSES)


def _started(work: Callable[[Item], Result], share: Sequence[Sequence[Item]]) -> _Worker:
    fork = multiprocessing.get_context("fork")
    answers, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(work, share, answers, sender), daemon=True)
    try:
        process.start()
    finally:
        sender.close()
    return _Worker(process, answers)


def _send(
    work: Callable[[Item], Result],
    share: Sequence[Sequence[Item]],
    answers: Connection,
    sender: Connection,
) -> None:
    answers.close()  # while somebody could read, sending never fails
    with suppress(Exception):  # who waits for the answer sees that it is missing
        for batch in share:
            sender.send([work(item) for item in batch])


def _answer(workers: Sequence[_Worker], turn: int) -> list[Result] | None:
    """The results of a worker's next batch; None when it failed, or never began."""
    if turn >= len(workers):
        return None
    process = workers[turn].process
    try:
        answer: list[Result] = workers[turn].answers.recv()
        return answer
    except (EOFError, OSError):
        process.join()
    if process.exitcode is not None and process.exitcode < 0:
        raise OutcomeUnknown(
            "a process that did part of the work was killed "
            f"({signal.strsignal(-process.exitcode)}): not everything was looked at",
            "run it again, with less at a time if memory is short",
        )
    return None
