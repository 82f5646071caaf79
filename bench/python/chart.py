"""A chart of horizontal bars on a logarithmic scale, as SVG text."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _WIDTH, _RIGHT = 300, 420, 120
_ROW, _TOP = 26, 54


@dataclass(frozen=True)
class Bar:
    title: str
    value: float
    span: tuple[float, float]
    target: float


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        f' stroke="{colour}" stroke-width="{width}"/>'
    )


def _row(bar: Bar, top: float, x: Callable[[float], float], say: Callable[[float], str]) -> str:
    colour = "#3a7d44" if bar.value >= bar.target else "#b3543c"
    middle = top + _ROW / 2
    end = max(x(bar.value), _LEFT + 1.0)
    parts = [
        _text(_LEFT - 8, middle + 4, bar.title, "end"),
        f'<rect x="{_LEFT}" y="{top + 5:.1f}" width="{end - _LEFT:.1f}" height="{_ROW - 10}"'
        f' fill="{colour}"/>',
        _line(x(bar.span[0]), middle, x(bar.span[1]), middle, "#222", 1),
        _line(x(bar.target), top + 1, x(bar.target), top + _ROW - 1, "#222", 2),
        _text(max(end, x(bar.span[1]), x(bar.target)) + 6, middle + 4, f"{say(bar.value)}x"),
    ]
    return "\n".join(parts)


def bars(rows: Sequence[Bar], title: str, say: Callable[[float], str]) -> str:
    """The black mark across a bar is its target, the thin line the span of the rounds."""
    most = max([10.0, *(max(bar.value, bar.span[1], bar.target) for bar in rows)])
    decades = math.ceil(math.log10(most))

    def x(value: float) -> float:
        return _LEFT + _WIDTH * min(max(math.log10(max(value, 1e-9)) / decades, 0.0), 1.0)

    bottom = _TOP + _ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + _RIGHT}"'
        f' height="{bottom + 30}" font-family="sans-serif" font-size="12" fill="#222">',
        '<rect width="100%" height="100%" fill="white"/>',
        _text(8, 20, title, more='font-size="15"'),
        _text(8, 38, "logarithmic; the mark across a bar is its target", more='fill="#666"'),
    ]
    for decade in range(decades + 1):
        at = x(10.0**decade)
        parts.append(_line(at, _TOP - 4, at, bottom + 4, "#ddd", 1))
        parts.append(_text(at, bottom + 18, f"{10**decade:,}", "middle"))
    for index, bar in enumerate(rows):
        parts.append(_row(bar, _TOP + _ROW * index, x, say))
    return "\n".join([*parts, "</svg>"]) + "\n"
