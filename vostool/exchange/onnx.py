"""Writing a tracker's networks as ONNX, and comparing onnxruntime with torch on real inputs."""

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vostool.environment import git_revision, sha256_of, versions
from vostool.errors import ContractError, UsageError, VostoolError, require
from vostool.io.storage import write_text
from vostool.tracking.base import Tracker
from vostool.tracking.export import Exported, Scene
from vostool.tracking.job import Job
from vostool.tracking.loop import begin, blaming_tracker

TOLERANCE = 1e-3  # of the largest difference, relative to the largest value of an output
_OPSET = 18  # the oldest that torch's exporter writes without converting
_PACKAGES = ("onnx", "onnxscript")
_SCHEMA = 1

Differences = dict[str, dict[str, float]]  # network -> output -> largest relative difference


@dataclass(frozen=True, slots=True)
class Written:
    """What an export has written.

    Args:
        files: the networks, then the description.
        differences: between onnxruntime and torch; None if onnxruntime is not installed.
        scenes: on which they were compared.
    """

    files: tuple[Path, ...]
    differences: Differences | None
    scenes: int


def export_onnx(job: Job, scenes: Sequence[Scene], out: Path, name: str) -> Written:
    """Write `<out>/<name>_<network>.onnx` for each network, and `<out>/<name>.json`.

    Nothing is written if anything fails, the comparison included.

    Args:
        job: resolved, on the CPU in fp32.
        scenes: at least one; the shapes are those of the first.
        out: folder, made if it is not there.
        name: beginning of the files' names.

    Raises:
        UsageError: a package is not installed, or the tracker cannot be exported.
        ContractError: the tracker fails, cannot be converted, or another network comes out.
    """
    require_packages()
    tracker = job.build()
    offers = [_offer(job, tracker, scene) for scene in scenes]
    networks = offers[0]
    compare = find_spec("onnxruntime") is not None
    described, differences = {}, {}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as place:
        for key, exported in networks.items():
            path = Path(place) / f"{name}_{key}.onnx"
            _write(exported, path, f"{job.tracker}'s network '{key}'")
            described[key] = describe(exported, path)
            if compare:
                inputs = [offer[key].inputs for offer in offers]
                differences[key] = compared(exported, path, inputs)
        _refuse_others(job, differences)
        files = [out / path.name for path in sorted(Path(place).iterdir())]
        for file in files:
            os.replace(Path(place) / file.name, file)
    description = out / f"{name}.json"
    found = differences if compare else None
    text = json.dumps(_description(job, described, found, len(scenes)), indent=2) + "\n"
    write_text(description, text)
    return Written((*files, description), found, len(scenes))


def require_packages() -> None:
    """Refuse to go on without the packages that write ONNX.

    Raises:
        MissingExtraError: one is not installed.
    """
    require(*_PACKAGES, what="Exporting")


def _offer(job: Job, tracker: Tracker, scene: Scene) -> Mapping[str, Exported]:
    """Return what the tracker makes of a scene."""
    with blaming_tracker("while it was exported"):
        begin(tracker)
        offer = tracker.exportable(scene)
    if not offer:
        raise UsageError(
            f"{job.tracker}/{job.config_name} cannot be exported: it offers no networks. A tracker "
            "does so with the method `exportable`, see vostool/tracking/export.py."
        )
    return offer


def _write(exported: Exported, path: Path, what: str) -> None:
    names = list(exported.inputs)
    inputs = tuple(_grown(exported, name) for name in names)
    with warnings.catch_warnings():
        # The exporter warns of what it does inside, and that axes of one name are equal, as meant.
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                exported.network.eval(),
                inputs,
                input_names=names,
                output_names=list(exported.outputs),
                dynamic_shapes=_dynamic(exported),
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            program.save(path, external_data=False)
        except VostoolError:
            raise
        except Exception as error:
            cause = error.__cause__ or error
            raise ContractError(
                f"{what} could not be converted to ONNX: {type(cause).__name__}: "
                f"{str(cause).partition(chr(10))[0].rstrip('. ')}. `vostool --traceback ...` shows "
                "where."
            ) from error


