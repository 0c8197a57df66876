"""Deletes a stopped stack's data: `python -m infra.local.cleanup`. It needs nothing of `.venv`."""

import shutil
import sys
from pathlib import Path

from infra.local.processes.run_lock import AlreadyRuns, RunLock
from infra.local.settings.layout import CLUSTER, HOME, Layout
from infra.postgres import place
from infra.postgres.place import NoPlace


def remove(layout: Layout) -> list[Path]:
    """Deletes everything that a stopped stack keeps, database and secrets included, but for the backups: returns those.

    Raises AlreadyRuns, and NoPlace if the database's folder is not ours to delete.
    """
    layout.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = RunLock(layout.run_lock)
    lock.take()
    try:
        place.remove(layout.folder)
        for each in layout.folder.iterdir():
            if each == layout.backups:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        kept = sorted(layout.backups.iterdir()) if layout.backups.exists() else []
        if not kept:
            shutil.rmtree(layout.folder)
    finally:
        lock.release()
    return kept


def main() -> int:
    """0 when it is done, 1 with a sentence on stderr when nothing could be deleted."""
    try:
        if CLUSTER.exists():
            remove(Layout(CLUSTER))
        kept = remove(Layout(HOME))
    except (AlreadyRuns, NoPlace) as refusal:
        print(f"Nothing was deleted: {refusal}", file=sys.stderr)
        return 1
    if kept:
        print(f"The backups stay in {Layout(HOME).backups}. They open with the secrets alone that were deleted now:")
        print("a copy of them that was kept elsewhere goes into .local/secrets/made before `make restore`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
