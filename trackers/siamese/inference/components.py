"""The largest connected part of masks, and the boxes around them, on the device and all at once."""

import torch
import torch.nn.functional as F
from torch import Tensor


def largest_part(mask: Tensor, block: int = 1, rounds: int = 8) -> Tensor:
    """Return masks of which the largest connected part is left.

    Every pixel points to one of its part, first to itself. In each round what is pointed to is
    made to point to the last pixel that any of its own neighbours point to, and pointers are
    followed (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", Journal of
    Algorithms 1982). After a logarithmic number of rounds all of a part point to its last pixel.

    Args:
        mask: (N, H, W) bool.
        block: parts are found among blocks of so many pixels, of which H and W are multiples; so
            parts of one mask that are less than a block apart are one. Blocks touch with corners.
        rounds: parts that wind so much that these are too few are cut.

    Returns:
        (N, H, W) bool.
    """
    count = F.avg_pool2d(mask[:, None].float(), block)[:, 0] * block**2
    shape, count = count.shape, count.flatten(1).round()
    there = count > 0
    places = torch.arange(there.shape[1], device=mask.device).expand_as(count)
    pointer = places
    for _ in range(rounds):
        known = torch.where(there, pointer + 1.0, 0.0).reshape(len(mask), 1, *shape[1:])
        near = F.max_pool2d(known, 3, 1, 1).flatten(1).long() - 1
        near = torch.where(there, near, places)
        pointer = pointer.scatter_reduce(1, pointer, near, "amax")
        for _ in range(2):
            pointer = pointer.gather(1, pointer)
    area = torch.zeros_like(count).scatter_add(1, pointer, count)
    kept = (there & (pointer == area.argmax(dim=1, keepdim=True))).reshape(shape)
    return mask & kept.repeat_interleave(block, dim=1).repeat_interleave(block, dim=2)


def boxes_of(mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the boxes around (B, H, W) masks.

    Returns:
        Centres and sizes, (B, 2) each, and which masks are not empty, (B,) bool. The box of an
        empty mask is one pixel in its middle.
    """
    centres, sizes = [], []
    present = mask.flatten(1).any(dim=1)
    for line in (mask.any(dim=1), mask.any(dim=2)):
        length = line.shape[1]
        places = torch.arange(length, device=mask.device)
        low = torch.where(line, places, length).amin(dim=1)
        high = torch.where(line, places, -1).amax(dim=1)
        centres.append(torch.where(present, (low + high) / 2, (length - 1) / 2))
        sizes.append(torch.where(present, high - low + 1, 1).float())
    return torch.stack(centres, dim=1), torch.stack(sizes, dim=1), present
