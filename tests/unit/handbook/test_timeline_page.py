"""A played story as a page: what happened, who was told by which paragraph, and what came of it."""

import re
from pathlib import Path

from typer.testing import CliRunner

from services.command_line import app
from services.handbook.stories.story_pages import page
from services.protocol.simulate import simulate

STORIES = Path(__file__).parents[2] / "scenarios"


def test_the_page_has_a_card_for_each_telling_with_its_rule_and_paragraph() -> None:
    timeline = simulate(STORIES / "back-taken-back.yaml")
    drawn = page(timeline)
    assert drawn.count('<div class="card ') == len(timeline.told)
    assert "tell-police-missing, first (S13, S57)" in drawn
    assert "Duty worker answers: has it" in drawn
    assert "<b>Child returned</b><span>by a carer&#39;s text</span>" in drawn


def test_the_page_says_who_took_it_who_answered_and_what_was_withdrawn() -> None:
    states = [
        re.findall(r'<div class="card ([a-z-]+)"', page(simulate(STORIES / f"{name}.yaml")))
        for name in ("back-while-escalating", "everybody-answers", "nobody-anywhere")
    ]
    assert [wanted in state for wanted, state in zip(("withdrawn", "acknowledged", "failed"), states, strict=True)] == [
        True
    ] * 3


def test_an_exercise_is_marked_on_each_of_its_cards() -> None:
    timeline = simulate(STORIES / "exercise.yaml")
    assert page(timeline).count("<span>exercise ") == sum(each.exercise for each in timeline.told) > 0


def test_the_page_needs_nothing_from_anywhere_else() -> None:
    assert not re.search(r"https?:|<script|<link|url\(", page(simulate(STORIES / "back.yaml")))


def test_the_command_writes_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", str(STORIES / "back.yaml"), "--html", str(tmp_path / "back.html")])
    assert result.exit_code == 0
    assert (tmp_path / "back.html").read_text().startswith("<!doctype html>")
