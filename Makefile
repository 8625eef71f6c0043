# The table of contents: every target is one line of the tool itself.

PYTHON ?= python3
VENV := .venv
LIGHT := .venv-light
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Installed by uv: pip takes minutes to find versions of all extras that go together.
# Real data and the official evaluators' outputs, where a checkout has them beside it; tests that
# need them skip, saying so, where it has not.
export VOSTOOL_TEST_DATA ?= $(abspath $(wildcard ../shared))

.DEFAULT_GOAL := help
.PHONY: help install check test test-light test-browser bench-eval bench-track bench-vot bench-scale bench-commits bench-siammask ablation comparison leaderboard publish clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

install: $(STAMP)  ## create .venv and install vostool with its tools into it

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "vostool needs Python 3.11 or newer"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --editable '.[dev]' pip
	touch $@

check: $(STAMP)  ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p build/types && ln -sfn ../../trackers build/types/vostool_trackers
	$(BIN)/mypy

# Tests are spread over the cores, each with one thread of its own.
test: export OMP_NUM_THREADS = 1
test: $(STAMP)  ## the test suite
	$(BIN)/python -m pytest -m "not browser" -n auto --dist worksteal

# What the base alone must do, without torch or any other extra.
test-light: export OMP_NUM_THREADS = 1
test-light: export VOSTOOL_LIGHT = required
test-light: $(LIGHT)/installed  ## the tests of scoring and reporting, without the extras
	$(LIGHT)/bin/python -m pytest -m "not browser" -n auto --dist worksteal --ignore tests/trackers \
		--ignore tests/training --ignore tests/execution --ignore tests/examples --ignore tests/tracking

$(LIGHT)/installed: setup.cfg pyproject.toml
	test -x $(LIGHT)/bin/python || $(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LIGHT)/bin/python -m uv pip install --quiet --python $(LIGHT)/bin/python --editable '.[test]' pip
	touch $@

test-browser: $(STAMP)  ## the tests of the page, in Chromium, which is installed if it is absent
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	command -v chromium || command -v chromium-browser || command -v google-chrome \
		|| { apt-get update -qq && apt-get install -y -qq chromium; } \
		|| $(BIN)/playwright install --with-deps chromium
	VOSTOOL_BROWSER=required $(BIN)/python -m pytest -m browser

# BENCH_MASKS=FOLDER of label maps, BENCH_PEERS=FILE of other evaluators: see the script's first lines.
bench-eval: $(STAMP)  ## time scoring into results/bench_eval.md, beside other evaluators if named
	$(BIN)/python benchmarks/bench_eval.py $(if $(BENCH_MASKS),--masks $(BENCH_MASKS)) \
		$(if $(BENCH_PEERS),--peers $(BENCH_PEERS))

# BENCH_TRACK holds further options of the script, e.g. BENCH_TRACK="--only siampolar/car --device cuda".
bench-track: $(STAMP)  ## time the Siamese trackers into results/bench_track.md
	$(BIN)/python benchmarks/bench_track.py $(BENCH_TRACK)

# BENCH_PYSOT=FOLDER of a checkout of pysot with its toolkit built times that in turn.
bench-vot: $(STAMP)  ## time the scoring of VOT results into results/bench_vot.md
	$(BIN)/python benchmarks/bench_vot.py $(if $(BENCH_PYSOT),--pysot $(BENCH_PYSOT))

# ABLATION holds options of the script, e.g. ABLATION="--pairs 20000 --only base rays18".
ablation: $(STAMP)  ## train siampolar without its parts into results/ablation_siampolar.md
	$(BIN)/python benchmarks/ablation.py $(ABLATION)

# COMPARISON holds options of the script, e.g. COMPARISON="--pairs 20000 --processes 2".
comparison: $(STAMP)  ## train the family alike into results/comparison_family.md
	$(BIN)/python benchmarks/comparison.py $(COMPARISON)

# BENCH_SCALE holds options of the script, e.g. BENCH_SCALE="--clips 48 --rounds 5".
bench-scale: $(STAMP)  ## time runs on one and two workers, and predict many, into results/bench_scale.md
	$(BIN)/python benchmarks/bench_scale.py $(BENCH_SCALE)
	$(BIN)/python benchmarks/bench_commits.py $(BENCH_COMMITS)

# BENCH_COMMITS="--before FOLDER" of a checkout of an earlier version, to compare with.
bench-commits: $(STAMP)  ## time recording a sequence in runs of up to 100,000, a section of that file
	$(BIN)/python benchmarks/bench_commits.py $(BENCH_COMMITS)

# BENCH_SIAMMASK=FOLDER of a checkout of the original.
bench-siammask: $(STAMP)  ## time SiamMask beside the original program into results/bench_siammask.md
	$(BIN)/python -m benchmarks.bench_siammask $(BENCH_SIAMMASK)

leaderboard: $(STAMP)  ## run every tracker that needs no download, score and rank it
	$(BIN)/vostool leaderboard --run

publish: leaderboard  ## write the leaderboard, without pictures, into the part of results/ that git keeps
	$(BIN)/vostool leaderboard --frames none --out results/published

clean:  ## remove .venv, build and cache folders; datasets and results stay
	rm -rf $(VENV) $(LIGHT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find vostool trackers tests -name __pycache__ -type d -exec rm -rf {} +
