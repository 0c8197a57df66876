"""Nights and weeks in an unkind world: a rota, forces by mail, people who say OK to all and record nothing. Counted by reader and hour."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from services.handbook.stories.golden_stories import count_messages, over_budget, story_files, wakes_needlessly
from services.protocol.loader import Library, files
from services.protocol.policy.rule_language.grammar import format_period
from services.protocol.simulate import Answers, Happening, read_story, tell
from services.safeguarding.roles import Channel, Role
from services.safeguarding.working_time import in_england

BEN = "person-00000000-0000-4000-8000-00000000000b"
NIGHTS = sorted((Path(__file__).parent / "nights").glob("*.yaml"))


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(files())


@pytest.mark.parametrize("path", NIGHTS, ids=lambda path: path.stem)
def test_nobody_gets_more_than_the_night_grants_them(path: Path, library: Library) -> None:
    story = read_story(path)
    timeline = tell(story, library)

    assert list(over_budget(story, count_messages(timeline))) == []
    assert {name: timeline.ends().get(name) for name in story.ends} == story.ends


@pytest.mark.parametrize("path", story_files(), ids=lambda path: path.stem)
def test_what_can_wait_wakes_nobody_in_any_story(path: Path, library: Library) -> None:
    assert wakes_needlessly(tell(read_story(path), library)) == []


def test_an_officer_who_answers_after_the_reference_ends_the_question_and_the_carer_hears(library: Library) -> None:
    story = read_story(Path(__file__).parent / "nights" / "reference-by-101.yaml")
    rung = Happening.model_validate(
        {"at": "70m", "becomes": "acknowledged", "of": "tell-police-missing", "how": "page"}
    )
    silent = story.answers | {Role.DUTY_WORKER: Answers.model_validate("silent")}
    timeline = tell(story.model_copy(update={"happens": [*story.happens, rung], "answers": silent}), library)
    said = [str(each) for each in timeline.told]

    assert "1h duty.worker text officer-unnamed" in said
    assert "1h10m carer.reporting text police-answered" in said
    assert said.count("1h30m duty.worker text officer-unnamed") == 0
    assert (timeline.ends()["tell-police-missing"], timeline.ends()["officer-is-asked-for"]) == (
        "acknowledged",
        "cancelled",
    )


def test_after_a_loss_only_a_later_reference_counts(library: Library) -> None:
    story = read_story(Path(__file__).parent / "nights" / "reference-by-101.yaml")
    begun = [each for each in story.happens if each.at <= timedelta(hours=1)]
    lost = [
        Happening.model_validate({"at": "2h", "event": "child.located", "by": "ann", "proof": "handset"}),
        Happening.model_validate({"at": "3h", "event": "child.reported-missing", "by": "ann"}),
    ]
    later = Happening.model_validate({"at": "200m", "event": "police.reference-texted", "by": "ann"})

    without = tell(story.model_copy(update={"happens": [*begun, *lost]}), library)
    with_it = tell(story.model_copy(update={"happens": [*begun, *lost, later]}), library)

    assert [each for each in without.told if each.duty.role == Role.DUTY_HEAD_OF_SERVICE]
    assert not [each for each in with_it.told if each.duty.role == Role.DUTY_HEAD_OF_SERVICE]
    assert "3h40m duty.worker text officer-unnamed" in [str(each) for each in with_it.told]


def test_a_reference_withdraws_no_notice_that_is_still_on_its_way_to_police(library: Library) -> None:
    story = read_story(Path(__file__).parent / "nights" / "reference-by-101.yaml")
    slow = story.answers | {Role.POLICE_CONTROL_ROOM: Answers.model_validate("unreachable")}
    told = tell(story.model_copy(update={"answers": slow}), library).told

    assert not [each for each in told if each.duty.act == "withdraw" and each.after < timedelta(hours=6)]


def test_a_found_child_is_fetched_by_the_clock_whatever_was_answered_and_once_collected_nobody_hears(
    library: Library,
) -> None:
    story = read_story(Path(__file__).parent / "nights" / "found-and-all-say-ok.yaml")
    located = timedelta(hours=1)
    fetched = Happening.model_validate({"at": "100m", "event": "care-step.recorded", "step": "child-collected"})

    def managers(happens: list[Happening]) -> list[str]:
        told = tell(story.model_copy(update={"happens": happens}), library).told
        due = [each for each in told if each.duty.wording == "recovery-due" and each.duty.role != Role.DUTY_WORKER]
        return [f"{each.duty.role} {format_period(each.after - located)}" for each in due]

    assert managers(list(story.happens))[:2] == ["duty.senior-manager 1 hour", "duty.head-of-service 3 hours"]
    assert managers([*(each for each in story.happens if each.at <= located), fetched]) == []


def test_a_mail_to_another_person_on_duty_brings_them_the_news_all_the_same(library: Library) -> None:
    story = read_story(Path(__file__).parent / "nights" / "gaps-and-three-updates.yaml")
    by_another = Happening.model_validate({"at": "90s", "becomes": "delivered", "of": "chase-gaps", "person": BEN})
    told = tell(story.model_copy(update={"happens": [*story.happens, by_another]}), library).told
    of_news = [
        (each.duty.person == BEN, each.duty.channel)
        for each in told
        if each.duty.rule == "tell-duty-of-information" and each.after == timedelta(minutes=30)
    ]

    assert of_news == [(False, Channel.TEXT), (True, Channel.EMAIL)]


def test_each_carer_hears_each_evening_that_the_child_is_still_missing_also_when_the_clocks_have_gone_forward(
    library: Library,
) -> None:
    story = read_story(Path(__file__).parent / "nights" / "missing-five-days.yaml")
    daily = [each for each in tell(story, library).told if each.duty.wording == "still-missing-daily"]
    by_person: dict[str | None, list[str]] = {}
    for each in daily:
        by_person.setdefault(each.duty.person, []).append(f"{in_england(story.begins + each.after):%d %H:%M}")

    assert set(by_person) == set(story.child.carers or ())
    assert set(map(tuple, by_person.values())) == {tuple(f"{day} 20:30" for day in range(26, 31))}


@pytest.mark.parametrize("path", story_files(), ids=lambda path: path.stem)
def test_no_matter_that_is_open_is_without_a_next_time_in_any_story(path: Path, library: Library) -> None:
    story = read_story(path)
    ends = story.begins + story.until
    timeline = tell(story, library)
    open_now = [each for each in timeline.case.duties.values() if each.goes_on]

    assert [each.rule for each in open_now if each.next_at is None or each.next_at < ends] == []


def test_who_does_not_answer_is_asked_each_two_hours_while_police_do_not_know_and_somebody_beyond(
    library: Library,
) -> None:
    timeline = tell(read_story(Path(__file__).parent / "nights" / "nobody-for-48-hours.yaml"), library)
    managers = {Role.DUTY_HEAD_OF_SERVICE, Role.DUTY_ASSISTANT_DIRECTOR}
    of_police = [
        each for each in timeline.told if each.duty.rule == "tell-police-missing" and each.duty.role in managers
    ]

    assert max(later.after - each.after for each, later in pairwise(of_police)) == timedelta(hours=2)
    assert timeline.story.until - of_police[-1].after <= timedelta(hours=2)
    assert [each.after for each in of_police if each.duty.role == Role.DUTY_ASSISTANT_DIRECTOR] == [timedelta(hours=2)]


def test_a_head_of_service_who_says_ok_while_police_do_not_know_is_asked_each_hour_and_no_oftener(
    library: Library,
) -> None:
    story = read_story(Path(__file__).parent / "nights" / "nobody-for-48-hours.yaml")
    says_ok = story.answers | {Role.DUTY_HEAD_OF_SERVICE: Answers.model_validate({"acknowledges": "5m"})}
    told = tell(story.model_copy(update={"answers": says_ok}), library).told
    of_police = [
        each.after
        for each in told
        if each.duty.rule == "tell-police-missing" and each.duty.role == Role.DUTY_HEAD_OF_SERVICE
    ]

    assert len(of_police) > 40
    assert {later - each for each, later in pairwise(of_police)} == {timedelta(hours=1)}
