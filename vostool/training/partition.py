"""How the batch of a step is split into parts, and the parts over the processes.

A part is what the network sees at once: its batch norms take their statistics from one part. So the
number of parts belongs to the training, and not to the machines it happens to run on: when
processes are lost or join, the same parts are shared out anew, and the samples, their order and
what is normalised together stay the same. The gradient is the mean over all parts; it differs only
by the order in which it is summed.
"""

from dataclasses import dataclass

from vostool.errors import ConfigError
from vostool.training.distributed import Ranks


@dataclass(frozen=True, slots=True)
class Split:
    """A batch in parts of one size.

    Args:
        batch: samples of a step.
        parts: how many; divides `batch`.
    """

    batch: int
    parts: int

    def of(self, ranks: Ranks) -> range:
        """Return the parts that a process computes, one after the other; at least one."""
        return range(ranks.rank, self.parts, ranks.count)

    def samples(self, part: int) -> range:
        """Return the samples of a part."""
        size = self.batch // self.parts
        return range(part * size, (part + 1) * size)

    def weight(self, ranks: Ranks) -> float:
        """Return what a part counts in a process's sum, so that the processes' mean is right."""
        return ranks.count / self.parts


def first_split(batch: int, accumulate: int, count: int) -> Split:
    """Split the batch of a training that begins.

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
    return Split(batch, parts)


def next_split(batch: int, parts: int, count: int) -> Split:
    """Split the batch of a training that goes on, into the parts it had if they suffice.

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
    return Split(batch, next((n for n in enough if n % parts == 0), enough[0]))
