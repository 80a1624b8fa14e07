"""`trackside demo`: what `make serve` runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.process import children, is_alive

_ROOT = Path(__file__).parent.parent.parent
_PATIENCE_S = 110

pytestmark = pytest.mark.timeout(240)


@dataclass
class Demo:
    process: subprocess.Popen[str]
    address: str
    token: str

    def ask(self, query: str) -> Any:
        answer = httpx.post(
            f"{self.address}/graphql",
            json={"query": query},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def partner(self) -> int:
        """The pid of the simulating process, as soon as there is one."""
        found: list[int] = until(lambda: children(self.process.pid))
        return found[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all the demos of this module run, so that the sample is made once."""
    return Path(tmp_path_factory.mktemp("demo"))


@contextmanager
def a_demo(folder: Path) -> Iterator[Demo]:
    with subprocess.Popen(
        [sys.executable, "-m", "server.cli", "demo", "--port", "0"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().removeprefix("address: ").strip()
            token = process.stdout.readline().removeprefix("token: ").strip()
            yield Demo(process, address, token)
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def until(is_so: Any) -> Any:
    """What `is_so` returns as soon as that is true."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_demo_serves_the_sample_and_live_traffic(folder: Path) -> None:
    with a_demo(folder) as demo:
        sample = demo.ask("{ viewer { workspace scopes } journeys { nodes { name } } }")
        log = "{ communications(first: 1) { nodes { id } } }"
        before = demo.ask(log)

        until(lambda: demo.ask(log) != before)

    assert sample["viewer"] == {
        "workspace": "sample",
        "scopes": ["READ", "OPERATE", "INTEGRATE"],
    }
    assert len(sample["journeys"]["nodes"]) == 3
    assert (folder / "var" / "demo.token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_told_to_end_takes_its_partner_along(
    folder: Path, number: signal.Signals
) -> None:
    with a_demo(folder) as demo:
        partner = demo.partner()

        demo.process.send_signal(number)
        demo.process.wait(_PATIENCE_S)

        assert not is_alive(partner)
    assert demo.process.returncode == 0


def test_a_demo_that_is_killed_leaves_no_partner_behind(folder: Path) -> None:
    with a_demo(folder) as demo:
        partner = demo.partner()

        demo.process.kill()

        until(lambda: not is_alive(partner))


def test_a_demo_goes_on_without_its_partner(folder: Path) -> None:
    with a_demo(folder) as demo:
        partner = demo.partner()

        os.kill(partner, signal.SIGKILL)
        until(lambda: not is_alive(partner))

        assert demo.ask("{ viewer { workspace } }") == {"viewer": {"workspace": "sample"}}


def test_the_next_demo_has_the_same_token_and_the_same_data(folder: Path) -> None:
    with a_demo(folder) as first:
        entries = first.ask(
            "{ entries(first: 1, orderBy: {field: ENTERED_AT, direction: ASC}) { nodes { id } } }"
        )
    with a_demo(folder) as second:
        again = second.ask(
            "{ entries(first: 1, orderBy: {field: ENTERED_AT, direction: ASC}) { nodes { id } } }"
        )

    assert second.token == first.token
    assert again == entries
