"""The original SiamMask, from a checkout that somebody has, made to run beside ours.

    git clone https://github.com/foolwood/SiamMask

Its modules want numpy's old names, OpenCV 3 and a compiled VOT toolkit, which tracking does not
use. Nothing of it is part of this project.
"""

import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ANCHORS = {"stride": 8, "ratios": [0.33, 0.5, 1, 2, 3], "scales": [8], "round_dight": 0}
DAVIS = {"penalty_k": 0.04, "window_influence": 0.40, "lr": 1.0, "seg_thr": 0.35, "base_size": 8}


class Original:
    """Its functions and its network of one form.

    Args:
        source: folder of the checkout.
        variant: `base` or `sharp`.
        weights: by its own names.
    """

    def __init__(self, source: Path, variant: str, weights: Mapping[str, Tensor]) -> None:
        self.refined = variant == "sharp"
        self._functions = _load(source, variant)
        self.network: Any = network_of(source, variant).eval()
        missing = self.network.load_state_dict(dict(weights), strict=False)
        assert not missing.unexpected_keys
        side = 127 if self.refined else 63
        self._settings = {**DAVIS, "out_size": side, "instance_size": 255}

    @torch.no_grad()
    def begin(self, frame: np.ndarray, box: tuple[float, float, float, float]) -> dict[str, Any]:
        """Return its state; the frame is (H, W, 3) uint8 RGB, the box x, y, w, h."""
        x, y, w, h = box
        bgr = np.ascontiguousarray(frame[..., ::-1])
        place, size = np.array([x + w / 2, y + h / 2]), np.array([w, h])
        state: dict[str, Any] = self._functions["siamese_init"](
            bgr, place, size, self.network, self._settings
        )
        state["template"] = self.network.zf
        return state

    @torch.no_grad()
    def track(self, state: dict[str, Any], frame: np.ndarray) -> dict[str, Any]:
        """Return its next state, with `mask`, `target_pos`, `target_sz` and `score`."""
        self.network.zf = state["template"]  # it keeps one template only
        bgr = np.ascontiguousarray(frame[..., ::-1])
        track = self._functions["siamese_track"]
        found: dict[str, Any] = track(state, bgr, mask_enable=True, refine_enable=self.refined)
        return found


def network_of(source: Path, variant: str) -> Any:
    """Return its network with whatever weights."""
    _load(source, variant)
    module = __import__("custom")
    return module.Custom(anchors=ANCHORS)


def shapes_of(network: Any) -> dict[str, tuple[int, ...]]:
    """Return the shapes of its tensors by name, without the counters of its norms."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _load(source: Path, variant: str) -> dict[str, Any]:
    """Run its `tools/test.py` without its command line; returns the functions in it."""
    for name in ("custom", "resnet"):
        sys.modules.pop(name, None)
    folders = [str(source / "experiments" / f"siammask_{variant}"), str(source)]
    sys.path[:] = folders + [p for p in sys.path if "siammask_" not in p and p != str(source)]
    _stub("utils.pyvotkit")
    _stub("utils.pyvotkit.region", vot_overlap=None, vot_float2str=None)
    _stub("utils.benchmark_helper", load_dataset=None, dataset_zoo=["VOT2018"])
    if not hasattr(np, "float"):
        np.float = float  # type: ignore[attr-defined]
    text = (source / "tools" / "test.py").read_text()
    text = text.replace("cv2.__version__[-5] == '4'", "True")  # two values, as of OpenCV 4
    functions: dict[str, Any] = {"__name__": "original"}
    exec(compile(text, "test.py", "exec"), functions)
    return functions


def _stub(name: str, **content: Any) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
