"""The table of datasets: name -> adapter, splits, protocol, server, and how to get it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vostool.datasets import mose, youtube_vos
from vostool.datasets.clips import Kind
from vostool.datasets.dataset import Contents, Server
from vostool.datasets.davis import davis_contents
from vostool.datasets.folder import read_folder
from vostool.datasets.lvos import meta_names, read_lvos
from vostool.datasets.sav import MASKS, read_sav
from vostool.datasets.splits import OFFICIAL

# (root, split, resolution, need_frames) -> what is there
Adapter = Callable[[Path, str, str, bool], Contents]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalog.

    Args:
        name: what `--dataset` calls it.
        adapter: reads the files.
        splits: split names, the default first.
        protocol: name of the default protocol.
        folders: where it is looked for under `<workspace>/datasets/`, in this order.
        how_to_get: one sentence for people who lack it.
        resolutions: folder names or `full`, the default first; empty if there is no choice.
        official: split -> official sequence names, where they are known.
        counts: split -> number of official sequences, where their names are not.
        servers: split -> the server that keeps its ground truth.
        merged: all objects of a label map are one.
        late_objects: objects are prompted where they first appear.
        marks: a folder that holds one of these is the dataset.
        kind: what is tracked and how.
    """

    name: str
    adapter: Adapter
    splits: tuple[str, ...]
    protocol: str
    folders: tuple[str, ...]
    how_to_get: str
    resolutions: tuple[str, ...] = ()
    official: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    merged: bool = False
    late_objects: bool = False
    marks: tuple[str, ...] = ("Annotations",)
    kind: Kind = "masks"

    def count(self, split: str) -> int:
        """Return how many sequences the official split has, 0 if that is not known."""
        return len(self.official.get(split, ())) or self.counts.get(split, 0)


# Of the papers and sites: youtube-vos.org; Ding et al., MOSE, ICCV 2023; Hong et al., LVOS, ICCV
# 2023 and arXiv 2404.19326; Ravi et al., SAM 2, 2024, whose masklets are sequences here.
_COUNTS = {
    "YouTubeVOS2018": {"train": 3471, "valid": 474, "test": 508},
    "YouTubeVOS2019": {"train": 3471, "valid": 507, "test": 541},
    "MOSE": {"train": 1507, "valid": 311},
    "LVOSv1": {"train": 120, "valid": 50, "test": 50},
    "LVOSv2": {"train": 420, "valid": 140, "test": 160},
    "SA-V": {"val": 293, "test": 278},
}


def _davis_adapter(year: int) -> Adapter:
    def read(root: Path, split: str, resolution: str, need_frames: bool) -> Contents:
        return davis_contents(root, year, split, resolution, need_frames=need_frames)

    return read


def _folder_adapter(root: Path, split: str, resolution: str, need_frames: bool) -> Contents:
    return Contents(read_folder(root, need_frames=need_frames))


def _of_one_size(read: Callable[..., Contents]) -> Adapter:
    def adapter(root: Path, split: str, resolution: str, need_frames: bool) -> Contents:
        return read(root, split, need_frames=need_frames)

    return adapter


def _official(year: int) -> dict[str, tuple[str, ...]]:
    return {split: names for (y, split), names in OFFICIAL.items() if y == year}


def _youtube_vos(year: int, competition: int) -> Entry:
    address = f"codalab.lisn.upsaclay.fr/competitions/{competition}"
    server = Server("Annotations", address, listed_only=True)
    return Entry(
        name=f"YouTubeVOS{year}",
        adapter=_of_one_size(youtube_vos.read_youtube_vos),
        splits=youtube_vos.SPLITS,
        protocol="after_first",
        folders=(f"YouTubeVOS{year}",),
        how_to_get=f"Download YouTube-VOS {year} from youtube-vos.org and unpack train, valid and "
        f"test as folders of datasets/YouTubeVOS{year}.",
        servers={"valid": server, "test": server},
        late_objects=True,
        marks=(*(f"{split}/{youtube_vos.META}" for split in youtube_vos.SPLITS), youtube_vos.META),
    )


