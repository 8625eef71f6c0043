"""SAM 2 out of its package, with random weights: the contract, and the package's own predictor.

Nothing here runs where the package `sam2` is not installed; it is no dependency of the toolkit.
"""

import configparser
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vostool.datasets import synthetic
from vostool.io.label_maps import box_of
from vostool.types import Prompt

EXAMPLE = Path(__file__).parents[2] / "examples" / "vostool-sam2"
SIDE = 128
FRAMES = 19  # more than the network looks back
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of hydra and sam2, about themselves
]


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put the plugin on the path, with the entry points of its own setup.cfg; returns its modules.

    It is what `pip install` would do, without doing it.
    """
    pytest.importorskip("sam2", reason="the package sam2 is not installed")
    setup = configparser.ConfigParser()
    setup.read(EXAMPLE / "setup.cfg")
    about = tmp_path / "site" / "vostool_sam2-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vostool-sam2\nVersion: 0.1.0\n")
    points = setup["options.entry_points"]["vostool.trackers"]
    (about / "entry_points.txt").write_text(f"[vostool.trackers]\n{points.strip()}\n")
    monkeypatch.syspath_prepend(about.parent)
    monkeypatch.syspath_prepend(EXAMPLE)
    from vostool_sam2 import network, settings, tracker

    yield {"network": network, "settings": settings, "tracker": tracker}
    for name in [name for name in sys.modules if name.startswith("vostool_sam2")]:
        del sys.modules[name]


@pytest.fixture
def frames(tmp_path: Path) -> list[np.ndarray]:
    """Write a clip in which objects appear late as JPEG files, as the package reads them."""
    folder = tmp_path / "frames"
    folder.mkdir()
    read = []
    for index, (frame, _) in enumerate(_clip()):
        Image.fromarray(np.asarray(frame)).save(folder / f"{index:05d}.jpg", quality=95)
        with Image.open(folder / f"{index:05d}.jpg") as image:
            read.append(np.array(image.convert("RGB")))
    return read


def _clip() -> list[tuple[np.ndarray, np.ndarray]]:
    return list(synthetic.clip("late-objects", size=(64, 113), frames=FRAMES))


def prompts_of(maps: list[np.ndarray], init: str) -> list[tuple[Prompt, ...]]:
    seen: set[int] = set()
    given = []
    for index, labels in enumerate(maps):
        new = [i for i in np.unique(labels).tolist() if i and i not in seen]
        seen.update(new)
        given.append(tuple(_prompt(labels == i, i, index, init) for i in new))
    return given


def _prompt(mask: np.ndarray, object_id: int, index: int, init: str) -> Prompt:
    box = box_of(mask)
    assert box is not None
    return Prompt(object_id, index, box, mask if init == "mask" else None)


@pytest.mark.parametrize("name", ["sam2", "sam2_box"])
def test_the_contract(cli, name: str) -> None:
    done = cli("check", f"{name}/smallest", "-o", f"image_size={SIDE}")
    assert done.exit_code == 0, done.output
    assert "random ones are drawn, seed 0" in done.output


@pytest.mark.parametrize("name", ["Sam2", "Sam2Box"])
def test_masks_are_those_of_the_predictor_of_the_package(
    plugin: Any, frames: list[np.ndarray], tmp_path: Path, monkeypatch, name: str
) -> None:
    """Each object alone in the package's predictor, which holds the whole video."""
    import torch
    from sam2.build_sam import build_sam2_video_predictor

    cls = getattr(plugin["tracker"], name)
    tracker = cls(plugin["settings"].Config(image_size=SIDE))
    logits: list[dict[int, torch.Tensor]] = []
    draw = plugin["tracker"]._label_map

    def spy(found: dict[int, torch.Tensor], size: tuple[int, int]) -> np.ndarray:
        logits.append({i: each.clone() for i, each in found.items()})
        return draw(found, size)

    monkeypatch.setattr(plugin["tracker"], "_label_map", spy)
    given = prompts_of([labels for _, labels in _clip()], cls.init)
    for frame, prompts in zip(frames, given, strict=True):
        tracker.step(frame, prompts)
    side, attention = SIDE // 16, "++model.memory_attention.layer"
    reference = build_sam2_video_predictor(
        "configs/sam2.1/sam2.1_hiera_t.yaml",
        device="cpu",
        hydra_overrides_extra=[
            f"++model.image_size={SIDE}",
            f"{attention}.self_attention.feat_sizes=[{side},{side}]",
            f"{attention}.cross_attention.feat_sizes=[{side},{side}]",
            "++model.fill_hole_area=0",
        ],
    )
    reference.load_state_dict(tracker._stream.network.state_dict())
    compared = 0
    for prompt in (prompt for prompts in given for prompt in prompts):
        state = reference.init_state(str(tmp_path / "frames"))
        start = prompt.frame_index
        if prompt.mask is not None:
            reference.add_new_mask(state, start, prompt.object_id, prompt.mask)
        else:
            x, y, w, h = prompt.box
            corners = np.array([x, y, x + w, y + h], np.float32)
            reference.add_new_points_or_box(state, start, prompt.object_id, box=corners)
        for index, _, _ in reference.propagate_in_video(state, start_frame_idx=start):
            outputs = state["output_dict_per_obj"][0]
            kind = "cond_frame_outputs" if index == start else "non_cond_frame_outputs"
            theirs = outputs[kind][index]["pred_masks"]
            torch.testing.assert_close(logits[index][prompt.object_id], theirs, rtol=0, atol=1e-4)
            compared += 1
    assert compared > FRAMES


