"""Settings of whole-frame networks: contradictions are refused, cells lie where they should."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
import torch

import vostool_trackers.siampolar as package
from vostool.config import build_config
from vostool.errors import ConfigError
from vostool.training.settings import TrainSettings
from vostool_trackers.siampolar.training import TaskConfig
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork
from vostool_trackers.siampolar.whole_frame.shape import FrameShape
from vostool_trackers.siampolar.whole_frame.training import FrameTaskConfig

TOMLS = ("sym_r50", "sym_r101", "asym_r50", "asym_light")

# What the published heads have and this one has not: the box branch (a tower of 3 x 3 convolutions
# with group norms, 4 outputs, a scale per level) and 118 of 119 classes.
CONVOLUTION = 256 * 256 * 9 + 2 * 256
BOXES = 4 * (256 * 9 + 1)
CLASSES = 118 * (256 * 9 + 1)
ASYM = FrameShape(
    variant="asym", backbone="resnet101", width=256, height=256, extra="pool", levels=4
)


def table(name: str) -> dict[str, object]:
    folder = Path(package.__file__).parent
    path = next(p for p in sorted(folder.glob(f"{name}.toml*")))
    return tomllib.loads(path.read_text(encoding="utf-8"))


def shape_of(values: dict[str, object]) -> FrameShape:
    names = {field.name for field in dataclasses.fields(FrameShape)}
    return build_config(FrameShape, {k: v for k, v in values.items() if k in names}, "here")


def parameters(shape: FrameShape) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in FrameNetwork(shape).parameters())


@pytest.mark.parametrize("name", TOMLS)
def test_configurations_name_every_setting(name):
    values = table(name)
    train = values.pop("train")
    task = train.pop("task")
    shape_of(values)
    build_config(TrainSettings, train, name)
    # What of the tracker's task the whole-frame variants use is set where its defaults differ.
    effective = FrameTaskConfig.of(build_config(TaskConfig, task, name))
    assert effective == build_config(FrameTaskConfig, task, name)
    missing = {f.name for f in dataclasses.fields(FrameShape)} - set(values)
    assert missing <= ({"template_backbone"} if values["variant"] == "sym" else set())
    assert set(values) - {f.name for f in dataclasses.fields(FrameShape)} == {"pretrained"}


def test_the_defaults_are_those_of_the_symmetric_configuration():
    assert shape_of(table("sym_r50")) == FrameShape()


@pytest.mark.parametrize(
    ("shape", "published", "depth", "levels"),
    [
        (shape_of(table("sym_r50")), 39_027_948, 4, 5),
        (shape_of(table("sym_r101")), 58_020_076, 4, 5),
        (ASYM, 76_149_547, 4, 4),
        (dataclasses.replace(ASYM, neck="semi"), 74_379_307, 4, 4),
        (dataclasses.replace(ASYM, neck="semi", rays=180), 74_711_227, 4, 4),
        (dataclasses.replace(ASYM, backbone="resnet50", levels=3), 57_157_417, 4, 3),
        (shape_of(table("asym_light")), 68_672_549, 1, 1),
    ],
)
def test_as_many_parameters_as_published(shape, published, depth, levels):
    lacking = depth * CONVOLUTION + BOXES + CLASSES + levels
    assert parameters(shape) == published - lacking


def test_parameters_of_the_parts():
    with torch.device("meta"):
        network = FrameNetwork(FrameShape())
    count = {n: sum(p.numel() for p in m.parameters()) for n, m in network.named_modules()}
    assert count["backbone"] == 23_508_032
    assert count["correlations.C5.gen_block5"] == 4_198_400
    assert count["neck.laterals"] == 918_272
    assert count["neck.outputs"] + count["neck.further"] == 5 * 590_080


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 1000}, "multiple of 32"),
        ({"height": 128}, "from 160 on"),
        ({"neck": "single"}, "one level"),
        ({"levels": 2}, "less than"),
        ({"correlate": ("C4", "C5")}, "'sym' correlates C5"),
        ({"variant": "asym", "correlate": ("C2",)}, "would change nothing"),
        ({"variant": "asym", "correlate": ()}, "something must be"),
        ({"variant": "asym", "template_backbone": "resnet18"}, "cannot be correlated"),
        ({"channels": 100}, "multiple of 8"),
        ({"rays": 2}, "at least 3"),
    ],
)
def test_contradictions_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        build_config(FrameShape, changes, "here")


def test_a_shape_is_found_in_a_larger_configuration():
    @dataclasses.dataclass(frozen=True)
    class Larger(FrameShape):
        pretrained: bool = True

    assert FrameShape.of(Larger(rays=18)) == FrameShape(rays=18)


def test_cells_of_the_published_frame():
    """20460 points on levels of 160 x 96 to 10 x 6, ranges 64 to 512 (PolarMask)."""
    grid = FrameShape().grid()
    assert len(grid.points) == 20_460
    assert grid.points[0].tolist() == [4, 4]
    assert grid.points[160].tolist() == [4, 12]
    assert grid.points[-1].tolist() == [9 * 128 + 64, 5 * 128 + 64]
    ranges = torch.stack((grid.nearest, grid.farthest), dim=1).unique(dim=0).tolist()
    assert ranges == [[0, 64], [64, 128], [128, 256], [256, 512], [512, float("inf")]]


def test_cells_of_a_finer_neck_that_ends_unevenly():
    shape = FrameShape(variant="asym", width=192, height=160, finest="C2", levels=6)
    assert shape.strides == (4, 8, 16, 32, 64, 128)
    counts = [int((shape.grid().strides == s).sum()) for s in shape.strides]
    assert counts == [48 * 40, 24 * 20, 12 * 10, 6 * 5, 3 * 3, 2 * 2]
