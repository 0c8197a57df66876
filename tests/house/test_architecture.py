"""The pages that lead through the code name files and folders that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PLACES = re.findall(r"`((?:services|tests)/[\w./-]+)`", PAGE)
TEXT = (ROOT / "docs/how-a-text-becomes-a-notice.md").read_text(encoding="utf-8")
STEPS = re.findall(r"`([\w/]+(?:/|\.py|\.yaml))`", TEXT)
SERVICES = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and not path.name.startswith("_")}


def test_each_place_that_the_page_names_is_there() -> None:
    assert len(PLACES) > 10
    assert [place for place in PLACES if not (ROOT / place).exists()] == []


def test_each_place_that_the_way_of_a_text_names_is_there() -> None:
    assert len(STEPS) > 25
    assert [place for place in STEPS if not (ROOT / "services" / place).exists()] == []


def test_the_page_shows_every_folder_of_services() -> None:
    assert {name for name in SERVICES if not re.search(rf"\b{name}\b", PAGE)} == set()
