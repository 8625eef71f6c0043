"""The training loop."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from vostool.tracking.tensor_files import read_tensors
from vostool.training.counter_rng import step_seed
from vostool.training.distributed import Ranks
from vostool.training.folder import TrainFolder
from vostool.training.job import TrainJob
from vostool.training.learner import Learner
from vostool.training.metrics_log import Row
from vostool.training.optimizer import learning_rate, set_rate
from vostool.training.partition import initial_partition
from vostool.training.prefetch import Prefetcher
from vostool.training.recorder import StepOutput, TrainingRecorder
from vostool.training.shared_folder import check_shared, claimed
from vostool.training.stop import Stop
from vostool.training.task import Task


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Args:
        step: steps done.
        seconds: wall clock, all starts included.
        best: highest validation score, None without any.
        best_step: the step of `best`.
    """

    step: int
    seconds: float
    best: float | None
    best_step: int | None


def train(
    job: TrainJob,
    folder: TrainFolder,
    ranks: Ranks,
    stop: Stop,
    on_row: Callable[[Row], None] = lambda row: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Outcome:
    """Train until all steps are done or `stop.wanted`, resuming from the newest checkpoint.

    Args:
        job: what to train.
        folder: where to write.
        ranks: this process among all.
        stop: checked after every step; with several processes after every tenth.
        on_row: called by rank 0 with every row of `metrics.csv`.
        on_note: called by rank 0 with what the user should know before training starts.

    Raises:
        ResultError: the folder holds another training, another process trains there, or a
            rank does not see it.
        ResourceError: another process is gone.
        TrainingError: a loss or gradient is NaN or infinite.
        WeightsError: a checkpoint is damaged, or weights cannot be read.
    """
    settings = job.settings
    device = ranks.device(job.device)
    if folder.newest_checkpoint() is None:  # what cannot be split is refused at once
        initial_partition(settings.batch, settings.accumulate, ranks.count)
    torch.backends.cudnn.benchmark = True  # it may choose other kernels after a resume
    joined = ranks.joined(device, settings.patience)
    with joined as ranks, claimed(folder, ranks), stop.listening():
        task = begin(job, folder, ranks, device, on_note)
        learner = Learner(task, settings, device, ranks, read_weights(job), job.formats)
        recorder = TrainingRecorder(job, task, learner, folder, ranks, on_row)
        recorder.resume()
        if ranks.leads and learner.started_from and not recorder.step:
            on_note(f"{job.init}: {learner.started_from}")
        if ranks.leads and (note := learner.changed_partition()):
            on_note(note)
        with Prefetcher(task, enabled=settings.prefetch) as batches:
            while recorder.step < settings.steps and not recorder.agree(stop.wanted):
                recorder.after_step(train_step(batches, learner, ranks, recorder.step))
        recorder.close()
        return Outcome(recorder.step, recorder.seconds, recorder.best, recorder.best_step)


def train_step(batches: Prefetcher, learner: Learner, ranks: Ranks, step: int) -> StepOutput:
    """Do one optimizer step."""
    settings, optimizer, scaler = learner.settings, learner.optimizer, learner.scaler
    model = learner.model(step)
    rate = learning_rate(settings, step)
    set_rate(optimizer, rate)
    split = learner.partition
    weight = split.weight(ranks)

    sums: dict[str, Tensor] = {}
    for part in (parts := split.of(ranks)):
        # A network's own randomness, e.g. dropout, depends on the step and the part only, too.
        torch.manual_seed(step_seed(settings.seed, step, part))
        batch = batches.batch(step, split.samples(part))
        if part != parts[-1]:
            batches.expect(step, split.samples(parts[parts.index(part) + 1]))
        elif step + 1 < settings.steps:
            batches.expect(step + 1, split.samples(parts[0]))
        with nullcontext() if part == parts[-1] else _unsynchronised(model):
            losses = model(batch)
            scaler.scale(losses["total"] * weight).backward()
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0) + loss.detach().float() * weight

    scaler.unscale_(optimizer)
    norm = clip_grad_norm_(learner.network.parameters(), settings.clip or float("inf"))
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    if learner.average:
        learner.average.update(step + 1)
    return StepOutput(sums, norm, rate)


def begin(
    job: TrainJob,
    folder: TrainFolder | None,
    ranks: Ranks,
    device: torch.device,
    on_note: Callable[[str], None] = lambda note: None,
) -> Task:
    """Open the folder, if there is one, and let the task prepare its data."""
    with ranks.leader_first():
        if folder is not None and ranks.leads:
            newest = folder.newest_checkpoint()
            step = int(newest.name.removeprefix("step_")) if newest else 0
            note = folder.open(job.manifest(step, ranks.count))
            if note:
                on_note(note)
        task = job.task(job.task_config, job.model, job.data, device, job.settings.seed)
    if folder is not None:
        check_shared(folder, ranks)
    return task


def read_weights(job: TrainJob) -> dict[str, Tensor] | None:
    """Return the tensors of `--init`, None without it.

    Raises:
        WeightsError: the file cannot be read as weights without running code.
    """
    return read_tensors(job.init) if job.init is not None else None


def _unsynchronised(model: torch.nn.Module) -> AbstractContextManager[None]:
    """Do not exchange gradients yet: that happens with the last part."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()
