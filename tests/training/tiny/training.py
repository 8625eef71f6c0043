"""Learn to segment a bright disc on noise: seconds on a CPU."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from vostool.training.counter_rng import uniforms

SIDE = 16


@dataclass(frozen=True)
class DiscConfig:
    """What the tests want to go wrong.

    Args:
        nan_at: optimiser step whose samples are no numbers.
        slow: s per batch.
        log: file that gets a line per batch, with its samples.
        processes: folder that gets a file per process, named by its rank, with its id.
    """

    noise: float = 0.3
    nan_at: int = -1
    slow: float = 0.0
    log: str = ""
    processes: str = ""


class Net(nn.Module):
    """Two convolutions."""

    def __init__(self, config):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, config.width, 3, padding=1),
            nn.BatchNorm2d(config.width) if config.norm == "batch" else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.head = nn.Conv2d(config.width, 1, 3, padding=1)

    def forward(self, image):
        return self.head(self.backbone(image))


class DiscTask:
    """See `vostool.training.task.Task`."""

    Config = DiscConfig

    def __init__(self, config, model_config, data, device, seed):
        self.config, self.model_config = config, model_config
        self.data, self.device, self.seed = data, device, seed
        if config.processes:
            Path(config.processes, os.environ.get("RANK", "0")).write_text(str(os.getpid()))

    def network(self):
        torch.manual_seed(self.seed)
        return Net(self.model_config)

    def batch(self, step, indices):
        time.sleep(self.config.slow)
        if self.config.log:
            with Path(self.config.log).open("a") as file:
                file.write(f"{os.environ.get('RANK', 0)} {step} {indices.start} {indices.stop}\n")
        return self._drawn(self.seed, step, indices)

    def _drawn(self, seed, step, indices):
        drawn = uniforms(seed, step, indices, 3 + SIDE * SIDE, self.device)
        y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
        centre = 4 + 8 * drawn[:, :2, None, None]
        radius = 2 + 3 * drawn[:, 2, None, None]
        mask = (torch.hypot(x - centre[:, 0], y - centre[:, 1]) <= radius).float()
        image = mask + self.config.noise * drawn[:, 3:].reshape(-1, SIDE, SIDE)
        if step == self.config.nan_at:
            image = image * float("nan")
        return {"image": image[:, None], "mask": mask[:, None]}

    def losses(self, network, batch):
        logits = network(batch["image"])
        cross = F.binary_cross_entropy_with_logits(logits, batch["mask"])
        size = logits.float().square().mean()
        return {"total": cross + 0.001 * size, "cross": cross, "size": size}

    def validate(self, network):
        assert not network.training
        assert not torch.is_grad_enabled()
        batch = self._drawn(self.seed + 1, 0, range(8))
        found, truth = network(batch["image"]) > 0, batch["mask"] > 0
        union = (found | truth).sum((1, 2, 3)).clamp(min=1)
        return {"J_mean": float(((found & truth).sum((1, 2, 3)) / union).mean())}

    def picture(self, network, batch):
        rows = [batch["image"], batch["mask"], network(batch["image"]).sigmoid()]
        grey = torch.cat([torch.cat(list(row[:, 0]), 1) for row in rows], 0)
        grey = (grey.clamp(0, 1) * 255).to(torch.uint8).cpu().numpy()
        return grey[..., None].repeat(3, axis=2)

    def export(self, network):
        return dict(network.state_dict())
