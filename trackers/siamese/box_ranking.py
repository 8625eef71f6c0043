"""Which anchor's box is the object, and where that moves it (SiamRPN, CVPR 2018, section 3.4)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .anchors import decode
from .cells import RESPONSE, cell_centres
from .constants import constant
from .crops import SEARCH
from .ranking import change_penalty
from .rpn import Proposals

_MIDDLE = (SEARCH - 1) / 2
_SMALLEST = 10.0  # pixels of a side


@dataclass(frozen=True)
class BoxRules:
    """How boxes are ranked and followed.

    Args:
        penalty: how strongly changes of size and shape are held against a box.
        window: share of the cosine window in the ranking, in [0, 1].
        rate: how fast the size follows, in [0, 1].
        lost_below: an object whose score (0 to 1) is lower is not drawn, and waits where it is.
    """

    penalty: float = 0.04
    window: float = 0.40
    rate: float = 1.0
    lost_below: float = 0.0


@dataclass
class Ranked:
    """All boxes of N objects; K = 5 x 25 x 25, the shape first.

    Args:
        centres: (N, K, 2) x and y from the middle of the search crop, pixels of the crop.
        sizes: (N, K, 2) width and height, pixels of the crop.
        score: (N, K) in [0, 1].
        penalty: (N, K) in (0, 1].
        rank: (N, K), the higher the likelier.
    """

    centres: Tensor
    sizes: Tensor
    score: Tensor
    penalty: Tensor
    rank: Tensor


@dataclass
class Choice:
    """The one box of each of N objects.

    Args:
        index: (N,) in the ranked boxes.
        cell: (N, 2) row and column of its cell.
        score: (N,).
        centres: (N, 2) x and y, pixels of the frame.
        sizes: (N, 2) the object's new width and height, pixels of the frame.
    """

    index: Tensor
    cell: Tensor
    score: Tensor
    centres: Tensor
    sizes: Tensor


def rank_boxes(proposals: Proposals, sizes: Tensor, rules: BoxRules, window: Tensor) -> Ranked:
    """Rank the boxes of all anchors.

    Args:
        proposals: of the network.
        sizes: (N, 2) of the objects so far, pixels of the crop.
        rules: how.
        window: (25, 25) cosine window.
    """
    cells = cell_centres(sizes.device) - _MIDDLE
    centres, shapes = (t.flatten(1, 3) for t in decode(proposals.deltas, cells))
    score = proposals.score.flatten(1).nan_to_num()  # weights of nobody may say nothing
    penalty = change_penalty(shapes, sizes[:, None], rules.penalty)
    around = window.flatten().repeat(score.shape[1] // RESPONSE**2)
    rank = (1 - rules.window) * penalty * score + rules.window * around
    return Ranked(centres, shapes, score, penalty, rank)


def choose(
    ranked: Ranked,
    centres: Tensor,
    sizes: Tensor,
    scale: Tensor,
    frame: tuple[int, int],
    rules: BoxRules,
) -> Choice:
    """Take each object's best box, and follow it.

    Args:
        ranked: boxes.
        centres: (N, 2) of the search crops, pixels of the frame.
        sizes: (N, 2) of the objects so far, pixels of the frame.
        scale: (N,) pixels of the frame per pixel of the crop.
        frame: (H, W); centres stay on it, sizes between 10 pixels and it.
        rules: how fast sizes follow.
    """
    index = ranked.rank.argmax(dim=1)
    score, penalty = (t.gather(1, index[:, None])[:, 0] for t in (ranked.score, ranked.penalty))
    offset, size = (
        t.gather(1, index[:, None, None].expand(-1, 1, 2))[:, 0] * scale[:, None]
        for t in (ranked.centres, ranked.sizes)
    )
    limit = constant((float(frame[1]), float(frame[0])), centres.device)
    rate = (penalty * score * rules.rate)[:, None]
    place = index % RESPONSE**2
    return Choice(
        index,
        torch.stack((place // RESPONSE, place % RESPONSE), dim=1),
        score,
        torch.minimum(_finite(centres + offset, centres).clamp(min=0), limit),
        torch.minimum(_finite(torch.lerp(sizes, size, rate), sizes).clamp(min=_SMALLEST), limit),
    )


def _finite(new: Tensor, old: Tensor) -> Tensor:
    return torch.where(new.isfinite(), new, old)
