"""A release has one name wherever a version stands, and is found again in a clone that has no tags."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from itertools import chain
from pathlib import Path

import pytest

from infra.supply import release
from infra.supply.release import CannotRelease
from tests.support.versions import CLOSED, changed_since, released

TODAY = date(2031, 5, 6)
MIGRATION = Path(CLOSED[1]) / "0001_baseline.py"


def test_every_place_says_the_same_version() -> None:
    said = release.versions()
    assert len(set(chain(*said.values()))) == 1, said
    assert all(said.values()), said


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files in which a version stands, with something that is unreleased."""
    for each in [*release.PLACES, "CHANGELOG.md"]:
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release.ROOT / each, tmp_path / each)
    changes = (tmp_path / "CHANGELOG.md").read_text()
    (tmp_path / "CHANGELOG.md").write_text(
        changes.replace("## ", "## Unreleased\n\n## ", 1).replace("## Unreleased\n\n## Unreleased", "## Unreleased")
    )
    return tmp_path


def test_a_release_writes_its_version_in_every_place(tree: Path) -> None:
    release.write("7.8.9", TODAY, tree)
    assert release.versions(tree) == {each: {"7.8.9"} for each in [*release.PLACES, "CHANGELOG.md"]}
    assert "## 7.8.9 (2031-05-06)\n" in (tree / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("version", ["", "v7.8.9", "7.8", "7.8.9; ls"])
def test_what_is_no_version_is_refused(tree: Path, version: str) -> None:
    before = release.versions(tree)
    with pytest.raises(CannotRelease, match="three numbers"):
        release.write(version, TODAY, tree)
    assert release.versions(tree) == before


@pytest.mark.parametrize("version", ["7.10.0", "7.9.9", "6.11.0"])
def test_a_version_that_is_not_higher_is_refused(tree: Path, version: str) -> None:
    """A clone without tags would take its commit for one that is out."""
    release.write("7.10.0", TODAY, tree)
    with pytest.raises(CannotRelease, match="is to be higher"):
        release.write(version, TODAY, tree)


def test_a_release_of_nothing_is_refused(tree: Path) -> None:
    release.write("7.8.9", TODAY, tree)
    with pytest.raises(CannotRelease, match="nothing that is unreleased"):
        release.write("7.9.0", TODAY, tree)
    assert release.versions(tree)["pyproject.toml"] == {"7.8.9"}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its versions are 0.1.0, 0.2.0, and what came after 0.2.0."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)  # a hook of git names its own repository, which would be the one to be reset
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    _git(tmp_path, "init", "--quiet")
    (tmp_path / MIGRATION).parent.mkdir(parents=True)
    for version, migration in (("0.1.0", "one"), ("0.2.0", "two"), ("0.2.0", "two")):
        (tmp_path / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
        (tmp_path / MIGRATION).write_text(migration)
        _git(tmp_path, "add", "--all")
        _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", version)
    return tmp_path


def test_without_tags_the_commit_that_changed_the_version_is_the_release(clone: Path) -> None:
    assert released(clone) == _git(clone, "rev-parse", "HEAD~1")


def test_a_tag_of_the_version_is_believed_first(clone: Path) -> None:
    _git(clone, "tag", "v0.2.0", "HEAD")
    assert released(clone) == _git(clone, "rev-parse", "HEAD")


def test_before_the_first_release_nothing_is_released(clone: Path) -> None:
    _git(clone, "reset", "--quiet", "--hard", "HEAD~2")
    assert released(clone) == ""


def test_without_git_or_its_history_nothing_is_released(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone / ".git")
    assert released(clone) == ""
    monkeypatch.setenv("PATH", "")
    assert released(clone) == ""


def test_a_clone_that_does_not_go_back_to_the_release_does_not_take_its_oldest_commit_for_it(clone: Path) -> None:
    _git(clone, "clone", "--quiet", "--depth", "1", f"file://{clone}", "shallow")
    assert released(clone / "shallow") == ""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda file: file.write_text("three"), True),
        (lambda file: file.unlink(), True),
        (lambda file: file.rename(file.with_name("0001_other.py")), True),
        (lambda file: file.with_name("0002_next.py").write_text("three"), False),
    ],
)
def test_a_migration_that_is_released_may_not_change_and_others_may_come(
    clone: Path, change: Callable[[Path], object], found: bool
) -> None:
    assert changed_since(released(clone), clone) == []
    change(clone / MIGRATION)
    _git(clone, "add", "--all")
    assert changed_since(released(clone), clone) == ([str(MIGRATION)] if found else [])


def _git(folder: Path, *order: str) -> str:
    named = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *named, *order], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
