"""The training loop."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from vostool.errors import WeightsError
from vostool.training.counter_rng import step_seed
from vostool.training.distributed import Ranks
from vostool.training.folder import TrainFolder
from vostool.training.job import TrainJob
from vostool.training.learner import Learner
from vostool.training.metrics_log import Row
from vostool.training.optimizer import learning_rate, set_rate
from vostool.training.partition import first_split
from vostool.training.prefetch import Prefetcher
from vostool.training.recorder import Books, Learnt
from vostool.training.shared_folder import check_shared, claimed
from vostool.training.stop import Stop
from vostool.training.task import Task


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Args:
        step: steps that are done.
        seconds: it took, with all its starts.
        best: highest score of the validations, None without any.
        best_step: when that was.
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
    """Train until all steps are done or `stop` is wanted, going on from the newest checkpoint.

    Args:
        job: what to train.
        folder: where to.
        ranks: this process among all.
        stop: asked after every step; with several processes after every tenth.
        on_row: told of every row of `metrics.csv`, by the first process.
        on_note: told what the user should know before it begins, by the first process.

    Raises:
        ResultError: the folder holds another training, another process is at it, or one of several
            processes does not see it.
        ResourceError: another process is gone.
        TrainingError: a loss is no number any more.
        WeightsError: a checkpoint is damaged, or weights cannot be read.
    """
    settings = job.settings
    device = ranks.device(job.device)
    if folder.newest_checkpoint() is None:  # what cannot be split is refused at once
        first_split(settings.batch, settings.accumulate, ranks.count)
    torch.backends.cudnn.benchmark = True  # it may choose other kernels after a resume
    joined = ranks.joined(device, settings.patience)
    with joined as ranks, claimed(folder, ranks), stop.listening():
        task = begin(job, folder, ranks, device, on_note)
        learner = Learner(task, settings, device, ranks, read_weights(job))
        books = Books(job, task, learner, folder, ranks, on_row)
        books.resume()
        if ranks.leads and (note := learner.changed_split()):
            on_note(note)
        with Prefetcher(task, enabled=settings.prefetch) as batches:
            while books.step < settings.steps and not books.agree(stop.wanted):
                books.enter(learn(batches, learner, ranks, books.step))
        books.close()
        return Outcome(books.step, books.seconds, books.best, books.best_step)


def learn(batches: Prefetcher, learner: Learner, ranks: Ranks, step: int) -> Learnt:
    """Do one step of the optimiser."""
    settings, optimizer, scaler = learner.settings, learner.optimizer, learner.scaler
    model = learner.model(step)
    rate = learning_rate(settings, step)
    set_rate(optimizer, rate)
    split = learner.split
    weight = split.weight(ranks)

    sums: dict[str, Tensor] = {}
    for part in (parts := split.of(ranks)):
        # What a network draws itself, as dropout does, follows from the step and the part as well.
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
    return Learnt(sums, norm, rate)


def begin(
    job: TrainJob,
    folder: TrainFolder | None,
    ranks: Ranks,
    device: torch.device,
    on_note: Callable[[str], None] = lambda note: None,
) -> Task:
    """Claim the folder, if there is one, and let the task prepare its data."""
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
        WeightsError: the file is no safetensors file.
    """
    if job.init is None:
        return None
    try:
        return load_file(job.init)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{job.init} cannot be read as safetensors: {error}.") from error


def _unsynchronised(model: torch.nn.Module) -> AbstractContextManager[None]:
    """Keep gradients to this process: they are exchanged with the last part's."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()
