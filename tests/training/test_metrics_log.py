"""The training curve on disk."""

import sys
from types import ModuleType

import pytest

from vostool.training.metrics_log import MetricsLog, tensorboard


def test_rows_are_appended_and_columns_may_come_later(tmp_path):
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path, 0)
    log.add({"step": 1, "total": 0.1})
    log.add({"step": 2, "total": 1 / 3})
    log.add({"step": 3, "J_mean": 0.5})
    log.add({"step": 4, "total": float("inf")})
    third = "0.3333333333333333"  # enough digits to read back the same
    assert path.read_text() == f"step,total,J_mean\n1,0.1,\n2,{third},\n3,,0.5\n4,inf,\n"


@pytest.mark.parametrize("cut", ["3", "3,", "3,0.", '3,"', "3,0.7,", "\x00\x00"])
def test_what_a_killed_training_left_is_healed(tmp_path, cut):
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path, 0)
    for step in (1, 2):
        log.add({"step": step, "total": step / 2})
    whole = path.read_text()
    path.write_text(whole + cut)
    MetricsLog(path, 9).add({"step": 3, "total": 1.5})
    assert path.read_text() == whole + "3,1.5\n"


def test_rows_after_the_checkpoint_are_dropped(tmp_path):
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path, 0)
    for step in (10, 20, 30):
        log.add({"step": step, "total": 0.5})
    MetricsLog(path, 20)
    assert path.read_text() == "step,total\n10,0.5\n20,0.5\n"
    MetricsLog(path, 0)
    assert not path.exists()


def test_tensorboard_gets_the_same_where_it_is_installed(tmp_path, monkeypatch):
    told = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            told.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            told.append((name, value, step))

        def flush(self):
            pass

    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    board = tensorboard(tmp_path, 7)
    board.add({"step": 8, "total": 0.5})
    assert told == [(str(tmp_path), 8), ("total", 0.5, 8)]


def test_without_tensorboard_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert tensorboard(tmp_path, 0) is None
    assert not list(tmp_path.iterdir())
