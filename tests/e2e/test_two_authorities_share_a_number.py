"""Two authorities that share a carer's number, a home and a force, through the real stack: neither child is reported as the other's."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from infra.local.stack import Stack
from tests.support.outside.world import AGREED, World, settle

pytestmark = pytest.mark.stack

CARER = "+447700900781"
"""Of a foster home in which each authority has placed a child of its own: both codes are C71 in one case, and unlike in the others."""
EAST, WEST = "eastmere", "westmere"
DUTY = {EAST: "+447700900782", WEST: "+447700900783"}
NAMES = {EAST: ("Tirhas Abay", "Meron Abay"), WEST: ("Sofya Danek", "Ilya Danek")}
CODES = {EAST: ("C71", "C72"), WEST: ("C71", "C73")}
OUR_CODE = re.compile(r"\bOK ([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")


@pytest.fixture(scope="module", autouse=True)
def _settled(stack: Stack) -> None:
    for each in (EAST, WEST):
        settle(stack, _authority(stack, each))


def _authority(stack: Stack, name: str) -> dict[str, Any]:
    hours = {"days": "every-day", "from": "00:00", "to": "00:00", "bank_holidays": True}
    return {
        "authority": {"id": name, "name": f"{name.title()} Council", "duty_line": "+441632960191"},
        "sharing_agreements": AGREED,
        "placements": [
            {
                "reference": "home",
                "kind": "foster",
                "address": "1 Shared Lane, Moorford",
                "force": "northmoor-police",
                "host_authority": EAST,
            }
        ],
        "people": [
            {"reference": "carer", "name": "Shared Carer", "mobile": CARER, "email": None, "language": "en"},
            {"reference": "duty", "name": "Duty Worker", "mobile": DUTY[name], "email": None, "language": "en"},
        ],
        "carers": [{"person": "carer", "placement": "home"}],
        "children": [_child(code, child) for code, child in zip(CODES[name], NAMES[name], strict=True)],
        "directory": [
            {"role": role, "person": "duty", "order": 1, "child": None} | hours
            for role in ("duty.emergency-team", "duty.social-worker", "duty.senior-manager")
        ],
        "agencies": [],
    }


def _child(code: str, name: str) -> dict[str, Any]:
    unknown = dict.fromkeys(("modern_slavery_concern", "description"))
    return unknown | {
        "reference": code,
        "code": code,
        "name": name,
        "known_as": [],
        "sex": "female",
        "date_of_birth": "2010-05-01",
        "placement": "home",
        "unaccompanied": True,
        "subject_to_immigration_control": True,
        "age_disputed": False,
        "guardian_allocated": False,
        "entered_care_at": "2026-09-02T14:20:00Z",
        "language": "ti",
    }


def _names(notice: dict[str, Any]) -> set[str]:
    """Whom it may be about."""
    data = notice["body"]["data"]
    return {each["name"] for each in [*data["candidates"], *([data["child"]] if data["child"] else [])]}


def _notices(world: World, before: Sequence[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """The desk's since, that are about exactly these children."""
    had = {each["id"] for each in before}
    return [each for each in world.notices(CARER) if each["id"] not in had and _names(each) == set(names)]


def _news(world: World, number: str, before: Sequence[str], words: str) -> str:
    def got() -> str | None:
        return next((body for body in world.texts_to(number)[len(before) :] if words in body), None)

    found = world.eventually(got)
    assert found is not None
    return found


def test_who_is_not_named_is_reported_to_both_and_the_answer_takes_nothing_back_from_the_other(world: World) -> None:
    before, texts = world.notices(CARER), {number: world.texts_to(number) for number in (CARER, *DUTY.values())}
    world.text(CARER, "one of the children has not come back, MISSING")
    (east,) = world.eventually(lambda: _notices(world, before, *NAMES[EAST]))
    (west,) = world.eventually(lambda: _notices(world, before, *NAMES[WEST]))
    assert east["force"] == west["force"] == "northmoor-police"
    assert east["body"]["data"]["episode"] != west["body"]["data"]["episode"]
    assert "Which child is it?" in _news(world, CARER, texts[CARER], "Recorded: a child is missing")
    asked = {name: _news(world, DUTY[name], texts[DUTY[name]], "a child not yet identified") for name in (EAST, WEST)}

    world.text(CARER, "C73")
    named = world.eventually(lambda: _notices(world, before, "Ilya Danek"))
    assert {each["body"]["data"]["episode"] for each in named} == {west["body"]["data"]["episode"]}
    _news(world, DUTY[EAST], texts[DUTY[EAST]], "a text needs a person to read it")
    of_east = [
        each for each in world.notices(CARER) if each["body"]["data"]["episode"] == east["body"]["data"]["episode"]
    ]
    assert {each["body"]["data"]["about"] for each in of_east} <= {"missing", "new-information"}

    code = OUR_CODE.search(asked[EAST])
    assert code is not None
    heard = world.texts_to(DUTY[EAST])
    world.text(DUTY[EAST], f"{code[1]} it is C72")
    assert _news(world, DUTY[EAST], heard, "Recorded: the child is C72")
    found = world.eventually(lambda: _notices(world, before, "Meron Abay"))
    assert {each["body"]["data"]["episode"] for each in found} == {east["body"]["data"]["episode"]}


def test_a_code_that_both_have_reaches_both_with_their_own_child_alone(world: World) -> None:
    before, texts = world.notices(CARER), world.texts_to(CARER)
    world.text(CARER, "MISSING C71")
    (east,) = world.eventually(lambda: _notices(world, before, NAMES[EAST][0]))
    (west,) = world.eventually(lambda: _notices(world, before, NAMES[WEST][0]))
    assert (east["body"]["data"]["child"], west["body"]["data"]["child"]) == (None, None)
    _news(world, CARER, texts, "Several have that code")


def test_duty_staff_report_a_child_of_their_own_authority_and_police_have_the_notice(world: World) -> None:
    before, texts = world.notices(CARER), world.texts_to(DUTY[WEST])
    world.text(DUTY[WEST], "MISSING C71")
    (notice,) = world.eventually(lambda: _notices(world, before, NAMES[WEST][0]))
    assert notice["body"]["data"]["child"]["name"] == NAMES[WEST][0]
    assert notice["body"]["data"]["about"] == "missing"
    _news(world, DUTY[WEST], texts, "C71 is recorded as missing")
    world.text(DUTY[WEST], "MISSING C72")
    _news(world, DUTY[WEST], texts, "No child you may name has that code")
    assert _notices(world, before, NAMES[EAST][1]) == []
