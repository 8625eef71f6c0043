"""Which cell of a response map is the object: scale and ratio penalty, cosine window, smoothing."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import RESPONSE, SEARCH, cell_centres, context_side
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.model.rpn import Proposals, decode

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


def cosine_window(size: int, device: torch.device | str = "cpu") -> Tensor:
    """Return a (size, size) Hann window whose maximum 1 is in the middle."""
    ramp = torch.hann_window(size + 2, periodic=False, device=device)[1:-1]
    window = ramp[:, None] * ramp[None]
    return window / window.max()


def change_penalty(size: Tensor, previous: Tensor, strength: float | Tensor) -> Tensor:
    """Return exp(-(change of scale x change of ratio - 1) strength), SiamRPN, CVPR 2018, eq. 13.

    Args:
        size: (..., 2) width and height of candidates.
        previous: (..., 2) width and height so far, in the same unit.
        strength: at least 0.

    Returns:
        (...) in (0, 1].
    """
    scale = _mutual(_scale(size) / _scale(previous))
    ratio = _mutual((size[..., 0] / size[..., 1]) / (previous[..., 0] / previous[..., 1]))
    return torch.exp(-(scale * ratio - 1) * strength)


def _scale(size: Tensor) -> Tensor:
    return context_side(size.reshape(-1, 2)).reshape(size.shape[:-1])


def _mutual(quotient: Tensor) -> Tensor:
    return torch.maximum(quotient, 1 / quotient)
