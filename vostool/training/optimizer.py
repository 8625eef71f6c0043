"""The optimiser, and which parameters it may touch."""

import math
from bisect import bisect_right

import torch
from torch import nn

from vostool.errors import ConfigError
from vostool.training.settings import TrainSettings


def learning_rate(settings: TrainSettings, step: int) -> float:
    """Return the learning rate of a step.

    Args:
        settings: `lr`, `warmup` and what belongs to the schedule.
        step: from 0 to `settings.steps` - 1.
    """
    if step < settings.warmup:
        risen = step / settings.warmup
        if settings.schedule == "log":
            return settings.lr * math.pow(settings.warmup_from, 1 - risen)
        return settings.lr * (settings.warmup_from + (1 - settings.warmup_from) * risen)
    if settings.schedule == "steps":
        return settings.lr * settings.gamma ** bisect_right(settings.milestones, step)
    gone = (step - settings.warmup) / (settings.steps - settings.warmup)
    if settings.schedule == "log":
        return settings.lr * math.pow(settings.lr_end, gone)
    # Loshchilov and Hutter, "SGDR", ICLR 2017, eq. 5, without restarts
    share = 0.5 * (1 + math.cos(math.pi * gone))
    return settings.lr * (settings.lr_end + (1 - settings.lr_end) * share)


FACTOR = "factor"  # of the learning rate, a key of the optimiser's groups


def make_optimizer(
    network: nn.Module, settings: TrainSettings, device: torch.device
) -> torch.optim.Optimizer:
    """Return the optimiser of all parameters, also of those that are frozen for now.

    Weights of layers decay; biases, norms and single numbers, which have fewer than two
    dimensions, do not.

    Raises:
        ConfigError: a prefix of `slow` that no parameter's name begins with.
    """
    _check_prefixes(network, settings.slow, "slow")
    names = {p: name for name, p in network.named_parameters()}
    groups = [
        {
            "params": [
                p
                for p, name in names.items()
                if (p.ndim >= 2) == decays and name.startswith(settings.slow) == slow
            ],
            "weight_decay": settings.weight_decay if decays else 0.0,
            FACTOR: settings.slow_lr if slow else 1.0,
        }
        for slow in (False, True)
        for decays in (True, False)
    ]
    groups = [group for group in groups if group["params"]]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.lr, fused=device.type == "cuda")


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of a step; parameters that are `slow` get their fraction of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(FACTOR, 1.0)


def frozen_at(settings: TrainSettings, step: int) -> tuple[str, ...]:
    """Return the name prefixes that do not learn in a step."""
    thawed = settings.unfreeze_at is not None and step >= settings.unfreeze_at
    return settings.fixed if thawed else settings.fixed + settings.freeze


def set_training(network: nn.Module, frozen: tuple[str, ...], norms: tuple[str, ...] = ()) -> None:
    """Put a network into training mode, but for frozen parameters and their batch norms.

    Args:
        network: to train.
        frozen: name prefixes of parameters that do not learn.
        norms: name prefixes of further batch norms that keep their statistics.

    Raises:
        ConfigError: a prefix that no parameter's name begins with, or nothing is left to learn.
    """
    network.train()
    _check_prefixes(network, frozen, "freeze")
    _check_prefixes(network, norms, "frozen_norms")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen))
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ConfigError(f"train.freeze = {list(frozen)} leaves no parameter that learns.")
    still = frozen + norms
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and f"{name}.".startswith(still):
            module.eval()


def _check_prefixes(network: nn.Module, prefixes: tuple[str, ...], setting: str) -> None:
    names = [name for name, _ in network.named_parameters()]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            tops = ", ".join(sorted({name.partition(".")[0] + "." for name in names}))
            raise ConfigError(
                f"train.{setting}: no parameter's name begins with '{prefix}'. They begin with "
                f"{tops}."
            )
