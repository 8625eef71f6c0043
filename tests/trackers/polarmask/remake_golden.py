"""Make the goldens anew from a checkout of the original PolarMask.

    python -m tests.trackers.polarmask.remake_golden CHECKOUT [DAVIS]

Its network, with weights of `seeded`, sees a frame; what it said is kept as numbers.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.helpers.original_polarmask import Original
from tests.helpers.polarmask_scenes import KEPT, MAPS, drawn, given, shapes_of, some_of, weights

HERE = Path(__file__).parent

REAL = {"libby": 3}  # sequence of DAVIS -> frame


def main() -> None:
    original = Original(Path(sys.argv[1]))
    original.network.load_state_dict(
        weights(shapes_of(original.network.state_dict())), strict=False
    )
    frames = {"drawn": drawn()}
    if len(sys.argv) > 2:
        folder = Path(sys.argv[2]) / "JPEGImages" / "480p"
        for name, number in REAL.items():
            image = cv2.imread(str(folder / name / f"{number:05d}.jpg"))
            frames[name] = np.ascontiguousarray(image[..., ::-1])
    goldens = {name: golden(original, frame) for name, frame in frames.items()}
    (HERE / "golden" / "original.json").write_text(json.dumps(goldens))


def golden(original: Original, frame: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what the original says about a frame."""
    size = frame.shape[0], frame.shape[1]
    maps = original.maps(given(frame))
    boxes, classes, contours = original.detections(maps, size)
    order = boxes[:, 4].argsort(descending=True, stable=True)[:KEPT]
    result = original.transforms.bbox_mask2result(
        boxes[order], contours[order], classes[order], 81, {"ori_shape": (*size, 3)}
    )[1]
    masks: list[list[dict[str, Any]]] = [list(each) for each in result]
    return {
        "maps": {
            name: {
                "values": [[_rounded(v) for v in some_of(m)] for m in maps[name]],
                "largest": [float(m.abs().max()) for m in maps[name]],
            }
            for name in MAPS
        },
        "count": len(boxes),
        "scores": [_rounded(v) for v in boxes[order, 4]],
        "classes": classes[order].tolist(),
        "boxes": [[_rounded(v) for v in row] for row in boxes[order, :4]],
        "contours": [
            [[round(float(v), 3) for v in line] for line in contour] for contour in contours[order]
        ],
        "masks": [masks[kind].pop(0)["counts"].decode() for kind in classes[order].tolist()],
    }


def _rounded(value: Any) -> float:
    return float(f"{float(value):.7g}")


if __name__ == "__main__":
    main()
