"""How much memory and time `audit verify` needs for a long record: `python -m tests.bench.record 1000000`.

Makes a database of its own and throws it away. Prints a line for each run: the whole record, from a checkpoint with nothing new,
and from it with one entry in a hundred new.
"""

import sys
import tempfile
from pathlib import Path

from tests.support.database import running_database
from tests.support.record import Run, fill, verify


def main(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_database(Path(folder)) as database:
        checkpoint = ("--checkpoint", str(Path(folder) / "checkpoint.json"))
        made = fill(database, entries)
        _print("the whole record", made, verify(database, *checkpoint))
        _print("from a checkpoint, nothing new", 0, verify(database, *checkpoint))
        _print("from a checkpoint, 1 % new", fill(database, entries // 100), verify(database, *checkpoint))


def _print(what: str, entries: int, run: Run) -> None:
    print(
        f"{what}: {entries:,} entries in {run.seconds:.1f} s, {entries / run.seconds:,.0f} a second, {run.peak_mb:.0f} MB"
    )
    print(f"  {run.said.strip()}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
