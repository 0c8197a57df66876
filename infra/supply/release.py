"""Cuts a release: `make release VERSION=0.3.0` writes the version everywhere, dates the changes, commits and tags."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = re.compile(r"\d+\.\d+\.\d+")
PLACES = {
    "pyproject.toml": r'^version = "(.+)"$',
    "docker-compose.yml": r"\$\{SAFE_RETURN_VERSION:-(.+?)\}",
    "infra/chart/Chart.yaml": r"^(?:appV|v)ersion: (.+)$",
    "infra/chart/values.yaml": r"^image: safe-return:(.+)$",
}
"""By file, where the version stands."""
UNRELEASED = "## Unreleased\n"
RELEASED = re.compile(r"^## (\d\S*) \(\d{4}-\d\d-\d\d\)$", re.MULTILINE)


class CannotRelease(Exception):
    """The text says what is in the way."""


def versions(root: Path = ROOT) -> dict[str, set[str]]:
    """By file, the versions that it names; of the changelog, the newest."""
    said = {name: set(re.findall(each, (root / name).read_text(), re.MULTILINE)) for name, each in PLACES.items()}
    return said | {"CHANGELOG.md": set(RELEASED.findall((root / "CHANGELOG.md").read_text())[:1])}


def write(version: str, day: date, root: Path = ROOT) -> None:
    """Raises CannotRelease, before anything is written."""
    changes = (root / "CHANGELOG.md").read_text()
    if not VERSION.fullmatch(version):
        raise CannotRelease("VERSION is three numbers, such as 0.3.0")
    [current] = versions(root)["pyproject.toml"]
    if _numbers(version) <= _numbers(current):
        raise CannotRelease(f"VERSION is to be higher than {current}")
    if UNRELEASED not in changes:
        raise CannotRelease("CHANGELOG.md has nothing that is unreleased: it goes under `## Unreleased`")
    for name, place in PLACES.items():
        text = (root / name).read_text()
        (root / name).write_text(re.sub(place, lambda at: at[0].replace(at[1], version), text, flags=re.MULTILINE))
    (root / "CHANGELOG.md").write_text(changes.replace(UNRELEASED, f"## {version} ({day})\n", 1))


def main() -> None:
    """The commit that changes pyproject.toml's version is the release, also for a clone without tags
    (tests/support/versions.py).
    """
    version = sys.argv[1] if len(sys.argv) > 1 else ""
    if _git("status", "--porcelain", "--untracked-files=no"):
        sys.exit("commit first: a release's commit changes its version and nothing else")
    try:
        write(version, date.today())
    except CannotRelease as fault:
        sys.exit(str(fault))
    _git("commit", "--all", "--message", f"Release {version}")
    _git("tag", "--annotate", f"v{version}", "--message", f"Safe Return {version}")
    print(f"Released v{version}. To publish it: git push --follow-tags")


def _numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".")]


def _git(*order: str) -> str:
    return subprocess.run(["git", *order], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
