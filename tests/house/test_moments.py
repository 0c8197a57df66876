"""A pure test holds on any day: one that reads the machine's clock is run at each awkward moment."""

import re

from infra.local.settings.layout import ROOT

READS = re.compile(r"datetime\.now\(|date\.today|\btime\.time\(")
MOVED = "each_moment"
CLOCKS_OF_OTHERS = {"test_certificates.py", "test_page.py"}
"""They read OpenSSL's clock, or a browser's, which do not move."""


def test_each_pure_test_that_reads_the_machines_clock_is_run_at_each_moment() -> None:
    pure = [path for folder in ("unit", "scenarios") for path in (ROOT / "tests" / folder).rglob("test_*.py")]
    reading = [path for path in pure if READS.search(path.read_text()) and path.name not in CLOCKS_OF_OTHERS]
    assert reading
    assert [path.name for path in reading if MOVED not in path.read_text()] == []
