"""Write protobuf messages by hand: the few lines of its wire format that ONNX files need.

A message is a row of fields. A field is a key, `number << 3 | wire type`, and then a varint (wire
type 0) or a length and that many bytes (wire type 2). A varint holds seven bits a byte, low bits
first; the high bit says that more follow. The field numbers are those of onnx.proto3.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Attributes = Mapping[str, int | list[int]]

_FLOAT32 = 1  # TensorProto.DataType
_INT, _INTS = 2, 7  # AttributeProto.AttributeType


def field(number: int, value: int | str | bytes) -> bytes:
    """Return one field; a non-negative integer becomes a varint, the rest length and bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def node(kind: str, inputs: list[str], output: str, attributes: Attributes) -> bytes:
    """Return a NodeProto."""
    message = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            content = field(3, value) + field(20, _INT)
        else:
            content = b"".join(field(8, item) for item in value) + field(20, _INTS)
        message += field(5, field(1, name) + content)
    return message


def tensor(name: str, values: NDArray[np.floating]) -> bytes:
    """Return a TensorProto of float32."""
    dims = b"".join(field(1, n) for n in values.shape)
    raw = values.astype("<f4").tobytes()
    return dims + field(2, _FLOAT32) + field(8, name) + field(9, raw)


def value_info(name: str, shape: tuple[int, ...]) -> bytes:
    """Return the ValueInfoProto of a float32 input or output."""
    dims = b"".join(field(1, field(1, n)) for n in shape)
    return field(1, name) + field(2, field(1, field(1, _FLOAT32) + field(2, dims)))


def model(nodes: list[bytes], tensors: list[bytes], ins: list[bytes], outs: list[bytes]) -> bytes:
    """Return a ModelProto of one graph: IR version 7, operator set 14."""
    graph = field(2, "random")
    for number, messages in ((1, nodes), (5, tensors), (11, ins), (12, outs)):
        graph += b"".join(field(number, message) for message in messages)
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, 14))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
