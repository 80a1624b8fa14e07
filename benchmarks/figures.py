"""Figures: percentiles, spreads over rounds, ratios and slopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the middle and the greatest of what the rounds gave."""

    least: float
    middle: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(min(values), median(values), max(values))

    def __str__(self) -> str:
        """As `middle (least … greatest)`."""
        return f"{short(self.middle)} ({short(self.least)} … {short(self.greatest)})"


def short(value: float) -> str:
    """Three significant digits, thousands separated, never an exponent."""
    size = abs(value)
    if size >= 99.95 or value == int(value):
        return f"{value:,.0f}"
    decimals = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{decimals}f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the least value that `percent` of the values do not exceed."""
    if not values:
        raise ValueError("No values, so no percentile: measure at least once.")
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is not a percentage above 0 and up to 100.")
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def ratios(values: Sequence[float], bases: Sequence[float]) -> Spread:
    """How many times the base each round took; the rounds were interleaved, so they pair up."""
    return Spread.of([value / base for value, base in zip(values, bases, strict=True)])


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How fast y grows with x: the line of least squares through the points (x, y)."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("A slope needs points at two places at least.")
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return rise / sum((x - mean_x) ** 2 for x, _ in points)
