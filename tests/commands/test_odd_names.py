"""Names that look like values stay names, from the folder to the board."""

import pandas as pd

NAMES = ("null", "NA", "nan", "inf", "-inf", "007", "1e5", "True", "None", "a b", "x\ny", "=1+1")
RUNS = ("null", "NA", "nan", "inf", "007", "1e5")


def test_names_that_look_like_values(cli, plain_folder, tmp_path):
    root = plain_folder(NAMES, frames=4)
    data = ("--dataset", f"folder:{root}")
    for number, name in enumerate(RUNS):
        tracker = "box_fill" if number else "copy_first"
        done = cli("run", tracker, *data, "--name", name)
        assert done.exit_code == 0, done.output
    done = cli("eval", *data)
    assert done.exit_code == 0, done.output
    for table, column, names in (
        ("null/scores/davis/sequences.csv", "sequence", NAMES),
        ("summary.csv", "run", RUNS),
    ):
        path = tmp_path / "results/folder-clips" / table
        read = pd.read_csv(path, keep_default_na=False, dtype={column: str})
        assert sorted(read[column]) == sorted(names)
    done = cli("leaderboard")
    assert done.exit_code == 0, done.output
    board = pd.read_csv(
        tmp_path / "results/leaderboard.csv", keep_default_na=False, dtype={"run": str}
    )
    assert set(RUNS) <= set(board["run"])
    done = cli("compare", "null", "inf", *data, "--sequences", "nan,null")
    assert done.exit_code == 0, done.output
    assert "nan" in done.output
