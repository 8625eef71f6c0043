"""The learning rate of every step."""

import math
from bisect import bisect_right

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
