"""The samples of a step are the same for any number of processes."""

import itertools
from pathlib import Path

import pytest

from vostool.errors import ConfigError, ResultError
from vostool.training.distributed import Ranks
from vostool.training.folder import TrainFolder
from vostool.training.partition import Partition, initial_partition, resumed_partition
from vostool.training.shared_folder import check_shared


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("parts", [8, 16])
def test_every_process_has_parts_and_all_have_every_sample_once(parts: int, count: int) -> None:
    split = Partition(48, parts)
    ranks = [Ranks(rank, count) for rank in range(count)]
    shares = [split.of(each) for each in ranks]
    assert sorted(itertools.chain(*shares)) == list(range(parts))
    assert min(map(len, shares)) >= max(map(len, shares)) - 1 >= 0
    samples = [sample for part in range(parts) for sample in split.samples(part)]
    assert samples == list(range(48))
    # the mean over processes of their weighted sums is the mean over parts
    values = [float(part**2) for part in range(parts)]
    sums = [sum(values[p] for p in split.of(each)) * split.weight(each) for each in ranks]
    assert sum(sums) / count == pytest.approx(sum(values) / parts)


def test_the_first_split_is_even() -> None:
    assert initial_partition(32, 2, 4) == Partition(32, 8)
    with pytest.raises(ConfigError, match=r"batch = 32 cannot .* 3 process.* multiple of 6"):
        initial_partition(32, 2, 3)


@pytest.mark.parametrize(
    ("parts", "count", "then"),
    [(4, 4, 4), (4, 3, 4), (4, 1, 4), (4, 5, 8), (4, 8, 8), (4, 9, 16), (1, 3, 4), (4, 32, 32)],
)
def test_parts_stay_while_there_are_enough(parts: int, count: int, then: int) -> None:
    assert resumed_partition(32, parts, count) == Partition(32, then)


def test_a_batch_without_a_sample_for_each_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch = 32 has no sample for each of 33 processes"):
        resumed_partition(32, 4, 33)


class Other(Ranks):
    """The second of two processes; the first one says what it was told to say."""

    said: tuple[str, ...] = ()

    def texts(self, text: str) -> list[str]:
        first, Other.said = Other.said[0], Other.said[1:]
        return [first, text]


def test_a_folder_that_is_not_shared_is_refused(tmp_path: Path, monkeypatch) -> None:
    own = Other(1, 2)
    folder = TrainFolder(tmp_path / "own")
    folder.path.mkdir()
    Other.said = ("what it wrote", "")
    with pytest.raises(ResultError, match=r"Process 1 on .* does not see in .*own.*--results"):
        check_shared(folder, own, patience=0.3)


def test_a_folder_that_shows_it_late_is_shared(tmp_path: Path, monkeypatch) -> None:
    folder, own = TrainFolder(tmp_path / "t"), Other(1, 2)
    folder.path.mkdir()
    folder.manifest_path.write_text("{}")
    from vostool.training import shared_folder as meeting

    written = meeting._seen(folder)
    folder.manifest_path.unlink()
    Other.said = (written, "")
    monkeypatch.setattr(meeting.time, "sleep", lambda _: folder.manifest_path.write_text("{}"))
    check_shared(folder, own, patience=10)
    assert Other.said == ()