def _grown(exported: Exported, name: str) -> Tensor:
    """Return an input, its dynamic axes of length 1 doubled: torch takes a 1 for a constant."""
    value = exported.inputs[name].detach().clone()
    for axis in exported.dynamic.get(name, {}):
        if value.shape[axis] == 1:
            value = value.repeat_interleave(2, dim=axis)
    return value


def _dynamic(exported: Exported) -> tuple[dict[int, Any], ...] | None:
    if not exported.dynamic:
        return None
    axes = {axis for named in exported.dynamic.values() for axis in named.values()}
    dims = {axis: torch.export.Dim(axis, min=1) for axis in sorted(axes)}
    return tuple(
        {axis: dims[label] for axis, label in exported.dynamic.get(name, {}).items()}
        for name in exported.inputs
    )


def compared(
    exported: Exported, path: Path, inputs: Sequence[Mapping[str, Tensor]]
) -> dict[str, float]:
    """Return the largest |onnxruntime - torch| of each output over the largest |torch|.

    Args:
        exported: the network.
        path: it as ONNX.
        inputs: of every scene.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    worst = dict.fromkeys(exported.outputs, 0.0)
    for values in inputs:
        with torch.inference_mode():
            answer = exported.network(*values.values())
        expected = (answer,) if isinstance(answer, Tensor) else tuple(answer)
        given = {name: value.numpy() for name, value in values.items()}
        for name, found, true in zip(worst, session.run(None, given), expected, strict=True):
            worst[name] = max(worst[name], relative_difference(np.asarray(found), true.numpy()))
    return worst


def relative_difference(found: np.ndarray, true: np.ndarray) -> float:
    """Return the largest |found - true| over the largest |true|; infinite if shapes differ."""
    if found.shape != true.shape:
        return float("inf")
    difference = float(np.abs(found.astype(np.float64) - true).max(initial=0.0))
    return difference / max(float(np.abs(true).max(initial=0.0)), 1e-12) if difference else 0.0


def _refuse_others(job: Job, differences: Differences) -> None:
    for network, outputs in differences.items():
        for output, difference in outputs.items():
            if not difference <= TOLERANCE:  # nor what is no number
                raise ContractError(
                    f"{job.tracker}'s network '{network}' is another one as ONNX: '{output}' "
                    f"differs by {difference:.2g}, more than {TOLERANCE:g}. Nothing was written."
                )


def describe(exported: Exported, path: Path) -> dict[str, Any]:
    """Return what a user of the file needs to know of the network."""
    import onnx

    model = onnx.load(path)
    onnx.checker.check_model(model)

    def described(value: Any) -> dict[str, Any]:
        kind = value.type.tensor_type
        about: dict[str, Any] = {
            "name": value.name,
            "shape": [axis.dim_param or axis.dim_value for axis in kind.shape.dim],
            "type": onnx.TensorProto.DataType.Name(kind.elem_type).lower(),
        }
        if value.name in exported.about:
            about["about"] = exported.about[value.name]
        if value.name in exported.pixels:
            about["pixels"] = asdict(exported.pixels[value.name])
        return about

    return {
        "file": path.name,
        "sha256": sha256_of(path),
        "opset": model.opset_import[0].version,
        "inputs": [described(value) for value in model.graph.input],
        "outputs": [described(value) for value in model.graph.output],
    }


def _description(
    job: Job, networks: dict[str, Any], differences: Differences | None, scenes: int
) -> dict[str, Any]:
    weights = job.runtime.weights
    own = {"file": weights.name, "sha256": sha256_of(weights)} if weights else None
    agreement = None
    if differences is not None:
        agreement = {
            "onnxruntime": version("onnxruntime"),
            "scenes": scenes,
            "largest_relative_difference": differences,
        }
    return {
        "schema": _SCHEMA,
        "format": "onnx",
        "tracker": job.tracker,
        "config": job.config_name,
        "settings": job.settings,
        "code": job.code,
        "weights": own,
        "random_weights": job.random_weights,
        "normalisation": "(value of 0 to 255 - mean) / std, per channel; see `pixels` of inputs",
        "networks": networks,
        "agreement": agreement,
        "versions": versions() | {name: version(name) for name in _PACKAGES},
        "git": git_revision(),
    }
