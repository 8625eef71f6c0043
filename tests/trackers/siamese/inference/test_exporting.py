"""A network that is listened to answers as ever, and is itself again afterwards."""

import torch
from torch import Tensor, nn

from vostool_trackers.siamese.inference.exporting import heard


class Network(nn.Module):
    def kernels(self, template: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        return [template + 1, template + 2]

    def search(self, kernels: list[Tensor], search: Tensor) -> Tensor:
        return kernels[0] * search


@torch.inference_mode()
def test_what_was_given_last_is_kept_in_order() -> None:
    network = Network()
    with heard(network) as given:
        network.kernels(torch.zeros(1), None)
        kernels = network.kernels(torch.ones(1), None)
        assert network.search(kernels, torch.full((1,), 5.0)).item() == 10
    assert [x.item() for x in given["kernels"]] == [1]
    assert [x.item() for x in given["search"]] == [2, 3, 5]
    assert not any(x.is_inference() for x in given["search"])
    assert "kernels" not in vars(network)
    network.kernels(torch.full((1,), 7.0))
    assert [x.item() for x in given["kernels"]] == [1]
