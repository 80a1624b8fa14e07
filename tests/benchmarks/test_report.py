"""Reports: aligned columns."""

from benchmarks.report import table


def test_the_first_column_is_aligned_left_and_the_others_right() -> None:
    shown = table(["what", "ms"], [["a page", "1.25"], ["b", "10"]])

    assert shown.splitlines() == ["  what      ms", "  a page  1.25", "  b         10"]
