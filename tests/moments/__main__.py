"""Runs tests again as if it were another moment: `python -m tests.moments`, or `python -m tests.moments --at "2028-02-28 23:58" -- -k stories`.

Every process is told the wrong time alike: Python, PostgreSQL, Kafka (clock.c).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.safeguarding.working_time import ENGLAND
from tests.moments.drawing import drawn_on, next_of

AHEAD = "CLOCK_AHEAD_SECONDS"
SOURCE = Path(__file__).with_name("clock.c")
PYTEST = (
    "-m",
    "pytest",
    "--numprocesses",
    "3",
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
    "-m",
    "not alone or again",
)


def build(folder: Path) -> Path:
    """The library that moves a clock. Raises FileNotFoundError where there is no C compiler, CalledProcessError."""
    folder.chmod(0o755)  # PostgreSQL may run as another login
    library = folder / "clock.so"
    subprocess.run(("cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)), check=True)
    return library


def moved(by: timedelta, library: Path) -> Mapping[str, str]:
    """What a process is started with, and gives to whatever it starts in turn: `by` more than this process is moved."""
    ahead = by + timedelta(seconds=int(os.environ.get(AHEAD, "0")))
    return {
        "LD_PRELOAD": str(library),
        AHEAD: f"{ahead.total_seconds():.0f}",
        "TZ": str(ENGLAND),  # as at home, where a machine's own clock is not UTC's in summer
    }


def read_moment(text: str) -> datetime:
    """In England. Raises ValueError."""
    if text == "now":
        return datetime.now(ENGLAND)
    return datetime.fromisoformat(text).replace(tzinfo=ENGLAND)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--at", metavar="MOMENT", type=read_moment, help="in England, as 2028-02-28 23:58, or now; left out, the day's"
    )
    parser.add_argument(
        "--as", dest="order", default="python -m tests.moments --at ", help="how it was ordered: said with the moment"
    )
    parser.add_argument("options", nargs="*", help="pytest's")
    asked = parser.parse_args(arguments)
    now = datetime.now(UTC)
    name = "the moment asked for" if asked.at else drawn_on(now)
    moment = asked.at or next_of(name, now)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **moved(moment - now, build(Path(folder)))}
        print(f'As if it were {name}. The same again: {asked.order}"{moment:%Y-%m-%d %H:%M}"', flush=True)
        return subprocess.run((sys.executable, *PYTEST, *asked.options), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
