"""Build stand-in NanoTrack networks with random weights, without the `onnx` package.

They have the inputs, outputs and shapes that `cv2.TrackerNano` needs and about the layers of the
real networks (no squeeze-and-excitation, a simpler correlation), so that they cost about as much
time. They track nothing.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vostool_trackers.nano_box import wire
from vostool_trackers.nano_box.wire import Attributes

_WIDTH = 48  # channels between backbone and head
_TOWER = 96  # channels of the head's two towers
# channels in, expanded and out, kernel size and stride of each inverted bottleneck
_BLOCKS = (
    (16, 16, 16, 3, 2),
    (16, 72, 24, 3, 2),
    (24, 88, 24, 3, 1),
    (24, 96, 40, 5, 2),
    (40, 240, 40, 5, 1),
    (40, 240, 40, 5, 1),
    (40, 120, 48, 5, 1),
    (48, 144, _WIDTH, 5, 1),
)


def random_networks(seed: int) -> tuple[bytes, bytes]:
    """Return the ONNX files of a backbone and a head whose weights are drawn from `seed`."""
    rng = np.random.default_rng(seed)
    return _backbone(rng), _head(rng)


def _backbone(rng: np.random.Generator) -> bytes:
    """Return `input` (1, 3, 255, 255) -> `output` (1, 48, 16, 16); 127 px give (1, 48, 8, 8)."""
    graph = _Graph(rng)
    x = graph.conv("input", 3, 16, 3, stride=2, gain=1 / 128)  # pixels come as 0 to 255
    for channels, expanded, out, kernel, stride in _BLOCKS:
        x = graph.op("Relu", [graph.conv(x, channels, expanded)])
        x = graph.op("Relu", [graph.depthwise(x, expanded, kernel, stride)])
        x = graph.conv(x, expanded, out)
    graph.op("Identity", [x], "output")
    return graph.file({"input": (1, 3, 255, 255)}, {"output": (1, _WIDTH, 16, 16)})


def _head(rng: np.random.Generator) -> bytes:
    """Return `input1` (template), `input2` (search) -> `output1` (class), `output2` (box)."""
    graph = _Graph(rng)
    template = graph.op("GlobalAveragePool", [graph.conv("input1", _WIDTH, _WIDTH)])
    matched = graph.op("Mul", [graph.conv("input2", _WIDTH, _WIDTH), template])
    for output, channels, last in (("output1", 2, "Identity"), ("output2", 4, "Exp")):
        x, width = matched, _WIDTH
        for _ in range(6):
            x = graph.conv(graph.depthwise(x, width, 3), width, _TOWER)
            x, width = graph.op("Relu", [x]), _TOWER
        # Exp keeps the box's sides positive, as in NanoTrack; exp(3) is 20 of 255 px.
        graph.op(last, [graph.conv(x, width, channels, gain=0.01, bias=3.0)], output)
    inputs = {"input1": (1, _WIDTH, 8, 8), "input2": (1, _WIDTH, 16, 16)}
    return graph.file(inputs, {"output1": (1, 2, 16, 16), "output2": (1, 4, 16, 16)})


class _Graph:
    """An ONNX graph under construction; values are known by their names."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []

    def op(
        self, kind: str, inputs: list[str], output: str = "", attributes: Attributes | None = None
    ) -> str:
        """Append a node and return the name of its output."""
        output = output or f"x{len(self._nodes)}"
        self._nodes.append(wire.node(kind, inputs, output, attributes or {}))
        return output

    def conv(
        self,
        x: str,
        channels: int,
        out: int,
        kernel: int = 1,
        stride: int = 1,
        gain: float = 1.0,
        bias: float = 0.0,
    ) -> str:
        """Append a convolution padded by half its kernel, with He-normal weights."""
        weights = self._draw((out, channels, kernel, kernel), gain)
        names = [x, self._tensor(weights), self._tensor(np.full(out, bias))]
        return self.op("Conv", names, attributes=_sizes(kernel, stride))

    def depthwise(self, x: str, channels: int, kernel: int, stride: int = 1) -> str:
        """Append a depthwise convolution padded by half its kernel."""
        weights = self._draw((channels, 1, kernel, kernel), 1.0)
        names = [x, self._tensor(weights)]
        return self.op("Conv", names, attributes={"group": channels, **_sizes(kernel, stride)})

    def _draw(self, shape: tuple[int, int, int, int], gain: float) -> NDArray[np.float64]:
        spread = gain * np.sqrt(2 / np.prod(shape[1:]))
        return np.asarray(self._rng.standard_normal(shape) * spread)

    def _tensor(self, values: NDArray[np.float64]) -> str:
        name = f"w{len(self._tensors)}"
        self._tensors.append(wire.tensor(name, values))
        return name

    def file(
        self, inputs: Mapping[str, tuple[int, ...]], outputs: Mapping[str, tuple[int, ...]]
    ) -> bytes:
        """Return the finished ONNX file."""
        ins = [wire.value_info(*item) for item in inputs.items()]
        outs = [wire.value_info(*item) for item in outputs.items()]
        return wire.model(self._nodes, self._tensors, ins, outs)


def _sizes(kernel: int, stride: int) -> Attributes:
    return {
        "kernel_shape": [kernel] * 2,
        "strides": [stride] * 2,
        "pads": [kernel // 2] * 4,
    }
