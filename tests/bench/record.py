"""How much memory and time `audit verify` needs for a long record: `python -m tests.bench.record 1000000`.

Makes a database of its own and throws it away. Prints a line for each run: the whole record, from a checkpoint with nothing new,
and from it with one entry in a hundred new.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.support.engines.database import mortal_database
from tests.support.histories.record import Run, fill, verify


def main(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder, mortal_database(Path(folder), durable=False) as server:
        checkpoint = ("--checkpoint", str(Path(folder) / "checkpoint.json"))
        database = server.database
        began = time.monotonic()
        made = fill(database, entries)
        print(f"{made:,} entries made in {time.monotonic() - began:.0f} s", flush=True)
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
