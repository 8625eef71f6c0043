"""Settings of the process are each tracker's own."""

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
