"""Takes an earlier version out of git, to live beside this one for a while."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from infra.local.settings.layout import ROOT

HISTORY = "services/platform/store/migrations"
CLOSED = (f"{HISTORY}/baseline", f"{HISTORY}/versions")
NOT_HERE = "this clone does not go back to the last release: `git fetch --unshallow --tags`"


def released(clone: Path = ROOT) -> str:
    """The last release; in a clone that does not go back so far, nothing.

    A tag of pyproject.toml's version, else the commit that changed that version: a clone need not have tags.
    """
    version = tomllib.loads((clone / "pyproject.toml").read_text())["project"]["version"]
    tag = _git(clone, "rev-parse", "--verify", "--quiet", f"v{version}^{{commit}}")
    return tag or _git(clone, "log", "-1", "--format=%H", "--diff-filter=M", "-G^version = ", "--", "pyproject.toml")


def changed_since(version: str, clone: Path = ROOT) -> list[str]:
    """The migrations of that version that this tree changes or lacks. What is added is none."""
    return _git(clone, "diff", "--name-only", "--no-renames", "--diff-filter=a", version, "--", *CLOSED).splitlines()


def unpack(version: str, folder: Path) -> None:
    """Skips the test where `released` found nothing."""
    if not version:
        pytest.skip(NOT_HERE)
    packed = subprocess.run(
        ["git", "archive", version, "services", "schemas"], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)


def _git(clone: Path, *order: str) -> str:
    """What it prints; nothing where it fails, or is not installed."""
    if shutil.which("git") is None:
        return ""
    return subprocess.run(["git", *order], cwd=clone, capture_output=True, text=True, check=False).stdout.strip()
