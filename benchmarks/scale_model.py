"""A discrete-event model of `vostool run` on many workers: where the time goes, and what limits.

The main process hands out tasks, at most a window of them at a time, and makes what comes back part
of the run, all that is there at once; a scheduler gives each task to a worker that is idle; a
worker, once it has started, tracks the sequences of its task, while frames are read and masks are
written on a file system that all share. Main process, scheduler and file system do one thing after
the other. What is measured goes in as `Costs`; times are in seconds.

Not modelled: lost workers, machines of different speed, the bandwidth of network and disks.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np


@dataclass(frozen=True)
class Costs:
    """What everything costs; what is 0 is left out.

    Args:
        begin: of the main process, until it hands out the first task.
        start: of a worker, until it can track.
        start_files: files that a worker opens to start.
        submit: of the main process, for each task.
        schedule: of the scheduler, for each task.
        sequence: of a worker, for each sequence beside its frames.
        frame: of a worker, for each frame.
        commit: of the main process, for each group of tasks that came back.
        commit_new: the same, for each sequence in the group.
        commit_known: the same, for each sequence of the run so far.
        frame_files: files read and written for each frame.
        sequence_files: the same for each sequence beside its frames.
        file_rate: files that the shared file system opens or creates in a second.
        jitter: standard deviation of the logarithm of the time a task takes.
    """

    begin: float = 0.0
    start: float = 0.0
    start_files: float = 0.0
    submit: float = 0.0
    schedule: float = 0.0
    sequence: float = 0.0
    frame: float = 0.0
    commit: float = 0.0
    commit_new: float = 0.0
    commit_known: float = 0.0
    frame_files: float = 0.0
    sequence_files: float = 0.0
    file_rate: float = inf
    jitter: float = 0.0

    def of(self, task: Sequence[int]) -> float:
        """Return what a worker needs for a task, given as the lengths of its sequences."""
        return self.sequence * len(task) + self.frame * sum(task)

    def files_of(self, task: Sequence[int]) -> float:
        """Return the seconds for which a task occupies the file system."""
        return (self.sequence_files * len(task) + self.frame_files * sum(task)) / self.file_rate


@dataclass(frozen=True)
class Prediction:
    """How a run went in the model.

    Args:
        makespan: from the start of the command to its end.
        efficiency: share of the workers' time in which they tracked.
        lost: shares of the workers' time that they spent otherwise: `start`, `wait` for a task,
            `files`, and the `end`, when there were no tasks left.
        busy: shares of the makespan in which `main`, `scheduler` and `files` were at work.
    """

    makespan: float
    efficiency: float
    lost: dict[str, float]
    busy: dict[str, float]

    @property
    def limit(self) -> str:
        """What loses most; of workers that wait for a task, whoever had no time to give one."""
        name = max(self.lost, key=lambda key: self.lost[key])
        if name == "wait":
            name = max(("main", "scheduler"), key=lambda key: self.busy[key])
        return name


@dataclass
class Server:
    """Does one thing after the other."""

    free: float = 0.0
    busy: float = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """Return when something that arrives now is done."""
        self.free = max(self.free, now) + seconds
        self.busy += seconds
        return self.free


@dataclass
class Run:
    """The state of a run in the model.

    Args:
        tasks: lengths of the sequences of each, in the order in which they are handed out.
        factors: by which each takes longer than its costs say.
        costs: of everything.
        window: tasks that are handed out before one comes back.
    """

    tasks: Sequence[Sequence[int]]
    factors: Sequence[float]
    costs: Costs
    window: int
    scheduler: Server = field(default_factory=Server)
    files: Server = field(default_factory=Server)
    main_busy: float = 0.0
    known: int = 0
    useful: float = 0.0
    waited_for_files: float = 0.0
    events: list[tuple[float, int, str, int, int]] = field(default_factory=list)
    idle: deque[tuple[int, float]] = field(default_factory=deque)  # workers and since when
    queue: deque[int] = field(default_factory=deque)  # tasks at the scheduler
    done: list[int] = field(default_factory=list)  # tasks that came back
    gaps: list[tuple[float, float]] = field(default_factory=list)  # of idle workers
    pushed: int = 0
    handed_out: int = 0
    outstanding: int = 0
    sleeping: bool = False  # the main process, as there is nothing to do

    def push(self, when: float, what: str, worker: int = -1, task: int = -1) -> None:
        self.pushed += 1  # events at the same time happen in the order in which they were pushed
        heapq.heappush(self.events, (when, self.pushed, what, worker, task))

    def main(self, now: float) -> None:
        """Hand out tasks, then make what came back part of the run; sleep if there is nothing."""
        until = now
        while self.handed_out < len(self.tasks) and self.outstanding < self.window:
            until += self.costs.submit
            self.push(until, "arrives", task=self.handed_out)
            self.handed_out += 1
            self.outstanding += 1
        if self.done:
            new = sum(len(self.tasks[task]) for task in self.done)
            self.known += new
            until += self.costs.commit + self.costs.commit_new * new
            until += self.costs.commit_known * self.known
            self.outstanding -= len(self.done)
            self.done.clear()
        elif until == now:
            self.sleeping = True
            return
        self.main_busy += until - now
        self.push(until, "main")

    def assign(self, now: float) -> None:
        """Give tasks to idle workers."""
        while self.queue and self.idle:
            worker, since = self.idle.popleft()
            begins = self.scheduler.serve(now, self.costs.schedule)
            self.gaps.append((since, begins))
            self.push(begins, "begins", worker, self.queue.popleft())

    def begin(self, now: float, worker: int, task: int) -> None:
        """Track the sequences of a task, as fast as worker and file system can."""
        seconds = self.costs.of(self.tasks[task]) * self.factors[task]
        read = self.files.serve(now, self.costs.files_of(self.tasks[task]))
        ends = max(now + seconds, read)
        self.useful += seconds
        self.waited_for_files += ends - now - seconds
        self.push(ends, "done", worker, task)

    def step(self) -> float:
        """Let the next event happen; returns when."""
        now, _, what, worker, task = heapq.heappop(self.events)
        if what == "main":
            self.main(now)
        elif what == "begins":
            self.begin(now, worker, task)
        elif what == "arrives":
            self.queue.append(task)
            self.assign(now)
        else:  # a worker is ready, or done with a task
            self.idle.append((worker, now))
            if what == "done":
                self.done.append(task)
                if self.sleeping:
                    self.sleeping = False
                    self.push(now, "main")
            self.assign(now)
        return now


def predict(
    tasks: Sequence[Sequence[int]],
    workers: int,
    costs: Costs,
    seed: int = 0,
    seconds: Sequence[float] | None = None,
) -> Prediction:
    """Let a run happen.

    Args:
        tasks: lengths of the sequences of each, in the order in which they are handed out.
        workers: how many there are.
        costs: of everything.
        seed: of the jitter.
        seconds: what each task takes, if it has been measured; instead of the costs of sequences
            and frames, and without jitter.
    """
    noise = np.random.default_rng(seed).normal(0.0, costs.jitter, len(tasks))
    factors = np.exp(noise - costs.jitter**2 / 2).tolist()
    if seconds is not None:
        factors = [s / costs.of(task) for s, task in zip(seconds, tasks, strict=True)]
    run = Run(tasks, factors, costs, window=2 * workers)
    run.push(costs.begin, "main")
    ready = []
    for worker in range(workers):
        opened = run.files.serve(costs.begin, costs.start_files / costs.file_rate)
        ready.append(max(costs.begin + costs.start, opened))
        run.push(ready[-1], "ready", worker)
    end, wanted = 0.0, sum(map(len, tasks))
    while run.events and (run.known < wanted or not run.sleeping):
        end = run.step()
    return _prediction(run, ready, end)


def _prediction(run: Run, ready: list[float], end: float) -> Prediction:
    """Divide up the workers' time."""
    total = end * len(ready)
    last = max((until for _, until in run.gaps), default=end)  # then no task is left
    gaps = run.gaps + [(since, end) for _, since in run.idle]
    wait = sum(min(until, last) - min(since, last) for since, until in gaps)
    tail = sum(max(until, last) - max(since, last) for since, until in gaps)
    seconds = {
        "start": sum(min(each, end) for each in ready),
        "wait": wait,
        "files": run.waited_for_files,
        "end": tail,
    }
    busy = {"main": run.main_busy, "scheduler": run.scheduler.busy, "files": run.files.busy}
    return Prediction(
        makespan=end,
        efficiency=run.useful / total,
        lost={name: value / total for name, value in seconds.items()},
        busy={name: value / end for name, value in busy.items()},
    )
