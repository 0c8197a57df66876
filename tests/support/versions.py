"""Takes an earlier version out of git, to live beside this one for a while."""

import subprocess
from pathlib import Path

import pytest

from infra.local.settings.layout import ROOT

TABLES = "services/platform/store/migrations/baseline"


def released() -> str:
    """The newest tag; before the first release, nothing."""
    return _git("describe", "--tags", "--abbrev=0").stdout.decode().strip()


def before() -> str:
    """The last release. Before the first, the oldest commit with the tables of today, which may still change."""
    return released() or _git("log", "-1", "--format=%H", "--", TABLES).stdout.decode().strip()


def unpack(version: str, folder: Path) -> None:
    """Skips the test where this clone does not have it."""
    packed = _git("archive", version, "services", "schemas")
    if packed.returncode != 0:
        pytest.skip(f"{version} is not in this clone: `git fetch --unshallow --tags`")
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)


def _git(*order: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *order], cwd=ROOT, capture_output=True, check=False)
