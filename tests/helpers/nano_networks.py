"""Networks with the inputs and outputs of NanoTrack's and random weights, as ONNX files."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

WIDTH = 48  # channels between backbone and head


class Graph:
    """An ONNX graph under construction; values are known by their names."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes, self._tensors = [], []

    def op(self, kind: str, inputs: list[str], output: str = "", **attributes: object) -> str:
        """Append a node and return the name of its output."""
        output = output or f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
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
        shape = (out, channels, kernel, kernel)
        weights = self._rng.standard_normal(shape) * gain * np.sqrt(2 / np.prod(shape[1:]))
        names = [x, self._tensor(weights), self._tensor(np.full(out, bias))]
        sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return self.op("Conv", names, **sizes)

    def _tensor(self, values: np.ndarray) -> str:
        name = f"w{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def save(
        self, path: Path, ins: dict[str, tuple[int, ...]], outs: dict[str, tuple[int, ...]]
    ) -> None:
        """Write the finished graph, in an operator set that OpenCV reads."""
        infos = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in some]
            for some in (ins.items(), outs.items())
        ]
        graph = helper.make_graph(self._nodes, "random", *infos, self._tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=7)
        save_model(model, path)


def write_networks(folder: Path, seed: int = 3) -> Path:
    """Write `my_backbone.onnx` and `my_head.onnx`, which track nothing; return the folder."""
    graph = Graph(seed)
    x = graph.conv("input", 3, 16, 3, stride=2, gain=1 / 128)  # pixels come as 0 to 255
    for channels, out in ((16, 24), (24, 32), (32, WIDTH)):
        x = graph.op("Relu", [graph.conv(x, channels, out, 3, stride=2)])
    graph.op("Identity", [x], "output")
    outs = {"output": (1, WIDTH, 16, 16)}
    graph.save(folder / "my_backbone.onnx", {"input": (1, 3, 255, 255)}, outs)

    graph = Graph(seed + 1)
    template = graph.op("GlobalAveragePool", [graph.conv("input1", WIDTH, WIDTH)])
    matched = graph.op("Mul", [graph.conv("input2", WIDTH, WIDTH), template])
    # Exp keeps the box's sides positive, as in NanoTrack; exp(3) is 20 of 255 pixels.
    for output, channels, last in (("output1", 2, "Identity"), ("output2", 4, "Exp")):
        x = graph.op("Relu", [graph.conv(matched, WIDTH, WIDTH, 3)])
        graph.op(last, [graph.conv(x, WIDTH, channels, gain=0.01, bias=3.0)], output)
    ins = {"input1": (1, WIDTH, 8, 8), "input2": (1, WIDTH, 16, 16)}
    outs = {"output1": (1, 2, 16, 16), "output2": (1, 4, 16, 16)}
    graph.save(folder / "my_head.onnx", ins, outs)
    return folder
