"""Choosing the device a tracker runs on, and naming the hardware behind it."""

import os
import platform

from vostool.errors import ResourceError


def resolve_device(asked: str, usable: tuple[str, ...], cuda: bool | None = None) -> str:
    """Turn `auto`, `cpu` or `cuda` into the device a tracker runs on.

    Args:
        asked: what the user asked for.
        usable: device types the tracker can use, the preferred first.
        cuda: whether the workers that will track have a GPU; None if it is this machine that will.

    Raises:
        ResourceError: the tracker cannot use it, or there is no CUDA device.
    """
    if asked == "auto":
        return "cuda" if "cuda" in usable and _is_there(cuda) else "cpu"
    kind = asked.partition(":")[0]
    if kind not in usable:
        raise ResourceError(
            f"This tracker runs on {' or '.join(usable)}, not on {asked}. Leave --device away."
        )
    if kind == "cuda" and not _is_there(cuda):
        if cuda is not None:
            raise ResourceError(
                'No worker offers a GPU. Start those that have one with --resources "GPU=1", or '
                "use --device cpu."
            )
        raise ResourceError("There is no CUDA device here. Use --device cpu.")
    return asked


def _is_there(cuda: bool | None) -> bool:
    if cuda is not None:
        return cuda
    import torch

    return bool(torch.cuda.is_available())


def device_name(device: str) -> str:
    """Return the name of the hardware behind a device, e.g. `NVIDIA H200` or the CPU model."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    return f"CPU ({_cpu_model()}, {cores()} cores)"


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
