"""Each requirement of the guidance points to a rule that cites it and to a story in which that rule tells somebody."""

from services.handbook.documents import pages
from services.handbook.stories.golden_stories import play_all
from services.protocol.loader import DEFAULT, Library, files


def test_the_requirements_are_all_there_once() -> None:
    assert [each.id for each in pages.requirements()] == [f"G{number}" for number in range(1, 35)]


def test_each_paragraph_of_the_guidance_is_asked_of_somebody_or_said_to_be_another_s() -> None:
    held = {name for each in pages.requirements() for name in each.basis}
    others = [name for each in pages.written()["not-ours"] for name in each["paragraphs"]]
    assert sorted([*held, *others]) == sorted(f"S{number}" for number in range(1, 80))


def test_what_the_requirements_say_of_rules_and_stories_is_so() -> None:
    assert [*pages.requirement_faults(Library(files()).current(DEFAULT), play_all())] == []


def test_every_story_tells_somebody_or_says_that_nobody_is_told() -> None:
    """A story without effect would be evidence of nothing."""
    assert [name for name, rules in play_all().items() if not rules and not _says_nobody(name)] == []


def _says_nobody(name: str) -> bool:
    return "told: []" in (pages.ROOT / "tests" / "scenarios" / name).read_text()
