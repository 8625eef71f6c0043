"""From names, TOML and options to what is trained."""

import pytest

from vostool.errors import ConfigError, ContractError, DatasetError, UnknownNameError, UsageError
from vostool.tracking.plugins import load_tracker
from vostool.training.data import open_data
from vostool.training.job import TrainRequest, prepare_training
from vostool.training.settings import TrainSettings
from vostool.training.task import load_task
from vostool.workspace import Workspace


def names(dataset):
    return [sequence.name for sequence in dataset.sequences]


def test_each_table_gets_its_own_keys(bench):
    job = bench.job("width=6", "train.lr=0.5", "train.task.noise=0.75", " train.steps = 3")
    assert job.model.width == 6
    assert (job.settings.lr, job.settings.steps, job.settings.warmup) == (0.5, 3, 2)
    assert (job.task_config.noise, job.task_config.nan_at) == (0.75, -1)


def test_without_a_configuration_it_is_the_one_of_the_defaults(bench):
    request = TrainRequest("tiny", overrides=("train.lr=0.5",))
    job = prepare_training(request, Workspace(bench.home))
    assert (job.config_name, job.settings.steps, job.settings.lr) == ("small", 12, 0.5)
    assert job.name == "tiny"


def test_without_any_of_the_defaults_it_is_none(bench):
    other = bench.home / "trackers" / "tiny" / "small.toml"
    other.write_text(other.read_text().replace("width = 4", "width = 5"))
    job = prepare_training(TrainRequest("tiny"), Workspace(bench.home))
    assert (job.config_name, job.settings) == ("default", TrainSettings())


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("train.setps=3", UnknownNameError, r"setting 'setps' in tiny/small \[train\].*'steps'"),
        ("train.task.noice=3", UnknownNameError, r"'noice' in .*\[train.task\].*'noise'"),
        ("widht=3", UnknownNameError, "setting 'widht' in tiny/small.*'width'"),
        ("train.steps=0", ConfigError, "steps is 0"),
        ("train.steps=many", ConfigError, "'steps' takes int"),
        ("train.task=3", ConfigError, "'task' is a table"),
        ("train.lr.x=3", ConfigError, "'lr' in 'lr.x' is no table"),
        ("train=3", UnknownNameError, "'train'"),
    ],
)
def test_what_cannot_be_meant_is_refused(bench, override, error, message):
    with pytest.raises(error, match=message):
        bench.job(override)


def test_running_ignores_the_table_but_no_key(bench):
    plugin = load_tracker("tiny", Workspace(bench.home))
    assert plugin.config("small").width == 4
    with pytest.raises(UnknownNameError, match=r"'train\.lr'"):
        plugin.config("small", ("train.lr=1",))


@pytest.mark.parametrize("text", ["train = 3", "[train]\ntask = 3"])
def test_a_train_that_is_no_table(bench, text):
    (bench.home / "trackers" / "tiny" / "odd.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"tiny/odd.*\[train\] and \[train\.task\] are tables"):
        prepare_training(TrainRequest("tiny/odd"), Workspace(bench.home))


def test_a_tracker_without_a_task(bench):
    with pytest.raises(UsageError, match="copy_first has nothing to train"):
        prepare_training(TrainRequest("copy_first"), Workspace(bench.home))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("training.DiscTask", "it is 'module:Class'"),
        (".training:Missing", "cannot be imported: AttributeError"),
        (".nowhere:Task", "cannot be imported: ModuleNotFoundError"),
        (".tracker:Tiny", "lacks network, batch, losses, validate, picture, export"),
    ],
)
def test_a_task_that_is_none(bench, monkeypatch, task, message):
    plugin = load_tracker("tiny", Workspace(bench.home))
    monkeypatch.setattr(plugin.cls, "task", task)
    with pytest.raises(ContractError, match=message):
        load_task(plugin)


def test_data_of_several_datasets(bench, davis_folder, plain_folder):
    root = davis_folder(year=2016, names=("a", "b", "c"), split="train")
    clips = plain_folder()
    settings = TrainSettings(
        data=("DAVIS2016:train", f"folder:{clips}"),
        validation="DAVIS2016:train",
        validation_sequences=("b",),
    )
    for given in (root, None):  # named, and found in the workspace
        if given is None:
            (bench.home / "datasets").mkdir()
            root.rename(bench.home / "datasets" / "DAVIS")
        data = open_data(settings, given, Workspace(bench.home))
        assert names(data.validation) == ["b"]
        assert [names(dataset) for dataset in data.datasets] == [["a", "c"], ["one", "two"]]
    assert data.cache == bench.home / "datasets" / ".cache"


def test_validation_is_never_trained_on_under_another_name_either(bench, davis_folder):
    root = davis_folder(year=2016, names=("a", "b"), split="train")
    (root / "ImageSets" / "2017").mkdir()
    (root / "ImageSets" / "2017" / "train.txt").write_text("a\nb\n")
    settings = TrainSettings(
        data=("DAVIS2017:train",), validation="DAVIS2016:train", validation_sequences=("a",)
    )
    assert names(open_data(settings, root, Workspace(bench.home)).datasets[0]) == ["b"]
    settings = TrainSettings(data=("DAVIS2017:train",), validation="DAVIS2016:train")
    with pytest.raises(DatasetError, match="none is left to train on"):
        open_data(settings, root, Workspace(bench.home))


def test_other_files_under_the_same_name_are_another_training(bench, plain_folder):
    clips = plain_folder()
    job = bench.job(data=(f"folder:{clips}",))
    before = job.manifest(0, 1)
    assert list(before.data) == ["folder-clips"]
    mask = next((clips / "Annotations" / "one").iterdir())
    mask.write_bytes(mask.read_bytes() + b" ")
    after = bench.job(data=(f"folder:{clips}",)).manifest(0, 1)
    assert before.differences(after) == ["the files of the data"]
    assert before.differences(before) == []


@pytest.mark.parametrize("role", ["data", "validation"])
@pytest.mark.parametrize("year", [2016, 2017])
def test_validation_sequences_of_davis_are_for_tables_only(bench, davis_folder, role, year):
    root = davis_folder(year, names=("bear", "goat"), split="trainval")
    name = f"DAVIS{year}:trainval"
    with pytest.raises(DatasetError, match=rf"goat.*tables only.*DAVIS{year}:train"):
        open_data(
            TrainSettings(**{role: name if role == "validation" else (name,)}),
            root,
            Workspace(bench.home),
        )


def test_every_still_is_a_clip_of_its_own(bench, davis_folder):
    root = davis_folder(names=("a", "b"), frames=2, resolution=".")
    settings = TrainSettings(data=(f"stills:{root}",), data_weights=(1.0,))
    data = open_data(settings, None, Workspace(bench.home))
    assert names(data.datasets[0]) == ["a/00000", "a/00001", "b/00000", "b/00001"]
    assert all(len(image) == 1 for image in data.datasets[0].sequences)
    assert data.weights == (1.0,)


def test_stills_that_are_not_there_are_named(bench):
    with pytest.raises(DatasetError, match=r"datasets/stills .*stills:PATH"):
        open_data(TrainSettings(data=("stills",)), None, Workspace(bench.home))


def test_weights_belong_to_the_data_they_were_written_for(bench):
    with pytest.raises(ValueError, match="one number above 0 for each"):
        TrainSettings(data=("a", "b"), data_weights=(0.5,))
