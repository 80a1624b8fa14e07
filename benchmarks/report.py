"""Reports: figures as lines of text, as wide as they need to be."""

from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first to the left, the others to the right."""
    lines = [headers, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(headers))]
    return "\n".join(
        "  " + "  ".join([line[0].ljust(widths[0]), *_right(line[1:], widths[1:])])
        for line in lines
    )


def section(title: str, *notes: str) -> str:
    """A title with what was measured under it."""
    return "\n".join(["", title, "-" * len(title), *notes])


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
