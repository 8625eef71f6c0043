"""The losses of the steps since the last row of `metrics.csv`."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vostool.errors import ContractError, TrainingError
from vostool.training.distributed import Ranks

NORM = "grad_norm"


class Window:
    """Keeps losses on the device, so that no step waits for them, until they are asked for."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.names: tuple[str, ...] = ()
        self.rows: list[Tensor] = []
        self._fetched = 0  # so many of the rows are means over all processes already

    def restore(self, names: tuple[str, ...], rows: Tensor) -> None:
        """Take up the names and the rows that `fetch` gave before."""
        self.names, self.rows, self._fetched = names, list(rows), len(rows)

    def add(self, losses: Mapping[str, Tensor], norm: Tensor) -> None:
        """Take in the losses of a step and the norm of its gradient.

        Raises:
            ContractError: the task gave other losses before.
        """
        names = (*losses, NORM)
        if self.names and names != self.names:
            raise ContractError(
                f"The task's losses were {', '.join(self.names[:-1])} and are now "
                f"{', '.join(losses)}; they must be the same in every step."
            )
        self.names = names
        self.rows.append(torch.stack([*losses.values(), norm.to(torch.float32)]))

    def fetch(self, step: int, ranks: Ranks, *, infinite_norm: bool) -> Tensor:
        """Return the means over all processes, of every step since the last `clear`.

        Args:
            step: steps that are done.
            ranks: all processes; all must ask.
            infinite_norm: gradients may be infinite, as they are while fp16 finds its scale.

        Returns:
            (steps, names) float32 on the CPU.

        Raises:
            TrainingError: a loss is no number; the message names the step.
        """
        if not self.rows:
            return torch.zeros(0, len(self.names))
        fresh = self.rows[self._fetched :]
        if fresh:
            self.rows[self._fetched :] = list(ranks.mean(torch.stack(fresh)).cpu())
            self._fetched = len(self.rows)
        rows = torch.stack(self.rows)
        bad = ~torch.isfinite(rows)
        if infinite_norm:
            bad[:, -1] = False
        if bad.any():
            first = int(bad.any(1).nonzero()[0])
            what = ", ".join(
                f"{name} = {float(rows[first, column])}"
                for column, name in enumerate(self.names)
                if bad[first, column]
            )
            raise TrainingError(
                f"Step {step - len(rows) + 1 + first} gave no number: {what}. No checkpoint was "
                "made of it, and those before are kept. Lower train.lr, set train.clip, or train "
                "in another train.precision."
            )
        return rows

    def clear(self) -> None:
        """Begin a new window."""
        self.rows, self._fetched = [], 0

    def means(self, rows: Tensor) -> dict[str, float]:
        """Return name -> mean over the steps of what `fetch` gave."""
        return dict(zip(self.names, rows.double().mean(0).tolist(), strict=True))
