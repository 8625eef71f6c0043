"""The engine's settings: the table `[train]` of a tracker's TOML."""

from dataclasses import dataclass, fields
from typing import Literal

# Settings that may change when a training goes on: they decide what is kept and how fast it is,
# not what is learnt (but for rounding). `accumulate` is none of them: a batch norm sees the samples
# of one part only.
FREE = frozenset(
    {
        "channels_last",
        "compile",
        "log_every",
        "validate_every",
        "picture_every",
        "checkpoint_every",
        "keep",
        "patience",
        "prefetch",
    }
)


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained.

    Args:
        data: datasets to draw samples from, `NAME` or `NAME:SPLIT`.
        data_weights: share of the samples from each of `data`, in proportion to what there is to
            learn from if empty. Tasks that draw pairs of crops follow it.
        validation: dataset to validate with, `NAME` or `NAME:SPLIT`; none if empty. Its sequences
            are not trained on.
        validation_sequences: only these of it, all if empty.
        steps: of the optimiser.
        batch: samples of one step, over all processes and accumulations.
        accumulate: parts that a process computes one after the other, to save memory. A batch norm
            that learns takes its statistics from one part, so with such norms the gradient depends
            on it, and on the number of processes with which the training began.
        optimizer: `adamw`, or `sgd` with momentum.
        lr: learning rate after the warm-up.
        momentum: of `sgd`.
        weight_decay: of tensors with two or more dimensions; norms and biases have none.
        schedule: `cosine` falls to `lr_end` times `lr` over all steps, `log` too but by the same
            factor in every step, `steps` multiplies by `gamma` at every milestone.
        lr_end: fraction of `lr`; above 0 for `log`.
        milestones: steps, ascending.
        gamma: factor at a milestone.
        warmup: steps of a rise from `warmup_from` times `lr`, linear but for `log`, which rises by
            the same factor in every step.
        warmup_from: fraction of `lr`.
        clip: largest norm of the gradient; 0 does not clip.
        ema: decay of the moving average that is validated and exported; 0 uses the network itself.
        precision: of the forward pass; parameters stay fp32.
        channels_last: memory layout that convolutions on GPUs prefer.
        compile: compile the network with `torch.compile`.
        frozen_norms: name prefixes of batch norms that keep their statistics; their factors learn.
        prefetch: draw the next batch in a thread while the network learns from this one; the same
            is learnt, on a CPU in two thirds of the time.
        freeze: name prefixes of parameters that do not learn, e.g. `backbone.`; their batch norms
            keep their statistics.
        unfreeze_at: step at which they begin to learn, or `none`.
        fixed: name prefixes of parameters that never learn, frozen in the same way.
        slow: name prefixes of parameters that learn with `slow_lr` times the learning rate.
        slow_lr: see `slow`.
        seed: of every random choice.
        best: the score of `validate` whose highest value is the best.
        log_every: steps between rows of `metrics.csv`, whose losses are means over these steps.
        validate_every: steps; 0 never validates.
        picture_every: steps; 0 draws none.
        checkpoint_every: steps.
        keep: checkpoints that are kept, the newest.
        patience: s that one of several processes waits for another within a step; then it ends, and
            torchrun may start all of them anew.
    """

    data: tuple[str, ...] = ()
    data_weights: tuple[float, ...] = ()
    validation: str = ""
    validation_sequences: tuple[str, ...] = ()
    steps: int = 10_000
    batch: int = 32
    accumulate: int = 1
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: Literal["cosine", "log", "steps"] = "cosine"
    lr_end: float = 0.0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    warmup: int = 0
    warmup_from: float = 0.1
    clip: float = 0.0
    ema: float = 0.0
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    channels_last: bool = False
    compile: bool = False
    prefetch: bool = False
    frozen_norms: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()
    unfreeze_at: int | None = None
    fixed: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()
    slow_lr: float = 0.1
    seed: int = 0
    best: str = "J_mean"
    log_every: int = 50
    validate_every: int = 1000
    picture_every: int = 1000
    checkpoint_every: int = 1000
    keep: int = 2
    patience: float = 600.0

    def __post_init__(self) -> None:
        ranges: dict[str, tuple[float, float]] = {
            **dict.fromkeys(("steps", "batch", "accumulate", "log_every"), (1, 2**31 - 1)),
            **dict.fromkeys(("checkpoint_every", "keep"), (1, 2**31 - 1)),
            **dict.fromkeys(("lr", "clip", "weight_decay"), (0, float("inf"))),
            **dict.fromkeys(("validate_every", "picture_every", "seed"), (0, 2**31 - 1)),
            **dict.fromkeys(("lr_end", "gamma", "warmup_from", "momentum", "slow_lr"), (0, 1)),
            "warmup": (0, 2**31 - 1),
            "ema": (0, 0.999999),
            "patience": (1, 86400),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}, not from {low} to {high}")
        if self.data_weights and (
            len(self.data_weights) != len(self.data) or min(self.data_weights) <= 0
        ):
            raise ValueError(
                f"data_weights {list(self.data_weights)} are not one number above 0 for each of "
                f"data {list(self.data)}"
            )
        if self.lr == 0:
            raise ValueError("lr is 0, so nothing would be learnt")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones {list(self.milestones)} do not ascend")
        if self.schedule == "steps" and not self.milestones:
            raise ValueError("schedule 'steps' needs milestones, e.g. milestones=[6000, 9000]")
        if self.schedule == "log" and not (self.lr_end and self.warmup_from):
            raise ValueError("schedule 'log' needs lr_end and warmup_from above 0")

    def differences(self, other: "TrainSettings") -> list[str]:
        """Name the settings in which another training differs, e.g. `lr: 0.1 -> 0.2`."""
        return [
            f"{field.name}: {getattr(self, field.name)} -> {getattr(other, field.name)}"
            for field in fields(self)
            if field.name not in FREE and getattr(self, field.name) != getattr(other, field.name)
        ]
