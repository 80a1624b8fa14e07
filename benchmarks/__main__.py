"""`python -m benchmarks [names …] [--quick]`: measure and print."""

import argparse
import time
from collections.abc import Callable

from benchmarks import (
    burst,
    clicks,
    contacts,
    growth,
    hooks,
    ingest,
    links,
    live,
    machine,
    memory,
    pages,
    screens,
    stores,
    transfers,
)
from benchmarks.run import Run

MEASUREMENTS: dict[str, Callable[[Run], None]] = {
    "pages": pages.measure,
    "screens": screens.measure,
    "contacts": contacts.measure,
    "links": links.measure,
    "ingest": ingest.measure,
    "hooks": hooks.measure,
    "burst": burst.measure,
    "growth": growth.measure,
    "clicks": clicks.measure,
    "live": live.measure,
    "memory": memory.measure,
    "transfers": transfers.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure speed and memory, and print figures."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="smaller; under three minutes in all")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - MEASUREMENTS.keys())
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(MEASUREMENTS)}.")
    with stores.opened() as databases:
        run = Run(databases, asked.quick)
        run.say("\n".join(machine.described(databases.postgres)))
        for name in asked.names or MEASUREMENTS:
            begun = time.monotonic()
            MEASUREMENTS[name](run)
            run.say(f"\n({name}: {time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
