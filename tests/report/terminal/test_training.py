"""What a training shows."""

import pytest

from vostool.report.terminal.training import amount, duration, training_progress


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (36864, "36.9 k"), (1.5e9, "1.5 G"), (2e12, "2 T"), (3e15, "3 P")],
)
def test_amounts(number, text):
    assert amount(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_without_a_terminal_there_are_lines(capsys):
    losses = {"lr": 0.01, "total": 0.5, "rays": 0.25, "grad_norm": 3.0, "pairs_per_s": 12.5}
    with training_progress("mine", 100) as show:
        show({"step": 10, **losses, "seconds": 1.0})
        show({"step": 20, **losses, "seconds": 2.0})  # too soon for another line
        show({"step": 30, "seconds": 3.0, "J_mean": 0.4567})
    assert capsys.readouterr().err.splitlines() == [
        "mine: step 10 of 100, total 0.5 rays 0.25, lr 0.01, 12.5 pairs/s",
        "mine: step 30 of 100, J_mean 0.4567",
    ]
