"""Gives a process a fixed share of a processor, by a control group of its own. Needs Linux and root."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
PERIOD_MICROSECONDS = 20_000
"""Short, so that a process that has used up its share waits no longer than a few milliseconds."""


class NoQuota(Exception):
    """This machine lets nobody set a share."""


@contextmanager
def share(name: str, pid: int, cores: float) -> Iterator[None]:
    """While it is open, `pid` and what it starts get at most `cores` of a processor. Raises NoQuota."""
    root = next((each for each in ROOTS if each.exists()), None)
    if root is None:
        raise NoQuota("there are no control groups here")
    group, quota = root / f"safe-return-bench-{name}", int(cores * PERIOD_MICROSECONDS)
    try:
        group.mkdir(exist_ok=True)
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise NoQuota(f"a control group needs root: {error.strerror}") from None
    try:
        yield
    finally:
        _remove(root, group)


def _remove(root: Path, group: Path) -> None:
    """What still runs goes back to where everything runs."""
    for pid in (group / "cgroup.procs").read_text().split():
        try:
            (root / "cgroup.procs").write_text(pid)
        except OSError:
            continue
    group.rmdir()
