"""What decays, what is frozen, and what the moving average is."""

import pytest
import torch
from torch import nn

from vostool.errors import ConfigError
from vostool.training.learner import MovingAverage
from vostool.training.optimizer import frozen_at, make_optimizer, set_rate, set_training
from vostool.training.settings import TrainSettings

CPU = torch.device("cpu")


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))


def test_norms_and_biases_do_not_decay() -> None:
    net = network()
    optimizer = make_optimizer(net, TrainSettings(weight_decay=0.3), CPU)
    decay = {
        id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]
    }
    told = {name: decay[id(p)] for name, p in net.named_parameters()}
    assert told == {
        "0.weight": 0.3,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "2.weight": 0.3,
        "2.bias": 0.0,
    }


def test_one_step_of_sgd_by_hand() -> None:
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(2.0)
        net.bias.fill_(1.0)
    settings = TrainSettings(optimizer="sgd", lr=0.1, momentum=0.5, weight_decay=0.01)
    optimizer = make_optimizer(net, settings, CPU)
    for _ in range(2):
        optimizer.zero_grad()
        (net(torch.tensor([[3.0]])).sum()).backward()  # gradients 3 and 1
        optimizer.step()
    # v1 = 3 + 0.01 w; w - 0.1 v1; v2 = 0.5 v1 + 3 + 0.01 w
    v1 = 3 + 0.01 * 2
    w1 = 2 - 0.1 * v1
    w2 = w1 - 0.1 * (0.5 * v1 + 3 + 0.01 * w1)
    assert net.weight.item() == pytest.approx(w2, abs=1e-6)
    assert net.bias.item() == pytest.approx(1 - 0.1 * (1 + 1.5), abs=1e-6)


def test_when_parts_thaw() -> None:
    settings = TrainSettings(freeze=("a.",), unfreeze_at=3)
    assert [frozen_at(settings, step) for step in (0, 2, 3, 9)] == [("a.",), ("a.",), (), ()]
    assert frozen_at(TrainSettings(freeze=("a.",)), 10**6) == ("a.",)
    settings = TrainSettings(freeze=("a.",), unfreeze_at=3, fixed=("a.b.",))
    assert [frozen_at(settings, step) for step in (0, 3)] == [("a.b.", "a."), ("a.b.",)]


def test_slow_parts_learn_with_a_fraction_of_the_rate() -> None:
    net = network()
    settings = TrainSettings(slow=("0.", "1."), slow_lr=0.25, weight_decay=0.3)
    optimizer = make_optimizer(net, settings, CPU)
    set_rate(optimizer, 2.0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    told = {name: rates[id(p)] for name, p in net.named_parameters()}
    assert told == {
        "0.weight": 0.5,
        "0.bias": 0.5,
        "1.weight": 0.5,
        "1.bias": 0.5,
        "2.weight": 2.0,
        "2.bias": 2.0,
    }
    with pytest.raises(ConfigError, match=r"train\.slow.*'3\.'"):
        make_optimizer(net, TrainSettings(slow=("3.",)), CPU)


def test_frozen_norms_keep_their_statistics() -> None:
    net = network()
    set_training(net, ("0.", "1."))
    assert [module.training for module in net] == [True, False, True]
    assert [p.requires_grad for p in net.parameters()] == [False] * 4 + [True] * 2
    set_training(net, ())
    assert all(module.training for module in net)
    assert all(p.requires_grad for p in net.parameters())


def test_freezing_everything_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves no parameter"):
        set_training(network(), ("0", "1", "2"))


def test_the_moving_average_follows_tensors_that_were_replaced() -> None:
    """As `Module.to` does with weights in another layout, of either network."""
    net = nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))
    average = MovingAverage(net, decay=0.5)
    for step, changed in enumerate((net, average.network), 9):
        changed.to(memory_format=torch.channels_last)
        before = average.network[0].weight.clone()
        with torch.no_grad():
            net[0].weight.add_(1.0)
        average.update(step)
        assert torch.allclose(average.network[0].weight, (before + net[0].weight) / 2)


def test_a_shared_tensor_is_averaged_once() -> None:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    net[1].weight = net[0].weight
    average = MovingAverage(net, decay=0.5)
    before = net[0].weight.item()
    with torch.no_grad():
        net[0].weight.add_(2.0)
    average.update(100)
    assert average.network[1].weight.item() == pytest.approx(before + 1)


def test_the_moving_average_by_hand() -> None:
    net = nn.BatchNorm1d(1)
    average = MovingAverage(net, decay=0.5)
    expected = {"weight": 1.0, "running_mean": 0.0}
    for step, value in enumerate((2.0, 4.0, -1.0, 8.0, 3.0, 5.0, 7.0, 6.0, 1.0, 9.0), 1):
        with torch.no_grad():
            net.weight.fill_(value)
            net.running_mean.fill_(10 * value)
            net.num_batches_tracked.fill_(step)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))  # 2/11, 3/12, ... then 0.5
        expected["weight"] = decay * expected["weight"] + (1 - decay) * value
        expected["running_mean"] = decay * expected["running_mean"] + (1 - decay) * 10 * value
    for name, value in expected.items():
        assert float(average.network.state_dict()[name]) == pytest.approx(value, rel=1e-5)
    assert int(average.network.num_batches_tracked) == 10
    assert not any(p.requires_grad for p in average.network.parameters())
    assert not average.network.training


def test_frozen_norms_keep_their_statistics_and_learn_their_factors() -> None:
    net = network()
    set_training(net, (), ("1.",))
    before = net[1].running_mean.clone()
    net(torch.randn(2, 1, 8, 8)).square().sum().backward()
    torch.testing.assert_close(net[1].running_mean, before)
    assert net[1].weight.grad is not None
    with pytest.raises(ConfigError, match=r"frozen_norms.*'x\.'"):
        set_training(net, (), ("x.",))
