"""The learner: the network, its moving average, and the state of the optimizer."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vostool.errors import ContractError, TrainingError
from vostool.tracking.tensor_files import COUNTERS, Format, best_fit
from vostool.training.distributed import Ranks
from vostool.training.optimizer import frozen_at, make_optimizer, set_training
from vostool.training.partition import Partition, initial_partition, resumed_partition
from vostool.training.settings import TrainSettings
from vostool.training.task import Batch, Losses, Task


class MovingAverage:
    """Average the weights and the batch norms' statistics of a network over its steps.

    After step n (from 1) the average is d a + (1 - d) w with d = min(decay, (1 + n) / (10 + n)),
    so that the random start is forgotten soon (TensorFlow's `ExponentialMovingAverage` with
    `num_updates`). Counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self._averaged = network

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network after `step` steps of its optimiser."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        # Looked up every time, for `Module.to` may have given either network new tensors.
        pairs = list(zip(_tensors(self.network), _tensors(self._averaged), strict=True))
        floats = [(a, w) for a, w in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [w for _, w in floats], weight)
        for a, w in pairs:
            if not a.is_floating_point():
                a.copy_(w)


def _tensors(network: nn.Module) -> list[Tensor]:
    """Return weights and statistics, each once even where modules share it."""
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]


DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_SMALLEST_SCALE = 2.0**-14  # fp16 has nothing left between its largest number and such losses


class LossModule(nn.Module):
    """The task's losses as a module.

    Several processes are kept in step by wrapping this one, so a task may call any part of its
    network, and not `forward` alone.
    """

    def __init__(self, task: Task, network: nn.Module, settings: TrainSettings) -> None:
        super().__init__()
        self._task = task
        self.network = network
        self._dtype = DTYPES[settings.precision]
        self._channels_last = settings.channels_last

    def forward(self, batch: Batch) -> Losses:
        """Return the losses, computed in the precision of the settings."""
        if self._channels_last:
            batch = {name: _channels_last(tensor) for name, tensor in batch.items()}
        device = next(iter(batch.values())).device.type
        with torch.autocast(device, self._dtype, enabled=self._dtype != torch.float32):
            losses = self._task.losses(self.network, batch)
        if "total" not in losses:
            raise ContractError(f"The task's losses lack 'total': {', '.join(losses) or 'none'}.")
        return losses


