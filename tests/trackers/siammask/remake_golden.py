"""Make the goldens anew from a checkout of the original SiamMask.

    python -m tests.trackers.siammask.remake_golden CHECKOUT [DAVIS]

Its network, with weights of `seeded`, tracks one step; what it said is kept as numbers.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from tests.helpers.original_siammask import Original, network_of, shapes_of
from tests.helpers.seeded import seeded_weights
from tests.helpers.siammask_scenes import BOX, GAINS, drawn

HERE = Path(__file__).parent

STEPS = {"template": 97, "cls": 61, "loc": 127, "mask": 53}  # one value in so many is kept
REAL = {"car-shadow": 3, "libby": 3}  # sequence of DAVIS -> frame that is tracked after the first


def main() -> None:
    source = Path(sys.argv[1])
    scenes = {"drawn": (drawn(0), drawn(9), BOX)}
    if len(sys.argv) > 2:
        scenes |= {name: real(Path(sys.argv[2]), name) for name in REAL}
    goldens = {
        variant: {name: golden(source, variant, *scene) for name, scene in scenes.items()}
        for variant in ("base", "sharp")
    }
    (HERE / "golden" / "original.json").write_text(json.dumps(goldens))


def real(root: Path, name: str) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Return two frames of DAVIS and the box of the object on the first."""
    folder = root / "JPEGImages" / "480p" / name
    first, later = (cv2.imread(str(folder / f"{i:05d}.jpg"))[..., ::-1] for i in (0, REAL[name]))
    truth = cv2.imread(str(root / "Annotations" / "480p" / name / "00000.png"), 0) > 0
    return first, later, tuple(map(float, cv2.boundingRect(truth.astype(np.uint8))))


def golden(
    source: Path, variant: str, first: np.ndarray, later: np.ndarray, box: Any
) -> dict[str, Any]:
    """Return what the original says about one step."""
    weights = seeded_weights(shapes_of(network_of(source, variant)), GAINS)
    original = Original(source, variant, weights)
    network, seen = original.network, {}
    for name in ("track_mask", "track_refine") if original.refined else ("track_mask",):
        setattr(network, name, recorded(getattr(network, name), name, seen))
    place, np.unravel_index = np.unravel_index, recorded(np.unravel_index, "cell", seen)
    state = original.track(original.begin(first, box), later)
    np.unravel_index = place
    cls, loc, coarse = seen["track_mask"]
    _, row, column = seen["cell"]
    mask = seen["track_refine"][0] if original.refined else coarse[0, :, row, column]
    maps = {"template": state["template"].numpy(), "cls": cls, "loc": loc, "mask": mask}
    return {
        "box": box,
        "values": {n: [float(v) for v in np.ravel(m)[:: STEPS[n]]] for n, m in maps.items()},
        "largest": {n: float(np.abs(m).max()) for n, m in maps.items()},
        "cell": [int(row), int(column)],
        "centre": [float(v) for v in state["target_pos"]],
        "size": [float(v) for v in state["target_sz"]],
        "score": float(state["score"]),
        "pixels": coco.encode(np.asfortranarray(state["mask"] > 0.35, np.uint8))["counts"].decode(),
    }


def recorded(function: Any, name: str, seen: dict[str, Any]) -> Any:
    """Return the function; what it gives is copied, as the original writes into its maps."""

    def wrapper(*given: Any) -> Any:
        result = function(*given)
        several = result if isinstance(result, tuple) else (result,)
        seen[name] = [v.numpy().copy() if hasattr(v, "numpy") else v for v in several]
        return result

    return wrapper


if __name__ == "__main__":
    main()
