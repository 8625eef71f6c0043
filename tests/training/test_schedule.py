"""Learning rates at known steps."""

import math

import pytest

from vostool.training.optimizer import learning_rate
from vostool.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.1),  # warmup_from
        (5, 0.1 + 0.9 * 5 / 10),
        (10, 1.0),
        (60, 0.2 + 0.8 * 0.5),  # half of the way
        (35, 0.2 + 0.8 * 0.5 * (1 + math.sqrt(0.5))),  # a quarter: cos(pi / 4)
        (109, 0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * 0.99))),
    ],
)
def test_cosine(step: int, rate: float) -> None:
    settings = TrainSettings(steps=110, lr=1.0, warmup=10, warmup_from=0.1, lr_end=0.2)
    assert learning_rate(settings, step) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (1, 0.01), (2, 0.02), (9, 0.02), (10, 0.01), (19, 0.01), (20, 0.005), (29, 0.005)],
)
def test_steps(step: int, rate: float) -> None:
    settings = TrainSettings(
        steps=30, lr=0.02, schedule="steps", milestones=(10, 20), gamma=0.5, warmup=2, warmup_from=0
    )
    assert learning_rate(settings, step) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    ("step", "rate"),
    [  # SiamMask's and SiamCAR's: 1e-3 to 5e-3 in 5 of 20 epochs, then to 5e-4
        (0, 1e-3),
        (1, 1.3797e-3),
        (4, 3.6239e-3),
        (5, 5e-3),
        (10, 5e-3 * 10 ** (-1 / 3)),
        (20, 5e-4),
    ],
)
def test_log(step: int, rate: float) -> None:
    settings = TrainSettings(
        steps=20, lr=5e-3, schedule="log", lr_end=0.1, warmup=5, warmup_from=0.2
    )
    assert learning_rate(settings, step) == pytest.approx(rate, rel=1e-4)


def test_a_warmup_longer_than_the_training() -> None:
    settings = TrainSettings(steps=5, lr=1.0, warmup=10, warmup_from=0.0)
    assert [learning_rate(settings, step) for step in (0, 4)] == pytest.approx([0.0, 0.4])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 0.0}, "lr is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"batch": 0}, "batch is 0"),
        ({"schedule": "steps"}, "needs milestones"),
        ({"milestones": (20, 10)}, "do not ascend"),
        ({"schedule": "log"}, "lr_end and warmup_from above 0"),
        ({"slow_lr": 1.5}, "slow_lr is 1.5"),
    ],
)
def test_settings_that_cannot_be_meant(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainSettings(**values)