class Learner:
    """The state of a training that changes with every step.

    Args:
        task: gives network and losses.
        settings: of the engine.
        device: to train on.
        ranks: all processes.
        weights: to start from; see `start_from`.
    """

    def __init__(
        self,
        task: Task,
        settings: TrainSettings,
        device: torch.device,
        ranks: Ranks,
        weights: dict[str, Tensor] | None = None,
        formats: Sequence[Format] = (),
    ) -> None:
        self.settings = settings
        self._task = task
        self._ranks = ranks
        torch.manual_seed(settings.seed)  # a task might forget to
        self.network = task.network()
        self.started_from = ""  # what was taken from `weights`, in words
        if weights is not None:
            self.started_from = start_from(self.network, weights, formats)
        layout = torch.channels_last if settings.channels_last else torch.preserve_format
        self.network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = MovingAverage(self.network, settings.ema) if settings.ema else None
        self.optimizer = make_optimizer(self.network, settings, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self._frozen: tuple[str, ...] | None = None
        self._before: tuple[int, int] | None = None  # parts and processes of the checkpoint
        if settings.compile:
            self.network.compile()

    @property
    def trained(self) -> nn.Module:
        """The network that is validated and exported."""
        return self.average.network if self.average else self.network

    @property
    def partition(self) -> Partition:
        """How a batch is split over the processes there are.

        Raises:
            ConfigError: it cannot be.
        """
        batch, count = self.settings.batch, self._ranks.count
        if self._before is None:
            return initial_partition(batch, self.settings.accumulate, count)
        return resumed_partition(batch, self._before[0], count)

    def changed_partition(self) -> str | None:
        """Say what is new in the split since the checkpoint, None if nothing is."""
        count, parts = self._ranks.count, self.partition.parts
        if self._before is None or self._before[1] == count:
            return None
        note = f"Processes: {self._before[1]} before, {count} now. "
        if self._before[0] == parts:
            return f"{note}Each step has the same samples in the same {parts} part(s) as before."
        return (
            f"{note}Each step has the same samples, now in {parts} parts instead of "
            f"{self._before[0]}; batch norms that learn see fewer of them together."
        )

    def model(self, step: int) -> nn.Module:
        """Return the module of the losses, ready for a step: its frozen parts frozen."""
        frozen = frozen_at(self.settings, step)
        if frozen != self._frozen:
            self._frozen = frozen
            set_training(self.network, frozen, self.settings.frozen_norms)
            self._model: nn.Module = LossModule(self._task, self.network, self.settings)
            if self._ranks.count > 1:  # anew, as it looks once at what learns
                self._model = DistributedDataParallel(self._model)
        return self._model

    def check_scale(self) -> None:
        """Refuse to go on when fp16 overflows whatever the scale.

        Raises:
            TrainingError: it does; every step is skipped.
        """
        if self.scaler.is_enabled() and self.scaler.get_scale() < _SMALLEST_SCALE:
            raise TrainingError(
                "The gradients overflow fp16 at every scale, so nothing is output. Train with "
                "--precision bf16 or fp32, or lower train.lr."
            )

    @contextmanager
    def evaluating(self) -> Iterator[nn.Module]:
        """Give the trained network in evaluation mode, without gradients."""
        modes = [(module, module.training) for module in self.trained.modules()]
        self.trained.eval()
        try:
            with torch.no_grad():
                yield self.trained
        finally:
            for module, training in modes:
                module.training = training

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the networks' tensors, as a checkpoint keeps them."""
        found = {"network": self.network.state_dict()}
        if self.average:
            found["ema"] = self.average.network.state_dict()
        return found

    def state(self) -> dict[str, Any]:
        """Return the rest, as a checkpoint keeps it."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "split": [self.partition.parts, self._ranks.count],
        }

    def restore(self, tensors: dict[str, dict[str, Tensor]], state: dict[str, Any]) -> None:
        """Take up what `tensors` and `state` gave."""
        self.network.load_state_dict(tensors["network"])
        if self.average:
            self.average.network.load_state_dict(tensors["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        if "split" in state:  # absent from checkpoints of earlier versions
            self._before = state["split"][0], state["split"][1]


def start_from(
    network: nn.Module, weights: dict[str, Tensor], formats: Sequence[Format] = ()
) -> str:
    """Copy the weights that fit by name and shape into a network.

    Args:
        network: to start.
        weights: of a file.
        formats: how the file may name its tensors, besides our own names.

    Returns:
        How many of the network's tensors were taken and which were not, in words.

    Raises:
        ContractError: none fits.
    """
    own = {n: t for n, t in network.state_dict().items() if not n.endswith(COUNTERS)}
    fit = best_fit(weights, own, formats)
    if not fit:
        raise ContractError(
            f"None of the {len(weights)} tensors of --init fits the network by name and shape: it "
            f"has {', '.join(list(own)[:3])}, ..., they are {', '.join(list(weights)[:3])}, ..."
        )
    network.load_state_dict(fit, strict=False)
    random = [name for name in own if name not in fit]
    taken = f"{len(fit)} of {len(own)} tensors of the network start from it"
    if not random:
        return f"{taken}."
    only = "Only " if len(fit) < len(random) else ""
    some = f"{', '.join(random[:3])}{', ...' if len(random) > 3 else ''}"
    return f"{only}{taken}; {len(random)} start at random ({some})."


def _channels_last(tensor: Tensor) -> Tensor:
    image = tensor.ndim == 4 and tensor.is_floating_point()
    return tensor.contiguous(memory_format=torch.channels_last) if image else tensor
