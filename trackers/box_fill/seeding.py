"""Make OpenCV's MIL tracker repeatable.

Two generators decide what MIL does, and both are read only while a tracker is initialised:

* `cv::theRNG()`, one per thread, is copied into the sampler of negative patches.
  `cv2.setRNGSeed` sets it.
* The C library's `rand()` draws the Haar features, and `cv2.setRNGSeed` does not reach it. On Linux
  and macOS there is one state per process; on Windows one per thread, which starts at 1.

So an initialisation runs in a thread of its own, where both are seeded. What other objects or other
code drew before then no longer matters. OpenCV's Windows wheels may carry a C library of their own
that `srand` below does not reach: the fresh thread alone fixes the features there, to one set for
every seed.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2

_LOCK = threading.Lock()  # on Linux and macOS rand() belongs to the whole process


def run_seeded(seed: int, call: Callable[[], None]) -> None:
    """Run `call` in a fresh thread whose OpenCV and C random generators are seeded.

    Args:
        seed: any integer; its lowest 31 bits count.
        call: what to run; its exceptions pass through.
    """

    def seeded() -> None:
        cv2.setRNGSeed(seed & 0x7FFFFFFF)
        _c_library().srand(ctypes.c_uint(seed & 0x7FFFFFFF))
        call()

    with _LOCK, ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(seeded).result()


def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