def test_no_more_is_kept_than_the_network_looks_at(plugin: Any) -> None:
    tracker = plugin["tracker"].Sam2(plugin["settings"].Config(image_size=SIDE))
    noise = np.random.default_rng(0)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:30] = True
    for index in range(24):
        frame = noise.integers(0, 256, (40, 60, 3), np.uint8)
        prompts = (_prompt(mask, 1, 0, "mask"),) if index == 0 else ()
        tracker.step(frame, prompts)
        recent = tracker._stream.tracks[1].memory["non_cond_frame_outputs"]
        assert len(recent) <= 15
        assert sum(output["maskmem_features"] is not None for output in recent.values()) <= 6
    tracker.reset()
    assert not tracker._stream.tracks


def test_weights_that_are_none(plugin: Any, tmp_path: Path) -> None:
    import torch

    from vostool.errors import WeightsError

    build, config = plugin["network"].build, plugin["settings"].Config(image_size=SIDE)
    path = tmp_path / "weights.pt"
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        build(config, path, "cpu")
    torch.save({"state": {}}, path)
    with pytest.raises(WeightsError, match="has no table 'model'"):
        build(config, path, "cpu")
    torch.save({"model": {"a": torch.zeros(1)}}, path)
    with pytest.raises(WeightsError, match=r"does not fit.*sam2/tiny, sam2/small"):
        build(config, path, "cpu")


def test_weights_are_read_as_tensors_only(plugin: Any, tmp_path: Path) -> None:
    """A pickle that would run code on loading is refused, and runs nothing."""
    import torch

    from vostool.errors import WeightsError

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"model": Evil()}, tmp_path / "evil.pt")
    config = plugin["settings"].Config(image_size=SIDE)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        plugin["network"].build(config, tmp_path / "evil.pt", "cpu")
    assert not (tmp_path / "touched").exists()


def test_weights_that_fit_are_used(plugin: Any, tmp_path: Path) -> None:
    import torch

    build, config = plugin["network"].build, plugin["settings"].Config(image_size=SIDE)
    torch.manual_seed(1)
    first = build(config, None, "cpu")
    torch.save({"model": first.state_dict()}, tmp_path / "weights.pt")
    torch.manual_seed(2)
    second = build(config, tmp_path / "weights.pt", "cpu")
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
