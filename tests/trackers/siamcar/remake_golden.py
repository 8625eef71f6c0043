"""Make the goldens anew from a checkout of the original SiamCAR; it needs yacs and colorama.

    python -m tests.trackers.siamcar.remake_golden CHECKOUT [DAVIS]

Its network, with weights of `tests.helpers.siamcar_scenes`, tracks one step of each scene on a CPU;
what it said is kept as numbers. It is changed where today's numpy and a CPU demand it, and,
for `mended_size`, where it compares sizes in pixels of the frame with sizes in pixels of the crop.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from tests.helpers.siamcar_scenes import BOX, EDGES, STEPS, filled, painted, seeded_maps

HERE = Path(__file__).parent

# Sequence of DAVIS -> frame that is tracked. On others the best place of an enlarged map, whose
# weights mean nothing, leads by so little that rounding decides; see LEAD.
REAL = {"libby": 2, "soccerball": 2, "kite-surf": 4}
LEAD = 5e-5  # of the best place, as a fraction
SETS = ("OTB100", "GOT10K", "UAV123", "LaSOT")
UNITS = "self.sz(ave_w, ave_h) / self.sz(self.size[0]*self.scale_z, self.size[1]*self.scale_z)"
MENDED = "self.sz(ave_w, ave_h) / self.sz(self.size[0], self.size[1])"
TODAY = {
    "pysot/tracker/siamcar_tracker.py": ("cen.ptp()", "np.ptp(cen)"),
    "pysot/models/loss_car.py": (".squeeze().cuda()", ".squeeze()"),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "original"
        shutil.copytree(sys.argv[1], source)
        for name, (old, new) in TODAY.items():
            text = (source / name).read_text()
            assert old in text
            (source / name).write_text(text.replace(old, new))
        sys.path.insert(0, str(source))
        scenes = {"painted": (painted(0), painted(5), BOX)}
        if len(sys.argv) > 2:
            scenes |= {name: real(Path(sys.argv[2]), name) for name in REAL}
        network = network_of(source)
        goldens = {
            "made": "by the original at 76ddd52, see remake_golden.py",
            "scenes": {name: golden(network, *scene) for name, scene in scenes.items()},
            "losses": losses(),
        }
    (HERE / "golden" / "original.json").write_text(json.dumps(goldens))


def real(root: Path, name: str) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Return two frames of DAVIS and the box of the object on the first."""
    folder = root / "JPEGImages" / "480p" / name
    first, later = (cv2.imread(str(folder / f"{i:05d}.jpg"))[..., ::-1] for i in (0, REAL[name]))
    truth = cv2.imread(str(root / "Annotations" / "480p" / name / "00000.png"), 0) > 0
    return first, later, tuple(map(float, cv2.boundingRect(truth.astype(np.uint8))))


def network_of(source: Path) -> Any:
    from pysot.core.config import cfg
    from pysot.models.model_builder import ModelBuilder

    cfg.merge_from_file(str(source / "experiments" / "siamcar_r50" / "config.yaml"))
    cfg.CUDA = False
    network = ModelBuilder().eval()
    shapes = {n: tuple(t.shape) for n, t in network.state_dict().items() if "num_batches" not in n}
    network.load_state_dict(filled(shapes), strict=False)
    return network


@torch.no_grad()
def golden(network: Any, first: np.ndarray, later: np.ndarray, box: Any) -> dict[str, Any]:
    """Return what the original says about one step with each of its sets of numbers."""
    seen: dict[str, Any] = {}
    hooks = [
        network.backbone.register_forward_hook(
            lambda _, __, out: seen.update(zip(("layer2", "layer3", "layer4"), out, strict=True))
        ),
        network.down.register_forward_hook(lambda _, __, out: seen.update(joined=out)),
        network.car_head.register_forward_hook(
            lambda _, __, out: seen.update(zip(("cls", "loc", "cen"), out, strict=True))
        ),
    ]
    steps = {name: step(network, first, later, box, name) for name in SETS}
    seen["kernel"] = torch.cat(network.zf, dim=1)
    for hook in hooks:
        hook.remove()
    return {
        "box": box,
        "values": {n: [float(v) for v in seen[n].flatten()[:: STEPS[n]]] for n in STEPS},
        "largest": {n: float(seen[n].abs().max()) for n in STEPS},
        "steps": steps,
    }


def step(network: Any, first: np.ndarray, later: np.ndarray, box: Any, name: str) -> dict[str, Any]:
    """Track one frame, also with the units mended."""
    from pysot.core.config import cfg
    from pysot.tracker import siamcar_tracker

    rate, penalty, window = getattr(cfg.HP_SEARCH, name)
    text = Path(siamcar_tracker.__file__).read_text()
    assert UNITS in text
    found: dict[str, Any] = {}
    for key, program in (("size", text), ("mended_size", text.replace(UNITS, MENDED))):
        names: dict[str, Any] = {}
        exec(compile(program, siamcar_tracker.__file__, "exec"), names)
        tracker = names["SiamCARTracker"](network, cfg.TRACK)
        tracker.init(np.ascontiguousarray(first[..., ::-1]), box)
        places: list[list[int]] = []
        tracker.coarse_location = recorded(tracker.coarse_location, places)
        tracker.track(
            np.ascontiguousarray(later[..., ::-1]),
            {"lr": rate, "penalty_k": penalty, "window_lr": window},
        )
        found[key] = [float(v) for v in tracker.size]
    centre = [float(v) for v in tracker.center_pos]
    return found | {"coarse": places[0], "fine": places[1], "centre": centre}


def recorded(function: Any, places: list[list[int]]) -> Any:
    """Return the function; the best places of what it is given and of what it gives are kept."""

    def wrapper(ranked: np.ndarray, *others: Any) -> np.ndarray:
        result = function(ranked, *others)
        for scores in (ranked, result):
            second, best = np.partition(scores.ravel(), -2)[-2:]
            assert best - second > LEAD * best, "this scene is a tie"
            places.append([int(v) for v in np.unravel_index(scores.argmax(), scores.shape)])
        return result

    return wrapper


def losses() -> dict[str, float]:
    """Return the original's losses of seeded maps, its locations moved from pixel 32 to 31."""
    from pysot.core.config import cfg
    from pysot.models.loss_car import make_siamcar_loss_evaluator
    from pysot.models.model_builder import ModelBuilder
    from pysot.utils.location_grid import compute_locations

    cls, loc, cen = seeded_maps()
    box = torch.tensor([EDGES])
    labels = torch.zeros(1, 25, 25, dtype=torch.int64)
    parts = make_siamcar_loss_evaluator(cfg)(
        compute_locations(cls, 8) - 1, ModelBuilder.log_softmax(None, cls), loc, cen, labels, box
    )
    return dict(zip(("score", "box", "centerness"), map(float, parts), strict=True))


if __name__ == "__main__":
    main()