def _mose(name: str, server: str, how_to_get: str) -> Entry:
    return Entry(
        name=name,
        adapter=_of_one_size(mose.read_mose),
        splits=mose.SPLITS,
        protocol="davis",
        folders=(name,),
        how_to_get=how_to_get,
        servers={"valid": Server("", server)},
        marks=(*(f"{split}/Annotations" for split in mose.SPLITS), "Annotations"),
    )


def _lvos(version: int) -> Entry:
    splits = ("valid", "train", "test")
    return Entry(
        name=f"LVOSv{version}",
        adapter=_of_one_size(read_lvos),
        splits=splits,
        protocol="lvos",
        folders=(f"LVOSv{version}",),
        how_to_get=f"Download LVOS V{version} and its meta files from "
        f"github.com/LingyiHongfd/LVOS and unpack them as folders of datasets/LVOSv{version}.",
        servers={"test": Server("Annotations", "codalab.lisn.upsaclay.fr/competitions/8767")},
        late_objects=True,
        marks=tuple(name for split in splits for name in meta_names(split)),
    )


_DAVIS = Server("", "davischallenge.org")
_ROWS = (
    Entry(
        name="DAVIS2016",
        adapter=_davis_adapter(2016),
        splits=("val", "train", "trainval"),
        protocol="davis",
        folders=("DAVIS2016", "DAVIS"),
        how_to_get="Download DAVIS 2016 (or DAVIS 2017 TrainVal, which holds it) from "
        "davischallenge.org and unpack it as datasets/DAVIS.",
        resolutions=("480p", "full"),
        official=_official(2016),
        merged=True,
        marks=("Annotations", "Annotations_unsupervised"),
    ),
    Entry(
        name="DAVIS2017",
        adapter=_davis_adapter(2017),
        splits=("val", "train", "trainval", "test-dev", "test-challenge"),
        protocol="davis",
        folders=("DAVIS2017", "DAVIS"),
        how_to_get="Download DAVIS 2017 TrainVal (480p) from davischallenge.org and unpack it "
        "as datasets/DAVIS; Test-Dev and Test-Challenge into the same folder.",
        resolutions=("480p", "full"),
        official=_official(2017),
        marks=("Annotations", "Annotations_unsupervised", "JPEGImages"),
        servers={"test-dev": _DAVIS, "test-challenge": _DAVIS},
    ),
    _youtube_vos(2018, 7685),
    _youtube_vos(2019, 6066),
    _mose(
        "MOSE",
        "codalab.lisn.upsaclay.fr/competitions/10703",
        "Download MOSE (v1) from mose.video/MOSEv1 and unpack train and valid as folders of "
        "datasets/MOSE.",
    ),
    _mose(
        "MOSEv2",
        "codabench.org/competitions/10062",
        "Download MOSEv2 from mose.video and unpack train and valid as folders of datasets/MOSEv2.",
    ),
    _lvos(1),
    _lvos(2),
    Entry(
        name="SA-V",
        adapter=_of_one_size(read_sav),
        splits=("val", "test"),
        protocol="sav",
        folders=("SA-V",),
        how_to_get="Download sav_val.tar and sav_test.tar from "
        "ai.meta.com/datasets/segment-anything-video-downloads and unpack them in datasets/SA-V.",
        merged=True,
        marks=(f"sav_val/{MASKS}", f"sav_test/{MASKS}", MASKS),
    ),
    Entry(
        name="synthetic",
        adapter=_folder_adapter,
        splits=("all",),
        protocol="after_first",
        folders=("synthetic",),
        how_to_get="Nothing to get: it is drawn when first used.",
        late_objects=True,
    ),
)
CATALOG = {e.name: replace(e, counts=_COUNTS.get(e.name, {})) for e in _ROWS}

FOLDER = Entry(
    name="folder",
    adapter=_folder_adapter,
    splits=("all",),
    protocol="davis",
    folders=(),
    how_to_get="Your own data: PATH/JPEGImages/<sequence>/ and PATH/Annotations/<sequence>/.",
    late_objects=True,
)
