"""Temporal stability in `vostool eval`: which masks it takes, where it stands, what it refuses."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

import vostool
from vostool.io.label_maps import read_labels
from vostool.metrics.stability import mean_stability, stability_over


@pytest.fixture
def root(davis_folder):
    return davis_folder(year=2016, names=("bear", "dog", "surf"), size=(60, 80))


@pytest.fixture
def masks(root, tmp_path):
    folder = tmp_path / "good"
    shutil.copytree(root / "Annotations" / "480p", folder)
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        kernel = np.ones((1 + 2 * (number % 2), 3), np.uint8)
        cv2.imwrite(str(path), cv2.erode(labels, kernel))
    return folder


def test_t_of_sequences_and_of_all(cli, root, masks, tmp_path):
    done = cli("eval", "--dataset", "DAVIS2016", "--root", root, "--masks", masks, "--stability")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "results" / "DAVIS2016" / "scores" / "good" / "davis"
    table = pd.read_csv(folder / "sequences.csv").set_index("sequence")["T_mean"]
    truth = root / "Annotations" / "480p"
    for name in ("bear", "surf"):
        files = [truth / name / "00000.png", *sorted((masks / name).iterdir())[1:-1]]
        values = list(stability_over(read_labels(path) > 0 for path in files))
        assert table[name] == mean_stability(values)
        assert table[name] > 0
    assert np.isnan(table["dog"])  # occluded, so the authors do not count it
    overall = pd.read_csv(folder / "summary.csv")["T_mean"][0]
    assert overall == pytest.approx((table["bear"] + table["surf"]) / 2, abs=1e-12)


def test_it_is_kept_like_other_scores(root, masks, tmp_path, monkeypatch):
    def score():
        tables = vostool.evaluate(
            "DAVIS2016", masks, root=root, cache=tmp_path / "cache", stability=True
        )
        return tables.sequences.set_index("sequence")["T_mean"]

    first = score()
    with monkeypatch.context() as patched:
        patched.setattr(
            "vostool.scoring.stability.stability_over", lambda masks: pytest.fail("again")
        )
        assert score().equals(first)
    path = masks / "surf" / "00002.png"
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), cv2.dilate(labels, np.ones((9, 1), np.uint8)))
    again = score()
    assert again["bear"] == first["bear"]
    assert again["surf"] != first["surf"]


def test_several_workers_find_the_same(root, masks):
    one, two = (
        vostool.evaluate("DAVIS2016", masks, root=root, workers=workers, stability=True)
        for workers in (1, 2)
    )
    assert one.sequences.equals(two.sequences)


def test_where_it_is_not_defined(cli, root, masks, davis_folder):
    data = ("--dataset", "DAVIS2016", "--root", root, "--masks", masks, "--stability")
    refused = cli("eval", *data, "--protocol", "pooled")
    assert refused.exit_code == 2
    assert "Drop --stability" in refused.output
