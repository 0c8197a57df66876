"""Who is on duty now, and which contacts may not be relied upon."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from services.console.policy.directory import Contact, Doubt, directory
from services.safeguarding.working_time import Days, RotaLine, Turn

TUESDAY_NIGHT = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)
TUESDAY_NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WELL = Contact(reached_at=TUESDAY_NOON, answered_at=TUESDAY_NOON)


def listed(role: str, person: str, order: int = 1, *, by_day: bool = False, code: str | None = None) -> RotaLine:
    turn = Turn(person, order, Days.MON_FRI, time(9), time(17), bank_holidays=False) if by_day else Turn(person, order)
    return RotaLine("kestrel", role, person, person.title(), code, turn, has_mobile=True, has_email=False)


ROTA = [
    listed("duty.social-worker", "day", by_day=True),
    listed("duty.emergency-team", "night-deputy", 2),
    listed("duty.emergency-team", "night", 1),
    listed("duty.senior-manager", "manager"),
    listed("duty.head-of-service", "head"),
]


def test_the_one_on_duty_comes_first_then_deputies_then_those_who_are_off() -> None:
    shown = directory([*ROTA, listed("duty.emergency-team", "off", by_day=True)], {}, TUESDAY_NIGHT)
    night = next(each for each in shown.duty if each.role == "duty.emergency-team")
    assert [(line.listed.person, line.place) for line in night.lines] == [
        ("night", 1),
        ("night-deputy", 2),
        ("off", None),
    ]


def test_by_night_the_emergency_team_is_enough_and_by_day_the_social_worker() -> None:
    assert directory(ROTA, {}, TUESDAY_NIGHT).unheld == ()
    without_night = [each for each in ROTA if each.role != "duty.emergency-team"]
    assert directory(without_night, {}, TUESDAY_NOON).unheld == ()
    assert directory(without_night, {}, TUESDAY_NIGHT).unheld == (
        ("kestrel", ("duty.social-worker", "duty.emergency-team")),
    )


def test_a_role_that_nobody_holds_at_all_is_missed_too() -> None:
    shown = directory([each for each in ROTA if each.role != "duty.head-of-service"], {}, TUESDAY_NOON)
    assert shown.unheld == (("kestrel", ("duty.head-of-service",)),)


@pytest.mark.parametrize(
    ("contact", "doubt"),
    [
        (WELL, None),
        (Contact(), Doubt.NEVER_REACHED),
        (replace(WELL, answered_at=None), Doubt.UNVERIFIED),
        (replace(WELL, answered_at=TUESDAY_NOON - timedelta(days=39)), None),
        (replace(WELL, answered_at=TUESDAY_NOON - timedelta(days=41)), Doubt.UNVERIFIED),
        (Contact(reached_at=TUESDAY_NIGHT - timedelta(days=91)), Doubt.STALE),
        (replace(WELL, failed_at=TUESDAY_NIGHT, failure="gone"), Doubt.FAILING),
        (replace(WELL, failed_at=TUESDAY_NOON - timedelta(hours=1), failure="gone"), None),
        (Contact(failed_at=TUESDAY_NIGHT, failure="gone"), Doubt.FAILING),
    ],
)
def test_why_a_contact_is_in_doubt(contact: Contact, doubt: Doubt | None) -> None:
    shown = directory([listed("duty.senior-manager", "manager")], {"manager": contact}, TUESDAY_NIGHT)
    assert shown.duty[0].lines[0].doubt == doubt
    assert shown.doubtful == (doubt is not None)


def test_somebody_without_a_number_or_an_address_cannot_be_reached_whatever_was_before() -> None:
    nowhere = replace(listed("duty.senior-manager", "manager"), has_mobile=False)
    assert directory([nowhere], {"manager": WELL}, TUESDAY_NIGHT).duty[0].lines[0].doubt is Doubt.NO_WAY


def test_people_of_one_child_are_listed_by_its_code_and_hold_no_duty_of_the_authority() -> None:
    shown = directory([listed("child.social-worker", "worker", code="K11")], {}, TUESDAY_NOON)
    assert (shown.duty, shown.unheld) == ((), ())
    assert [line.listed.code for line in shown.of_children] == ["K11"]


def test_a_person_of_several_roles_is_one_contact_in_doubt() -> None:
    shown = directory([*ROTA, listed("duty.senior-manager", "night", 2)], {}, TUESDAY_NIGHT)
    assert shown.doubtful == len({each.person for each in ROTA})
