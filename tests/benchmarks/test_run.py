"""A run: how many rounds it gives."""

import pytest

from benchmarks.run import Run
from benchmarks.stores import Stores


@pytest.fixture
def run() -> Run:
    stores: Stores = object.__new__(Stores)  # None of it is used.
    return Run(stores, is_quick=False)


def test_all_rounds_are_given_while_there_is_time(run: Run) -> None:
    assert list(run.rounds(seconds=60, number=4)) == [1, 2, 3, 4]


def test_when_time_is_up_the_least_number_is_given_and_said(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    given = list(run.rounds(seconds=0, number=4, at_least=2))

    assert given == [1, 2]
    assert "2 of 4 rounds" in capsys.readouterr().out
