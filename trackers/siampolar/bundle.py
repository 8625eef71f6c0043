"""Bring trained weights into the package, halved, and what they were trained on.

python -m vostool_trackers.siampolar.bundle results/train/siampolar-car/best.safetensors
python -m vostool_trackers.siampolar.bundle --config car_lite0 FILE
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from vostool.tracking.plugins import load_tracker
from vostool.tracking.training_record import training_of, write_training_data
from vostool.workspace import Workspace
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint
from vostool_trackers.siampolar.network import SiamPolarCar
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import BUNDLED


def bundle(source: Path, target: Path = BUNDLED, config: Config | None = None) -> int:
    """Write the weights of a configuration, the default one if none is given, as fp16.

    Returns the size in bytes.

    Beside them comes a JSON file of what they were trained on, from the `train.json` beside the
    source.

    Raises:
        WeightsError: they are of another configuration, or nothing says what they were trained on.
    """
    training = training_of(source)
    load_checkpoint(SiamPolarCar((config or Config()).shape), source)
    halved = {
        name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        for name, tensor in load_file(source).items()
    }
    save_file(halved, target)
    write_training_data(target, training)
    return target.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", type=Path, help="safetensors of a training of siampolar/car")
    parser.add_argument("--config", default="car", help="their configuration")
    asked = parser.parse_args()
    target = BUNDLED.with_name(f"{asked.config}.safetensors")
    config = load_tracker("siampolar", Workspace.find()).config(asked.config)
    print(f"{target}: {bundle(asked.weights, target, config) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
