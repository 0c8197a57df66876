"""A town's fortnight: drawn alike each time, and its faults are seen on both sides: who is woken in vain, and what is late."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.command_line import app
from services.handbook.stories.town import TOWNS, Fortnight, Most, Town, draw_stories, play_town, read_town
from services.protocol.loader import Library, files, read_rules
from services.protocol.simulate import Timeline
from services.safeguarding.roles import Role
from services.safeguarding.working_time import in_night

FEW = 24


def town(name: str = "spring") -> Town:
    return read_town(TOWNS / f"{name}.yaml").model_copy(update={"children": FEW})


@cache
def fortnight() -> Fortnight:
    return play_town(town(), Library(files()))


def without(rule: str, life: Timeline) -> Timeline:
    return replace(life, told=[each for each in life.told if each.duty.rule != rule])


def test_a_town_is_drawn_alike_each_time_and_otherwise_by_another_seed() -> None:
    assert draw_stories(town()) == draw_stories(town())
    assert draw_stories(town()) != draw_stories(town().model_copy(update={"seed": 8}))


@pytest.mark.parametrize("name", ["spring", "autumn"])
def test_each_life_begins_within_its_hours_and_ends_with_the_fortnight(name: str) -> None:
    drawn = draw_stories(read_town(TOWNS / f"{name}.yaml"))
    assert {each.begins + each.until for each in drawn} == {town(name).ends}
    assert len({each.story.partition(": ")[2] for each in drawn}) == len(town(name).lives)


@pytest.mark.parametrize("name", ["spring", "autumn"])
def test_no_police_and_nobody_on_duty_hear_late_and_nothing_open_is_forgotten(name: str) -> None:
    late = [
        each for each in play_town(town(name), Library(files())).faults() if "woken" not in each and "asks" not in each
    ]
    assert late == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [("tell-police-missing", "police are not told at once"), ("tell-duty-worker-missing", "nobody on duty is asked")],
)
def test_what_is_not_told_at_once_is_a_fault(rule: str, says: str) -> None:
    played = fortnight()
    silent = replace(played, lives=[without(rule, each) for each in played.lives])
    assert any(each.startswith(says) for each in silent.faults())


def test_police_who_do_not_know_and_nobody_who_hears_of_it_is_a_fault() -> None:
    played = fortnight()
    quiet = replace(played, town=played.town.model_copy(update={"silence": timedelta(minutes=1)}))
    assert any("that police have no report" in each for each in quiet.faults())


def test_a_reader_who_is_woken_oftener_than_is_granted_is_a_fault_with_the_night() -> None:
    played = fortnight()
    none = replace(played, town=played.town.model_copy(update={"night": {Role.DUTY_WORKER: Most()}}))
    woken = [each for each in none.faults() if each.startswith("duty.worker is woken")]
    nights = {each.night for each in played.messages if each.wakes and each.told.duty.role == Role.DUTY_WORKER}
    assert len(woken) == len(nights) > 0
    assert all(in_night(each.at) for each in played.messages if each.wakes)


def test_a_rule_that_asks_who_answers_again_and_again_is_a_fault() -> None:
    played = fortnight()
    once = replace(played, town=played.town.model_copy(update={"one_rule_a_week": 1}))
    assert any("times in a week" in each for each in once.faults())


def test_the_command_prints_the_nights_and_fails_over_the_budget(tmp_path: Path) -> None:
    written = (TOWNS / "spring.yaml").read_text().replace("children: 120", "children: 6")
    (tmp_path / "small.yaml").write_text(written)
    (tmp_path / "strict.yaml").write_text(written.replace("one-rule-a-week: 7", "one-rule-a-week: 0"))
    small = CliRunner().invoke(app, ["simulate", "--town", str(tmp_path / "small.yaml")])
    strict = CliRunner().invoke(app, ["simulate", "--town", str(tmp_path / "strict.yaml")])
    assert "14 days, 6 children" in small.output
    assert "Why people are woken, and what ends it:" in small.output
    assert strict.exit_code == 1


@pytest.mark.parametrize(
    ("written", "says"),
    [("children: 120", "children"), ("weight: 10", "weight"), ("town:", "town")],
)
def test_a_fault_in_a_town_is_named(tmp_path: Path, written: str, says: str) -> None:
    text = (TOWNS / "spring.yaml").read_text().replace(written, f"x{written}", 1)
    (tmp_path / "wrong.yaml").write_text(text)
    result = CliRunner().invoke(app, ["simulate", "--town", str(tmp_path / "wrong.yaml")])
    assert result.exit_code == 2
    assert says in result.output


def test_a_change_of_rules_changes_the_nights(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "protocol: own\nversion: 2026.1\nauthority: northshire\nadopted: { by: A Director, from: 2026-01-01 }\n"
        "rules:\n  - id: extra\n    on: child.reported-missing\n    tell: duty.worker\n    by: text\n"
        "    message: missing-notice\n    otherwise: duty-worker-twice\n"
        "    because: { cite: [S13], kind: default, note: n }\n"
    )
    more = play_town(town(), Library([*files(), read_rules(own)]))
    assert sum(each.wakes for each in more.messages) > sum(each.wakes for each in fortnight().messages)
