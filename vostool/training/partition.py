"""How the batch of a step is partitioned, and how the parts are spread over processes.

A part is what the network sees at once: its batch norms take their statistics from one part. So the
number of parts belongs to the training, not to the machines it runs on: when processes are lost or
join, the same parts are distributed again, and the samples, their order and what is normalized
together stay the same. The gradient is the mean over all parts; it differs only
by the order in which it is summed.
"""

from dataclasses import dataclass

from vostool.errors import ConfigError
from vostool.training.distributed import Ranks


@dataclass(frozen=True, slots=True)
class Partition:
    """A batch in parts of equal size.

    Args:
        batch: samples of a step.
        parts: how many; divides `batch`.
    """

    batch: int
    parts: int

    def of(self, ranks: Ranks) -> range:
        """Return the parts that a process computes, in order; at least one."""
        return range(ranks.rank, self.parts, ranks.count)

    def samples(self, part: int) -> range:
        """Return the samples of a part."""
        size = self.batch // self.parts
        return range(part * size, (part + 1) * size)

    def weight(self, ranks: Ranks) -> float:
        """Return the weight of a part in a process's sum, so that their mean is right."""
        return ranks.count / self.parts


def initial_partition(batch: int, accumulate: int, count: int) -> Partition:
    """Partition the batch of a new training.

    Args:
        batch: samples of a step.
        accumulate: parts for each process.
        count: processes.

    Raises:
        ConfigError: the batch cannot be split evenly.
    """
    parts = count * accumulate
    if batch % parts:
        raise ConfigError(
            f"train.batch = {batch} cannot be split evenly over {count} process(es) and "
            f"train.accumulate = {accumulate}. Choose a multiple of {parts}."
        )
    return Partition(batch, parts)


def resumed_partition(batch: int, parts: int, count: int) -> Partition:
    """Partition the batch of a resumed training, into the parts it had if they suffice.

    Args:
        batch: samples of a step.
        parts: that there were; divides `batch`.
        count: processes there are now. With more than there were parts, each part is split further,
            if the batch allows it.

    Raises:
        ConfigError: there are more processes than samples.
    """
    enough = [n for n in range(max(parts, count), batch + 1) if batch % n == 0]
    if not enough:
        raise ConfigError(
            f"train.batch = {batch} has no sample for each of {count} processes. Start fewer."
        )
    return Partition(batch, next((n for n in enough if n % parts == 0), enough[0]))
