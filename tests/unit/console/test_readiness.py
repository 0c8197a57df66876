"""What an authority still lacks before it can go live."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.options.register_upkeep.credentials import WRITABLE
from services.options.set_up.readiness import NEEDED, Facts, ForceFacts, checks
from services.options.set_up.service import TABLES
from tests.unit.console.test_directory import ROTA, listed

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
FORCE = ForceFacts("northmoor", is_reached=True, has_api=True, is_agreed=True)
READY = Facts(
    has_duty_line=True,
    credentials=1,
    imported=dict.fromkeys(NEEDED, NOW - timedelta(hours=50)),
    rota=tuple(ROTA),
    managers=2,
    is_signed_in_by_provider=False,
    forces=(FORCE,),
    exercised={"text", "email", "webhook"},
)


def test_nothing_is_lacking_where_all_is_there() -> None:
    assert [each.name for each in checks(READY, NOW) if not each.is_met] == []


@pytest.mark.parametrize(
    ("changed", "name", "lacking"),
    [
        ({"has_duty_line": False}, "duty-line", ("duty_line",)),
        ({"credentials": 0}, "credential", ("credential",)),
        ({"imported": {**READY.imported, "carers": NOW - timedelta(hours=52)}}, "register", ("carers",)),
        ({"imported": {}}, "register", NEEDED),
        ({"rota": ()}, "rota", ("directory",)),
        ({"managers": 1}, "sign-in", ("1 of 2",)),
        ({"forces": ()}, "forces", ("placements",)),
        ({"forces": (replace(FORCE, is_reached=False),)}, "forces", ("northmoor",)),
        ({"forces": (FORCE, replace(FORCE, force="other", is_agreed=False))}, "agreements", ("other",)),
        ({"exercised": {"text"}}, "channels", ("email", "webhook")),
    ],
)  # fmt: skip
def test_what_is_lacking_is_named(changed: dict[str, Any], name: str, lacking: tuple[str, ...]) -> None:
    [check] = [each for each in checks(replace(READY, **changed), NOW) if not each.is_met]
    assert (check.name, check.lacking) == (name, lacking)


def test_of_the_rota_the_first_hour_is_named_that_nobody_holds() -> None:
    rota = (*ROTA[3:], listed("duty.emergency-team", "night", by_day=True))
    [check] = [each for each in checks(replace(READY, rota=rota), NOW) if not each.is_met]
    unheld = datetime(2026, 11, 27, 17, tzinfo=UTC), ("duty.social-worker", "duty.emergency-team")
    assert (check.name, check.lacking, check.unheld) == ("rota", (), unheld)


@pytest.mark.parametrize(
    "changed",
    [
        {"managers": 0, "is_signed_in_by_provider": True},
        {"forces": (replace(FORCE, has_api=False),), "exercised": {"text", "email"}},
    ],
    ids=["an organisation signs staff in", "a force without an API"],
)
def test_what_takes_the_place_of_another_is_enough(changed: dict[str, Any]) -> None:
    assert all(each.is_met for each in checks(replace(READY, **changed), NOW))


def test_what_the_console_makes_writes_every_table_that_casework_takes() -> None:
    """No service imports another, so each has the list."""
    assert set(TABLES) == set(WRITABLE)
