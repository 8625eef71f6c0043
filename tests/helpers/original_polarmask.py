"""The original PolarMask, run from a checkout beside this project: what it needs is stood in for.

Its own modules run: ResNet, FPN, head with decoding, and the choice among classes. Stood in for are
mmcv and the compiled suppression of boxes, whose few lines of C++ are written out here.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_BARE = (  # packages whose own `__init__` is not run
    "mmdet",
    "mmdet.models",
    "mmdet.models.backbones",
    "mmdet.models.necks",
    "mmdet.models.anchor_heads",
    "mmdet.core.bbox",
    "mmdet.core.post_processing",
)


class Original:
    """Backbone, neck and head as in `configs/polarmask/4gpu/polar_768_1x_r50.py`."""

    def __init__(self, checkout: Path) -> None:
        with _standing_in(checkout):
            resnet = importlib.import_module("mmdet.models.backbones.resnet")
            fpn = importlib.import_module("mmdet.models.necks.fpn")
            head = importlib.import_module("mmdet.models.anchor_heads.polarmask_head")
            self.transforms = importlib.import_module("mmdet.core.bbox.transforms")
            fixed = {"type": "BN", "requires_grad": False}
            self.network = nn.Module()
            self.network.backbone = resnet.ResNet(
                50, frozen_stages=1, norm_cfg=fixed, style="caffe"
            )
            self.network.neck = fpn.FPN(
                [256, 512, 1024, 2048],
                256,
                start_level=1,
                add_extra_convs=True,
                extra_convs_on_inputs=False,
                num_outs=5,
                relu_before_extra_convs=True,
            )
            self.network.bbox_head = head.PolarMask_Head(81, 256, strides=[8, 16, 32, 64, 128])
        self.network.eval()

    @torch.no_grad()
    def maps(self, image: Tensor) -> dict[str, tuple[Tensor, ...]]:
        """Return what the parts say about a (1, 3, H, W) normalised and padded BGR image."""
        features = self.network.backbone(image)
        levels = self.network.neck(features)
        names = ("score", "box", "centerness", "rays")
        found = dict(zip(names, self.network.bbox_head(levels), strict=True))
        return {"features": tuple(features), "levels": tuple(levels), **found}

    @torch.no_grad()
    def detections(self, maps: dict[str, Any], size: tuple[int, int]) -> tuple[Tensor, ...]:
        """Return (K, 5) boxes with scores, (K,) classes and (K, 2, 36) contours of an image."""
        rules = _Rules(
            nms_pre=1000, score_thr=0.05, nms={"type": "nms", "iou_thr": 0.5}, max_per_img=100
        )
        info = {"img_shape": (*size, 3), "scale_factor": 1.0}
        parts = (maps[name] for name in ("score", "box", "centerness", "rays"))
        found: tuple[Tensor, ...] = self.network.bbox_head.get_bboxes(
            *parts, [info], rules, rescale=True
        )[0]
        return found


class _Rules(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


def _nms(dets: Tensor, iou_thr: float) -> tuple[Tensor, Tensor]:
    """Suppress boxes as `nms_cpu.cpp` does, one pixel added to their sides."""
    boxes, order = dets.numpy(), np.argsort(-dets[:, 4].numpy(), kind="stable")
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    kept = []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(int(first))
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:4], boxes[rest, 2:4])
        inner = np.clip(high - low + 1, 0, None).prod(axis=1)
        order = rest[inner / (area[first] + area[rest] - inner) < iou_thr]
    index = torch.tensor(sorted(kept))
    return dets[index], index


@contextmanager
def _standing_in(checkout: Path) -> Iterator[None]:
    """Let the checkout's modules be imported, and nothing of it stay."""
    before, moved = dict(sys.modules), torch.Tensor.cuda
    torch.Tensor.cuda = lambda tensor, *_: tensor  # type: ignore[method-assign,assignment]
    old_range = torch.range
    torch.range = lambda *a, **k: torch.arange(a[0], a[1] + 1, a[2], dtype=torch.float32)
    try:
        for name in _BARE:
            package = ModuleType(name)
            package.__path__ = [str(checkout / name.replace(".", "/"))]
            sys.modules[name] = package
        _stand_in("mmcv", is_str=lambda value: isinstance(value, str))
        nothing = lambda *_, **__: None  # noqa: E731
        initialisers = ("constant_init", "kaiming_init", "normal_init", "xavier_init")
        _stand_in("mmcv.cnn", **dict.fromkeys(initialisers, nothing))
        _stand_in("mmcv.runner", load_checkpoint=nothing)
        _stand_in("IPython", embed=nothing)
        _stand_in("mmdet.models.plugins", GeneralizedAttention=None)
        operations = (
            "ContextBlock",
            "DeformConv",
            "ModulatedDeformConv",
            "ModulatedDeformConvPack",
        )
        _stand_in("mmdet.ops", **dict.fromkeys(operations), sigmoid_focal_loss=None)
        _stand_in("mmdet.ops.nms", nms_wrapper=_stand_in("mmdet.ops.nms.nms_wrapper", nms=_nms))
        _stand_in("mmdet.models.builder", build_loss=lambda _: nn.Identity())
        _stand_in("mmdet.utils", Registry=_Registry)
        transforms = importlib.import_module("mmdet.core.bbox.transforms")
        suppression = importlib.import_module("mmdet.core.post_processing.bbox_nms")
        _stand_in(
            "mmdet.core",
            distance2bbox=transforms.distance2bbox,
            force_fp32=lambda **_: lambda function: function,
            auto_fp16=lambda **_: lambda function: function,
            multi_apply=lambda function, *each: tuple(
                map(list, zip(*map(function, *each), strict=True))
            ),
            multiclass_nms=suppression.multiclass_nms,
            multiclass_nms_with_mask=suppression.multiclass_nms_with_mask,
        )
        yield
    finally:
        torch.Tensor.cuda, torch.range = moved, old_range  # type: ignore[method-assign]
        for name in set(sys.modules) - set(before):
            if name.split(".")[0] in ("mmcv", "mmdet", "IPython"):
                del sys.modules[name]


class _Registry:
    def __init__(self, name: str) -> None:
        self.name = name

    def register_module(self, cls: type) -> type:
        return cls


def _stand_in(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module
