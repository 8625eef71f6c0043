"""What `vostool train siampolar` trains: pairs from the bank, polar targets, and their loss."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from vostool.datasets.dataset import Dataset
from vostool.errors import ConfigError, DatasetError
from vostool.frames import read_frame
from vostool.masks import ids_in
from vostool.metrics.region import region_similarity
from vostool.sequence import Sequence
from vostool.tracker import Runtime
from vostool.tracking import for_tracker
from vostool.training.task import Batch, Losses, Picture, TrainingData

from ..siamese.bank import build_bank
from ..siamese.draws import Draws
from ..siamese.pairs import PairConfig, draw_pairs
from .guidance import guides_of
from .losses import polar_losses
from .network import Maps, SiamPolarCar
from .picture import draw_samples
from .search import Search
from .settings import Config as TrackerConfig
from .targets import Targets, targets_of
from .tracker import SiamPolar


@dataclass(frozen=True)
class TaskConfig(PairConfig):
    """How pairs are varied, and how the loss is weighted.

    Args:
        score_weight: of the focal loss of the cells.
        ray_weight: of the polar IoU loss.
        centerness_weight: of the loss of the centerness.
        dense_weight: of the loss of the pixels.
        every: validation looks at every so many frames only to score them; all are tracked.
    """

    score_weight: float = 4.0
    ray_weight: float = 1.0
    centerness_weight: float = 0.5
    dense_weight: float = 1.0
    every: int = 2
    memory: int = 3
    start: float = 0.15


class PolarTask:
    """Training of SiamPolarMask, see `vostool.training.task.Task`."""

    Config = TaskConfig

    def __init__(
        self,
        config: TaskConfig,
        model_config: TrackerConfig,
        data: TrainingData,
        device: torch.device,
        seed: int,
    ) -> None:
        if not model_config.guided:
            config = replace(config, memory=0, start=0.0)
        elif not config.memory:
            raise ConfigError(
                "A guided network learns from memories, so train.task.memory must be above 0."
            )
        self._config, self._model, self._device, self._seed = config, model_config, device, seed
        self._validation = data.validation
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        self._bank = build_bank(data.datasets, data.cache / "bank").to(device)

    def network(self) -> SiamPolarCar:
        torch.manual_seed(self._seed)
        return SiamPolarCar(self._model.shape, pretrained=self._model.pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        draws = Draws(self._seed, step, indices, self._device)
        pairs = draw_pairs(self._bank, self._config, draws)
        batch = {"template": pairs.template, "search": pairs.search, "mask": pairs.mask}
        if self._model.guided:
            guides = guides_of(pairs, self._model.rays, draws)
            batch |= {"template_guide": guides.template, "search_guide": guides.search}
        return batch

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        maps, targets = self._compared(network, batch)
        parts = polar_losses(maps, targets, batch["mask"])
        config = self._config
        total = (
            config.score_weight * parts.score
            + config.ray_weight * parts.rays
            + config.centerness_weight * parts.centerness
            + config.dense_weight * parts.dense
        )
        return {"total": total, **parts._asdict()}

    def _compared(self, network: nn.Module, batch: Batch) -> tuple[Maps, Targets]:
        guides = batch.get("template_guide"), batch.get("search_guide")
        maps = network(batch["template"], batch["search"], *guides)
        return Maps(*maps), targets_of(batch["mask"], self._model.rays)

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        maps, targets = self._compared(network, batch)
        return draw_samples(batch, targets, maps)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the mean J of the validation's objects, tracked from the first frame's boxes."""
        if self._validation is None:
            return {}
        precision = SiamPolar.precisions[0]  # what `vostool run` takes
        runtime = Runtime(device=str(self._device), precision=precision, seed=self._seed)
        assert isinstance(network, SiamPolarCar)
        search = Search(network, self._model, runtime)
        objects: dict[tuple[str, int], list[float]] = {}
        for sequence in self._validation.sequences:
            for object_id, score in self._overlaps(search, self._validation, sequence):
                objects.setdefault((sequence.name, object_id), []).append(score)
        if not objects:
            return {}
        return {"J_mean": float(np.mean([np.mean(scores) for scores in objects.values()]))}

    def _overlaps(
        self, search: Search, dataset: Dataset, sequence: Sequence
    ) -> Iterator[tuple[int, float]]:
        """Yield objects and their J on the frames that count, the first and the last left out."""
        search.forget()
        first = ids_in(dataset.labels(sequence.annotations[0])).tolist()
        for index, prompts in enumerate(dataset.prompts(sequence)):
            boxes = for_tracker(SiamPolar.init, prompts)
            labels = search.step(read_frame(sequence.frames[index]), boxes)
            counts = 0 < index < len(sequence) - 1 and index % self._config.every == 0
            if not counts or index not in sequence.annotations:
                continue
            truth = dataset.labels(sequence.annotations[index])
            for object_id in first:
                yield object_id, region_similarity(labels == object_id, truth == object_id)

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: tensor
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
