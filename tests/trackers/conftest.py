"""What the tests of all trackers that are trained share."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from vostool.training.task import Task


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads wait for each other where other processes are at work too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def learns_by_heart(one_thread: None) -> Callable[..., None]:
    """Return a check that the loss on one batch falls below 5 % of its start above a floor."""

    def check(
        task: Task,
        network: nn.Module,
        batch: dict[str, torch.Tensor],
        optimizer: torch.optim.Optimizer,
        steps: int,
        floor: float = 0.0,
    ) -> None:
        left: list[float] = []
        for _ in range(steps):
            total = task.losses(network, batch)["total"]
            left.append(float(total.detach()) - floor)
            if left[-1] < 0.05 * left[0]:
                return
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        pytest.fail(f"the loss above its floor went as {left}")

    return check
