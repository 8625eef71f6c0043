"""Dividing sequences among tasks and among shards: the longest first, so that none ends late."""

import heapq
from collections.abc import Iterable, Sequence

from vostool.sequence import AnyClip

MANY = 5000  # sequences; of more, short ones are put together, or handing them out takes too long
FRAMES = 500  # of a task that short sequences are put together into


def batches(sequences: Iterable[AnyClip], most: int | None = None) -> list[list[AnyClip]]:
    """Put sequences together into tasks.

    Args:
        sequences: to be tracked.
        most: frames of a task; a longer sequence is a task of its own. 0 for one sequence a task,
            None for `FRAMES` where there are more sequences than `MANY`, otherwise 0.

    Returns:
        Tasks, the one with the longest sequences first.
    """
    ordered = sorted(sequences, key=len, reverse=True)
    if most is None:
        most = FRAMES if len(ordered) > MANY else 0
    tasks: list[list[AnyClip]] = []
    room = 0
    for sequence in ordered:
        if not tasks or len(sequence) > room:
            tasks.append([])
            room = most
        tasks[-1].append(sequence)
        room -= len(sequence)
    return tasks


def share_of(sequences: Sequence[AnyClip], shard: int, shards: int) -> list[AnyClip]:
    """Return the sequences of one shard; the shards have about as many frames each.

    Which these are depends on nothing but the names and lengths of all: the longest is given to the
    first shard, every further one to the shard with the fewest frames so far (R. L. Graham, "Bounds
    on Multiprocessing Timing Anomalies", 1969).

    Args:
        sequences: all, whether they are tracked or not.
        shard: counted from 1.
        shards: how many there are.

    Returns:
        The shard's sequences, in the order in which they were given.
    """
    loads = [(0, number) for number in range(1, shards + 1)]
    mine: set[str] = set()
    for sequence in sorted(sequences, key=lambda each: (-len(each), each.name)):
        frames, number = heapq.heappop(loads)
        heapq.heappush(loads, (frames + len(sequence), number))
        if number == shard:
            mine.add(sequence.name)
    return [sequence for sequence in sequences if sequence.name in mine]
