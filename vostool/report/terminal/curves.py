"""Curves as SVG: a picture that needs no library to draw, and scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 36, 48
# Wong, "Points of view: Color blindness", Nature Methods 8, 2011.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Args:
        label: in the legend.
        x: (N,) values.
        y: (N,) values; NaN leaves a gap.
    """

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def curves_svg(
    lines: Sequence[Line],
    title: str,
    x_label: str,
    y_label: str,
    band: tuple[float, float] | None = None,
) -> str:
    """Draw curves whose values lie in [0, 1].

    Args:
        lines: the curves, at most seven in colours of their own.
        title: above.
        x_label: below the horizontal axis, which begins at 0.
        y_label: beside the vertical axis.
        band: an interval of x that is shaded.

    Returns:
        The SVG document.
    """
    most = max((float(line.x[-1]) for line in lines if len(line.x)), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    if band is not None:
        low, high = (_x(min(value, most), most) for value in band)
        parts.append(
            f'<rect x="{low:.1f}" y="{_TOP}" width="{high - low:.1f}" '
            f'height="{_y(0) - _TOP:.1f}" fill="#eeeeee"/>'
        )
    parts += [*_axes(most, x_label, y_label)]
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(
            f'<path d="{_path(line, most)}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        )
        below = _TOP + 16 + 18 * number
        parts.append(
            f'<path d="M{_WIDTH - 216} {below - 4}h20" stroke="{colour}" stroke-width="3"/>'
            f'<text x="{_WIDTH - 190}" y="{below}">{escape(line.label)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _axes(most: float, x_label: str, y_label: str) -> list[str]:
    parts = []
    for fifths in range(6):
        value, y = fifths / 5, _y(fifths / 5)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#cccccc"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.1f}</text>')
    step = _round_step(most / 5)
    for number in range(int(most / step + 1e-9) + 1):
        x = _x(number * step, most)
        parts.append(f'<path d="M{x:.1f} {_y(0):.1f}v5" stroke="black"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{_y(0) + 18:.1f}" text-anchor="middle">{number * step:g}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>'
    )
    centre = (_TOP + _y(0)) / 2
    parts.append(
        f'<text x="14" y="{centre}" text-anchor="middle" transform="rotate(-90 14 {centre})">'
        f"{escape(y_label)}</text>"
    )
    return parts


def _round_step(step: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is no smaller."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(power * digit for digit in (1, 2, 5, 10) if power * digit >= step * 0.999))


def _path(line: Line, most: float) -> str:
    parts, pen = [], "M"
    for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
        if np.isnan(y):
            pen = "M"
            continue
        parts.append(f"{pen}{_x(x, most):.1f} {_y(y):.1f}")
        pen = "L"
    return "".join(parts)


def _x(value: float, most: float) -> float:
    return _LEFT + value / most * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _TOP - _BOTTOM)
