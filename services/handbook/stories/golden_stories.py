"""Plays every golden story once and remembers which rules told somebody in it."""

from functools import cache
from pathlib import Path

from services.protocol.loader import Library, files
from services.protocol.simulate import tell
from services.protocol.stories import read

STORIES = Path(__file__).parents[3] / "tests" / "scenarios"


def story_files(folder: Path = STORIES) -> list[Path]:
    """Raises FileNotFoundError if there are none: stories are files of the repository, not part of the package."""
    found = sorted(folder.rglob("*.yaml"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no stories")
    return found


def name_of(path: Path, folder: Path = STORIES) -> str:
    return path.relative_to(folder).as_posix()


@cache
def play_all() -> dict[str, frozenset[str]]:
    """By the story's file: the rules that told somebody. On the default rules, all of them."""
    library = Library(files())
    told = {name_of(path): tell(read(path), library).told for path in story_files()}
    return {name: frozenset(each.duty.rule for each in all_ if each.duty.act == "tell") for name, all_ in told.items()}
