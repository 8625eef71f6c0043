"""The training recorder: logs, validates, plots and writes checkpoints when they are due."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vostool.errors import ContractError, TrainingError
from vostool.training import checkpoint
from vostool.training.distributed import Ranks
from vostool.training.folder import TrainFolder
from vostool.training.job import TrainJob
from vostool.training.learner import Learner
from vostool.training.metrics_log import MetricsLog, MetricWriter, Row, tensorboard
from vostool.training.task import Task

NORM = "grad_norm"


class MetricBuffer:
    """Losses kept on the device until they are read, so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.names: tuple[str, ...] = ()
        self.rows: list[Tensor] = []
        self._fetched = 0  # rows that are already means over all processes

    def restore(self, names: tuple[str, ...], rows: Tensor) -> None:
        """Restore the names and rows that `fetch` returned."""
        self.names, self.rows, self._fetched = names, list(rows), len(rows)

    def add(self, losses: Mapping[str, Tensor], norm: Tensor) -> None:
        """Add the losses of a step and the norm of its gradient.

        Raises:
            ContractError: the task returned other losses before.
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
            TrainingError: a loss or gradient is NaN or infinite; the message names the step.
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
                f"Step {step - len(rows) + 1 + first}: non-finite {what}. No checkpoint was saved "
                "for it; earlier ones are kept. Lower train.lr, set train.clip, or train "
                "in another train.precision."
            )
        return rows

    def clear(self) -> None:
        """Forget all rows."""
        self.rows, self._fetched = [], 0

    def means(self, rows: Tensor) -> dict[str, float]:
        """Return name -> mean over the steps of what `fetch` returned."""
        return dict(zip(self.names, rows.double().mean(0).tolist(), strict=True))


_ASKED = 10  # steps between two exchanges with the other processes; each waits for the device
_PICTURED = 16  # samples in a picture, at most


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What one optimizer step returns.

    Args:
        losses: scalars on the device, means over this process's samples.
        norm: of the gradient of all samples, before it was clipped.
        rate: learning rate.
    """

    losses: Mapping[str, Tensor]
    norm: Tensor
    rate: float


