"""Real video files, drawn and encoded where a test needs them."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

SIZE = (96, 128)


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return a frame that tells which it is: grey says the index, red is top left, blue is right.

    A bright square moves to the right, two pixels a frame.
    """
    height, width = size
    image = np.full((height, width, 3), 40 + 3 * (index % 60), np.uint8)
    image[: height // 4, : width // 4] = (220, 30, 30)
    image[:, -width // 8 :] = (30, 30, 220)
    x = 8 + 2 * index % (width // 2)
    image[height // 2 : height // 2 + 24, x : x + 24] = (240, 220, 60)
    return image


def index_of(image: np.ndarray) -> int:
    """Return which frame of `picture` an image is."""
    height, width = image.shape[:2]
    gray = image[: height // 3, width // 3 : width // 2].mean()
    return round((gray - 40) / 3)


def write(
    path: Path,
    frames: Iterable[np.ndarray] | int = 20,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    fps: int = 25,
    times: Sequence[float] | None = None,
    rotation: int = 0,
    audio: str = "",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = SIZE,
    container: dict[str, str] | None = None,
) -> Path:
    """Encode a file with PyAV.

    Args:
        path: whose suffix names the container.
        frames: RGB images, or how many of `picture`.
        codec: name of the encoder; none for a file of audio alone.
        pix_fmt: of the encoder.
        fps: frames per second.
        times: of the frames in seconds, for a variable rate.
        rotation: degrees counterclockwise by which players turn the picture.
        audio: name of an audio encoder; a second of 440 Hz for each second of frames.
        options: of the encoder.
        size: of the pictures that are drawn.
        container: options of the container.
    """
    import av

    images = [picture(i, size) for i in range(frames)] if isinstance(frames, int) else list(frames)
    tick = Fraction(1, 1000) if times else Fraction(1, fps)
    with av.open(str(path), "w", options=container or {}) as output:
        sound = output.add_stream(audio, rate=48_000, layout="stereo") if audio else None
        if codec:
            stream = output.add_stream(codec, rate=fps, options=options or {})
            stream.width, stream.height = images[0].shape[1], images[0].shape[0]
            stream.pix_fmt = pix_fmt
            stream.codec_context.time_base = tick
            if rotation:
                stream.set_display_rotation(rotation)
            for index, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame = frame.reformat(format=pix_fmt)
                frame.pts = round(times[index] * 1000) if times else index
                frame.time_base = tick
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        if sound is not None:
            wave = np.sin(np.arange(48_000 * len(images) // fps) * 2 * np.pi * 440 / 48_000)
            for start in range(0, len(wave), 960):
                part = np.stack([wave[start : start + 960]] * 2).astype(np.float32) * 0.3
                chunk = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
                chunk.sample_rate, chunk.pts = 48_000, start
                chunk.time_base = Fraction(1, 48_000)
                converted = av.AudioResampler(sound.format.name, "stereo", 48_000).resample(chunk)
                for each in converted:
                    output.mux(sound.encode(each))
            output.mux(sound.encode(None))
    return path
