"""Wording is read from one file a language; a language that has none is spoken in English."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.wording import day_and_time, in_language, languages_in, read_words, require_no_field


def test_each_file_is_a_language_and_every_other_is_spoken_in_english(tmp_path: Path) -> None:
    for name, says in (("en", "back"), ("cy", "yn ôl")):
        (tmp_path / f"{name}.yaml").write_text(f"says: {says}\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no language")
    spoken = languages_in(tmp_path)
    assert spoken == {"cy": {"says": "yn ôl"}, "en": {"says": "back"}}
    assert [in_language(spoken, name)["says"] for name in ("cy", "en", "ti")] == ["yn ôl", "back", "back"]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "en.yaml"
    file.write_text("says: back\n")
    before = read_words(file)
    file.write_text("says: away\n")
    assert read_words(file) is before


@pytest.mark.parametrize("text", ["A child {name} is missing", "See {}", "See {0!r:>3}"])
def test_a_text_with_a_field_is_refused(text: str) -> None:
    require_no_field("en", ["Nothing to fill in: {{}}"])
    with pytest.raises(ValueError, match="field"):
        require_no_field("en", ["Nothing to fill in", text])


def test_a_time_is_england_s() -> None:
    assert day_and_time(datetime(2026, 6, 1, 8, 30, tzinfo=UTC)) == "Mon 1 Jun 2026, 09:30"
