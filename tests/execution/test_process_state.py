"""Settings of the process are each tracker's own."""

import sys

import cv2
import numpy as np
import torch

from vostool.execution.process_state import ProcessState


def test_each_finds_the_process_as_it_left_it() -> None:
    before = (cv2.getNumThreads(), torch.get_num_threads(), np.geterr())
    one, other = ProcessState(), ProcessState()
    try:
        with one.active():
            cv2.setNumThreads(1)
            torch.set_num_threads(1)
            torch.set_grad_enabled(False)
            torch.set_float32_matmul_precision("medium")
            np.seterr(all="raise")
        with other.active():
            assert (cv2.getNumThreads(), torch.get_num_threads(), np.geterr()) == before
            assert torch.is_grad_enabled()
            assert torch.get_float32_matmul_precision() == "highest"
            torch.backends.cudnn.benchmark = True
        with one.active():
            assert cv2.getNumThreads() == torch.get_num_threads() == 1
            assert not torch.is_grad_enabled()
            assert torch.get_float32_matmul_precision() == "medium"
            assert np.geterr()["under"] == "raise"
            assert not torch.backends.cudnn.benchmark
        assert (cv2.getNumThreads(), torch.get_num_threads(), np.geterr()) == before
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.set_grad_enabled(True)
        torch.set_float32_matmul_precision("highest")


def test_what_fails_is_put_back_too() -> None:
    before = np.geterr()
    try:
        with ProcessState().active():
            np.seterr(all="raise")
            raise KeyError
    except KeyError:
        pass
    assert np.geterr() == before


def test_settings_of_a_library_that_came_later(monkeypatch) -> None:
    """They go back to what torch begins with."""
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "torch")
        state = ProcessState()
    try:
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(True)
        state.restore()
        assert torch.get_default_dtype() == torch.float32
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)
