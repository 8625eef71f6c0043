"""Manifests of runs: of one that begins, and whether one that is there may go on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vostool.datasets.clips import Clips
from vostool.environment import git_revision, sha256_of
from vostool.errors import ResultError
from vostool.io.storage import resolved
from vostool.runs.folder import Manifest, RunFolder
from vostool.tracking.job import Job


def new_manifest(
    job: Job, dataset: Clips[Any], run: str, experiment: Mapping[str, Any] | None = None
) -> Manifest:
    """Return the manifest of a run that begins now, on this machine.

    Args:
        job: what runs.
        dataset: what is tracked.
        run: name of the run folder.
        experiment: what else decides the results.
    """
    weights = job.runtime.weights
    return Manifest(
        run=run,
        tracker=job.tracker,
        config_name=job.config_name,
        code=job.code,
        config=json.loads(json.dumps(job.settings)),
        init=job.init,
        weights={"path": str(weights), "sha256": sha256_of(weights)} if weights else None,
        dataset=dataset.key,
        split=dataset.split,
        root=str(resolved(dataset.root)),
        device=job.runtime.device,
        device_name="",  # where it is tracked is not known yet, nor with which versions
        precision=job.runtime.precision,
        fps_protocol="step-cuda" if job.runtime.device.startswith("cuda") else "step-wall",
        seed=job.runtime.seed,
        versions={},
        git=git_revision(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        experiment=dict(experiment) if experiment is not None else None,
    )


def resumed(folder: RunFolder, fresh: Manifest, dataset: Clips[Any]) -> Manifest:
    """Return the manifest on disk if the fresh one continues it, the fresh one if there is none.

    Raises:
        ResultError: it is another run; the message says what differs.
    """
    if not folder.exists():
        return fresh
    manifest = folder.manifest()
    done = folder.complete(manifest)
    if not done:
        return fresh
    differences = manifest.differences(fresh)
    by_name = {sequence.name: sequence for sequence in dataset.sequences}
    # The same data may have been moved, which the fingerprints of shared sequences show.
    known = ":" not in dataset.name and not done.isdisjoint(dataset.whole_names)
    if manifest.root != fresh.root and not known:
        differences.append(f"folder of data ({manifest.root} -> {fresh.root})")
    for name in sorted(done):
        if name in by_name and (
            manifest.sequences[name].fingerprint != dataset.fingerprint(by_name[name])
        ):
            differences.append(f"data of sequence '{name}' (was read from {manifest.root})")
            break
    if differences:
        raise ResultError(
            f"{folder.path} holds a run of something else; what differs: {', '.join(differences)}. "
            "Choose another name with --name, or remove that folder."
        )
    return manifest
