"""What goes into the page of the leaderboard, so that it keeps within a budget of bytes.

The tables come first, then the values per frame, then pictures. What does not fit is left out, and
the page and the terminal say what that was.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from vostool.datasets.attributes import known_attributes
from vostool.datasets.catalog import open_masks
from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import PROTOCOLS
from vostool.environment import git_revision, versions
from vostool.errors import UsageError, VostoolError
from vostool.io.storage import place
from vostool.report.leaderboard.details import Details, details_of
from vostool.report.leaderboard.page.clips import Clip, make_clip, width_for
from vostool.report.leaderboard.page.data import frame_keys, frame_values, section_data
from vostool.report.leaderboard.page.html import Json, Page, block_html
from vostool.report.leaderboard.section import OWN, Section
from vostool.runs.folder import RunFolder
from vostool.workspace import Workspace

Frames = Literal["embed", "folder", "none"]
Advance = Callable[[int, str], None]
FOLDER = "leaderboard_frames"  # beside the page
MB = 1_000_000
MOST_RUNS = 12  # of a section whose masks the viewer has: the best of each initialisation
_SPARE = 4_000  # bytes for what the page says about itself


@dataclass(frozen=True, slots=True)
class Shown:
    """A section with all that the page needs of it.

    Args:
        section: ranked.
        details: of each of its rows.
        dataset: where its frames are; None if they are not here, or not asked for.
    """

    section: Section
    details: tuple[Details, ...]
    dataset: Dataset | None

    @property
    def folder(self) -> str:
        """Return the name of the results folder of its runs, empty if it has none."""
        runs = [each.run for each in self.details if each.run]
        return runs[0].path.parent.name if runs else ""

    def viewed(self) -> list[RunFolder]:
        """Return the runs whose masks the viewer gets, the best first."""
        rows = self.section.rows
        ranks = [int(rank or 10**6) for rank in rows["rank"]]
        pairs = zip(ranks, self.details, strict=True)
        runs = [each.run for _, each in sorted(pairs, key=lambda pair: pair[0]) if each.run]
        return [run for run in runs if run.has_masks()][:MOST_RUNS]


@dataclass(frozen=True, slots=True)
class Filled:
    """The page and what came with it.

    Args:
        html: the file.
        images: relative path -> bytes of the frames that lie beside the page.
        notes: what was left out, for people.
        clips: how many sequences the viewer has.
    """

    html: str
    images: dict[str, bytes]
    notes: tuple[str, ...]
    clips: int


def shown(section: Section, workspace: Workspace) -> Shown:
    """Read what stands behind the rows of a section.

    Raises:
        ResultError: a table of a run is damaged.
    """
    dataset = _dataset(section, workspace) if section.own and not section.boxes else None
    attributes = known_attributes(dataset.sequences) if dataset else {}
    rows = section.rows.to_dict("records")
    return Shown(section, tuple(details_of(section, row, attributes) for row in rows), dataset)


def _dataset(section: Section, workspace: Workspace) -> Dataset | None:
    """Open the data that the runs were made on; None if it is not here any more."""
    own = section.rows[section.rows["source"] == OWN]
    for scores in own["scores"]:
        try:
            root = place(RunFolder(place(scores, listed=False).parent.parent).manifest().root)
            dataset = open_masks(
                section.dataset,
                root=None if section.dataset.startswith("folder:") else root,
                split=section.split,
                resolution=section.resolution or None,
                sequences=section.names,
                workspace=workspace,
            )
        except VostoolError:
            continue
        return dataset.under(PROTOCOLS[section.protocol])
    return None


def filled_page(
    sections: Sequence[Shown],
    frames: Frames,
    budget: int,
    advance: Advance = lambda _, __: None,
) -> Filled:
    """Make the page.

    Args:
        sections: in the order in which they are offered.
        frames: `embed` puts the frames for the viewer into the page, `folder` beside it, and
            `none` leaves the viewer out.
        budget: bytes that the page may have.
        advance: called with 1 and a sequence's name for every frame that was scaled down.

    Raises:
        UsageError: the tables alone have more.
        ResultError: a table of a run is damaged.
    """
    about: Json = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "by": f"vostool {versions().get('vostool', '')} {git_revision() or ''}".strip(),
        "frames": frames,
        "mostRuns": MOST_RUNS,
        "notes": [],
        "clips": {},
    }
    data = [section_data(each.section, each.details) | {"folder": each.folder} for each in sections]
    page = Page(about, data)
    left = budget - len(page.html().encode()) - _SPARE
    if left < 0:
        raise UsageError(
            f"The tables of the page alone take {(budget - left) / MB:.1f} MB. Give it more with "
            "--budget, or rank fewer datasets with --dataset."
        )
    notes: list[str] = []
    left = _add_values(page, sections, left, notes)
    images: dict[str, bytes] = {}
    if frames != "none":
        _add_clips(page, sections, frames, left, notes, images, advance)
    about["notes"] = notes
    return Filled(page.html(), images, tuple(notes), len(about["clips"]))


def _size(key: str, block: Json) -> int:
    return len(block_html(key, block)) + 1  # it is ASCII


def _add_values(page: Page, sections: Sequence[Shown], left: int, notes: list[str]) -> int:
    """Add values per frame, the best runs first, while there is room; returns what is left."""
    missing = 0
    for number, each in enumerate(sections):
        if not each.section.own or each.section.boxes:
            continue
        tables = [details.frames() for details in each.details]
        keys = frame_keys([table for table in tables if len(table)] or tables)
        block: Json = {"keys": keys, "rows": {}}
        used = _size(f"values-{number}", block)
        if used > left:
            missing += each.section.own
            continue
        for row, table in enumerate(tables):
            if table.empty:
                continue
            values = frame_values(table, keys)
            size = len(str(values)) + 12
            if used + size > left:
                missing += 1
                continue
            block["rows"][str(row)] = values
            used += size
        page.blocks[f"values-{number}"] = block
        left -= _size(f"values-{number}", block)
    if missing:
        notes.append(f"Values per frame of {missing} runs did not fit the budget.")
    return left


def _wanted(sections: Sequence[Shown]) -> Iterator[tuple[Shown, list[RunFolder]]]:
    """Yield one section for each results folder whose data is here, with the runs to be seen."""
    done = set()
    for each in sections:
        if each.dataset is not None and each.folder not in done:
            done.add(each.folder)
            runs: dict[str, RunFolder] = {}
            for other in sections:
                if other.folder == each.folder:
                    runs |= {run.name: run for run in other.viewed()}
            yield each, list(runs.values())[:MOST_RUNS]


def _add_clips(
    page: Page,
    sections: Sequence[Shown],
    frames: Frames,
    left: int,
    notes: list[str],
    images: dict[str, bytes],
    advance: Advance,
) -> None:
    """Add sequences for the viewer while there is room, as large as all of them can be."""
    wanted = [
        (each, sequence, runs)
        for each, runs in _wanted(sections)
        if each.dataset
        for sequence in each.dataset.sequences
    ]
    embedded = frames == "embed"
    width = width_for(left, [(seq, len(runs)) for _, seq, runs in wanted], embedded=embedded)
    missing = 0
    for each, sequence, runs in wanted:
        assert each.dataset is not None
        try:
            clip = make_clip(each.dataset, sequence, runs, width, advance)
        except VostoolError as error:  # a damaged frame: the numbers are there all the same
            notes.append(f"No pictures of {sequence.name}: {error}")
            continue
        block, beside = clip_block(clip, embedded=embedded)
        key = f"clip-{len(page.about['clips'])}"
        used = _size(key, block) + len(sequence.name) + len(each.folder) + 32
        if used > left:
            missing += 1
            continue
        page.blocks[key] = block
        page.about["clips"][f"{each.folder}/{sequence.name}"] = key
        images.update(beside)
        left -= used
    if missing:
        notes.append(f"{missing} of {len(wanted)} sequences for the viewer did not fit the budget.")


def clip_block(clip: Clip, *, embedded: bool) -> tuple[Json, dict[str, bytes]]:
    """Return a clip as the page's block, and the files beside the page that it names."""
    beside: dict[str, bytes] = {}
    images = []
    for number, name in enumerate(clip.names):
        if embedded:
            data = base64.b64encode(clip.images[name]).decode()
            images.append(f"data:image/webp;base64,{data}")
        else:
            path = f"{FOLDER}/{safe_name(clip.key)}/{number:05d}.webp"
            images.append(path)
            beside[path] = clip.images[name]
    block = {
        "size": list(clip.size),
        "names": list(clip.names),
        "images": images,
        "truth": clip.truth,
        "masks": clip.masks,
    }
    return block, beside


def safe_name(key: str) -> str:
    """Return a relative path made of a key, of characters that every server and disk takes."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_/") else "_" for c in key)
    own = hashlib.sha256(key.encode()).hexdigest()[:6]  # other keys may look the same
    return plain.replace("//", "/_/").strip("/") + ("" if plain == key else f"-{own}")
