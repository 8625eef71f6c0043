"""Find, read and try out the two ONNX files of NanoTrack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from vostool.errors import WeightsError

_ROLES = ("backbone", "head")
_SILENT = 0  # cv::utils::logging::LOG_LEVEL_SILENT
_MEND = (
    "Give NanoTrack v2's two ONNX files, with 'backbone' and 'head' in their names, "
    "as published in HonglinChu/SiamTrackers."
)


@dataclass(frozen=True, slots=True)
class Networks:
    """The bytes of both ONNX files: read once, parsed once per object.

    `TrackerNano` leaves the template inside the head's input, so objects cannot share networks.
    """

    backbone: bytes
    head: bytes

    def tracker(self) -> Any:
        """Return a new `cv2.TrackerNano` with networks of its own."""
        with quiet():
            try:
                return cv2.TrackerNano.create(_parse(self.backbone), _parse(self.head))
            except (TypeError, cv2.error):  # OpenCV 4.10 takes file names only
                return self._tracker_from_files()

    def _tracker_from_files(self) -> Any:
        with TemporaryDirectory(prefix="nano_box-") as folder:
            params = cv2.TrackerNano.Params()
            params.backbone = str(Path(folder, "backbone.onnx"))
            params.neckhead = str(Path(folder, "head.onnx"))
            Path(params.backbone).write_bytes(self.backbone)
            Path(params.neckhead).write_bytes(self.head)
            return cv2.TrackerNano.create(params)


def load_networks(weights: Path | None) -> Networks:
    """Read the networks and try them on a gray image.

    Args:
        weights: the folder of both files, or one of the files with the other beside it.

    Raises:
        WeightsError: a file is absent, ambiguous, damaged or not NanoTrack's.
    """
    if weights is None:
        raise WeightsError(
            f"NanoTrack does nothing without its networks: --weights FOLDER. {_MEND}"
        )
    files = {role: _find(weights, role) for role in _ROLES}
    networks = Networks(*(_read(files[role]) for role in _ROLES))
    with quiet():
        _check_backbone(networks.backbone, files["backbone"])
        _check_head(networks.head, files["head"])
    return networks


@contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenCV's log off the terminal: what matters of it becomes a `WeightsError`."""
    # OpenCV 5 has moved the function; both return the level before.
    home: Any = getattr(cv2.utils, "logging", cv2)
    before = home.setLogLevel(_SILENT)
    try:
        yield
    finally:
        home.setLogLevel(before)


def _find(weights: Path, role: str) -> Path:
    if weights.is_dir():
        folder = weights
    elif weights.is_file():
        if role in weights.name.lower():
            return weights
        folder = weights.parent
    else:
        raise WeightsError(f"{weights} does not exist. {_MEND}")
    found = sorted(p for p in folder.glob("*.onnx") if role in p.name.lower())
    if len(found) != 1:
        names = f" ({', '.join(p.name for p in found)})" if found else ""
        raise WeightsError(
            f"{folder} holds {len(found)} .onnx files with '{role}' in their names{names}, "
            f"and exactly one is needed. {_MEND}"
        )
    return found[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}. {_MEND}") from error


def _parse(data: bytes) -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))


def _check_backbone(data: bytes, path: Path) -> None:
    try:
        network = _parse(data)
        shapes = []
        for side in (127, 255):
            network.setInput(np.full((1, 3, side, side), 128, np.float32))
            shapes.append(network.forward().shape)
    except cv2.error as error:
        raise _unfit(path, "backbone") from error
    if shapes != [(1, 48, 8, 8), (1, 48, 16, 16)]:
        raise _unfit(path, "backbone")


def _check_head(data: bytes, path: Path) -> None:
    try:
        network = _parse(data)
        network.setInput(np.ones((1, 48, 8, 8), np.float32), "input1")
        network.setInput(np.ones((1, 48, 16, 16), np.float32), "input2")
        shapes = [out.shape for out in network.forward(["output1", "output2"])]
    except cv2.error as error:
        raise _unfit(path, "head") from error
    if shapes != [(1, 2, 16, 16), (1, 4, 16, 16)]:
        raise _unfit(path, "head")


def _unfit(path: Path, role: str) -> WeightsError:
    return WeightsError(f"{path} is damaged or not NanoTrack's {role}. {_MEND}")
