"""Figures: percentiles, spreads, ratios, slopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Spread, percentile, ratios, short, slope

numbers = st.floats(min_value=-1e6, max_value=1e6)


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [15.0, 20.0, 35.0, 40.0, 50.0]

    found = [percentile(values, percent) for percent in (5, 30, 40, 50, 99, 100)]

    assert found == [15.0, 20.0, 20.0, 35.0, 50.0, 50.0]


def test_a_percentile_does_not_need_sorted_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


@given(st.lists(numbers, min_size=1), st.integers(min_value=1, max_value=100))
def test_the_percentage_of_values_is_at_most_the_percentile(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)

    at_most = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert found in values
    assert at_most * 100 >= len(values) * percent
    assert below * 100 < len(values) * percent


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="at least once"):
        percentile([], 50)


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_a_percentage_outside_the_hundred_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percentage"):
        percentile([1.0], percent)


def test_a_spread_shows_the_median_and_both_ends() -> None:
    spread = Spread.of([3.0, 1.254, 20.04])

    assert str(spread) == "3 (1.25 … 20.0)"


def test_a_figure_has_three_digits_at_most_and_thousands_apart() -> None:
    shown = [short(value) for value in (0.01234, 1.5, 12.34, 123.4, 1234567.8, 7.0, -0.5)]

    assert shown == ["0.012", "1.50", "12.3", "123", "1,234,568", "7", "-0.500"]


def test_ratios_pair_the_rounds() -> None:
    assert ratios([2.0, 9.0, 8.0], [1.0, 3.0, 2.0]) == Spread(2.0, 3.0, 4.0)


def test_rounds_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0, 2.0], [1.0])


@given(numbers, st.floats(min_value=-1e3, max_value=1e3))
def test_the_slope_of_a_line_is_its_own(start: float, growth: float) -> None:
    points = [(float(x), start + growth * x) for x in range(10)]

    assert slope(points) == pytest.approx(growth, abs=1e-6)


def test_the_slope_through_scattered_points_is_that_of_least_squares() -> None:
    assert slope([(0, 1), (1, 3), (2, 2), (3, 4)]) == pytest.approx(0.8)


def test_points_at_one_place_have_no_slope() -> None:
    with pytest.raises(ValueError, match="two places"):
        slope([(1.0, 2.0), (1.0, 3.0)])