class TrainingRecorder:
    """Counts steps, and logs, validates, plots and checkpoints when due; only rank 0 writes.

    Args:
        job: the training.
        task: plots, validates and exports.
        learner: the network and its optimizer.
        folder: where to write.
        ranks: this process among all.
        on_row: called with every row.
    """

    def __init__(
        self,
        job: TrainJob,
        task: Task,
        learner: Learner,
        folder: TrainFolder,
        ranks: Ranks,
        on_row: Callable[[Row], None],
    ) -> None:
        self.step = 0
        self.best: float | None = None
        self.best_step: int | None = None
        self._job, self._settings = job, job.settings
        self._task, self._learner, self._folder = task, learner, folder
        self._ranks, self._on_row = ranks, on_row
        self._device = ranks.device(job.device)
        self._buffer = MetricBuffer(self._device)
        self._log: MetricsLog | None = (
            None  # of the first process, once it is known where it goes on
        )
        self._tensorboard: MetricWriter | None = None
        self._earlier = 0.0  # seconds of earlier starts
        self._saved: int | None = None
        self._begun = self._lap = time.monotonic()
        self._lap_step = 0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the training so far, earlier starts included."""
        return self._earlier + time.monotonic() - self._begun

    def resume(self) -> None:
        """Restore the newest checkpoint, and make the files agree with it."""
        newest = self._folder.newest_checkpoint()
        if newest is not None:
            tensors, state = checkpoint.load(newest)
            self._learner.restore(tensors, state)
            self.step = self._saved = self._lap_step = state["step"]
            self._earlier = state["seconds"]
            self.best, self.best_step = state["best"], state["best_step"]
            self._buffer.restore(tuple(state["window_names"]), state["window"])
        if not self._ranks.leads:
            return
        self._log = MetricsLog(self._folder.metrics, self.step)
        self._tensorboard = tensorboard(self._folder.path / "tensorboard", self.step)
        if newest is not None:
            self._export_last()
        elif self._settings.picture_every:
            self._draw()  # labels that are wrong show before anything is learnt
        self._begun = self._lap = time.monotonic()

    def agree(self, stop: bool) -> bool:
        """Return True if all processes should stop now; they must stop after the same step."""
        if self._ranks.count > 1 and self.step % _ASKED:
            return False
        return self._ranks.any(stop, self._device)

    def after_step(self, output: StepOutput) -> None:
        """Count a step; log, validate, plot and checkpoint when due."""
        settings = self._settings
        self._buffer.add(output.losses, output.norm)
        self.step += 1
        ends = self.step == settings.steps
        row: dict[str, float | int] = {}
        if ends or self._due(settings.log_every):
            row |= {"lr": output.rate, **self._losses()}
        if settings.validate_every and (ends or self._due(settings.validate_every)):
            row |= self._validated()
        if row and self._log:
            row = {"step": self.step, **row, "seconds": round(self.seconds, 3)}
            self._log.add(row)
            if self._tensorboard:
                self._tensorboard.add(row)
            self._on_row(row)
        if settings.picture_every and (ends or self._due(settings.picture_every)):
            self._draw()
        if self._due(settings.checkpoint_every):
            self._save()

    def close(self) -> None:
        """Save a last checkpoint unless the newest is of this step."""
        if self.step != self._saved:
            self._save()

    def _due(self, every: int) -> bool:
        return bool(every) and self.step % every == 0

    def _fetched(self) -> Tensor:
        """Return the losses since the last row, checked to be finite."""
        fp16 = self._settings.precision == "fp16"
        rows = self._buffer.fetch(self.step, self._ranks, infinite_norm=fp16)
        self._learner.check_scale()
        return rows

    def _losses(self) -> dict[str, float]:
        """Return the means of the losses since the last row, and the speed."""
        means = self._buffer.means(self._fetched())
        self._buffer.clear()
        now = time.monotonic()
        pairs = self._settings.batch * (self.step - self._lap_step)
        means["pairs_per_s"] = round(pairs / max(now - self._lap, 1e-9), 2)
        self._lap, self._lap_step = now, self.step
        return means

    def _validated(self) -> dict[str, float]:
        """Validate; keep the weights if they are the best so far."""
        self._fetched()
        scores: dict[str, float] = {}
        with self._uncounted():
            if self._ranks.leads:
                with self._learner.evaluating() as network:
                    scores = {name: float(v) for name, v in self._task.validate(network).items()}
                self._keep_best(scores)
            self._ranks.follow()
        return scores

    def _keep_best(self, scores: Mapping[str, float]) -> None:
        if not scores:
            return
        name = self._settings.best
        if name not in scores:
            raise ContractError(
                f"The task's validation gives {', '.join(scores)}, but train.best is '{name}'."
            )
        score = scores[name]
        if math.isfinite(score) and (self.best is None or score > self.best):
            self.best, self.best_step = score, self.step
            self._export("best", scores)

    def _draw(self) -> None:
        """Write a picture of the first samples of the next step."""
        if not self._ranks.leads:
            return
        with self._uncounted(), self._learner.evaluating() as network:
            batch = self._task.batch(self.step, range(min(self._settings.batch, _PICTURED)))
            self._folder.write_picture(self.step, self._task.picture(network, batch))

    def _save(self) -> None:
        """Write a checkpoint, known to be finite, and the weights."""
        rows = self._fetched()
        with self._uncounted():
            if self._ranks.leads:
                state: dict[str, Any] = {
                    **self._learner.state(),
                    "step": self.step,
                    "seconds": self.seconds,
                    "best": self.best,
                    "best_step": self.best_step,
                    "window_names": list(self._buffer.names),
                    "window": rows,
                }
                tensors = self._learner.tensors()
                keep = self._settings.keep
                checkpoint.save(self._folder.checkpoints, self.step, tensors, state, keep)
                self._export_last()
            self._ranks.follow()
        self._saved = self.step

    def _export_last(self) -> None:
        self._export("last", {})

    def _export(self, which: str, scores: Mapping[str, float]) -> None:
        """Write the weights that the tracker loads."""
        with self._learner.evaluating() as network:
            tensors = self._task.export(network)
        about = {
            "training": self._job.name,
            "tracker": self._job.tracker,
            "config": self._job.config_name,
            "step": self.step,
            **scores,
        }
        path = self._folder.best if which == "best" else self._folder.last
        self._folder.write_weights(path, tensors, about)

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Exclude a block from the pairs per second."""
        begun = time.monotonic()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)  # what was begun before counts
            begun = time.monotonic()
        yield
        self._lap += time.monotonic() - begun
