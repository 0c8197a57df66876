"""The main story through the real stack: a text on a phone, a notice at a desk, and everybody told who must be."""

import re
from typing import Any

import psycopg
import pytest

from tests.support.outside.world import World

pytestmark = pytest.mark.stack

LAPWINGS_DUTY_PHONES = ("+447700900301", "+447700900302", "+447700900303")
"""By day, out of hours, and the manager: the last human."""


def _news(world: World, number: str, before: list[str], words: str) -> str:
    """The text with these words that this phone has got since."""

    def got() -> str | None:
        return next((body for body in world.texts_to(number)[len(before) :] if words in body), None)

    found = world.eventually(got)
    assert found is not None
    return found


def _status(world: World, number: str) -> str:
    before = world.texts_to(number)
    world.text(number, "STATUS")
    return _news(world, number, before, "duty team")


def _notices(world: World, carer: str, about: str) -> list[dict[str, Any]]:
    return [notice for notice in world.notices(carer) if notice["body"]["data"]["about"] == about]


def _is_back_to_carers(world: World, episode: str) -> bool:
    """They hear of it after police: a busy machine takes seconds."""
    with psycopg.connect(world.stack.admin_url) as connection:
        found = connection.execute("SELECT state FROM carers.standings WHERE episode = %s", (episode,)).fetchone()
    return found == ("returned",)


def test_missing_reaches_the_right_desk_and_the_carer_is_told_what_was_done(world: World) -> None:
    carer = "+447700900104"
    before = world.texts_to(carer)
    world.text(carer, "MISSING")
    (notice,) = world.eventually(lambda: _notices(world, carer, "missing"))
    assert (notice["force"], notice["body"]["type"]) == ("northmoor-police", "missing-notice.new")
    assert notice["body"]["data"]["risk"]["presumed"] == "high"
    reply = _news(world, carer, before, " recorded as missing")
    report = _news(world, carer, before, "Our alert has left here")
    for text in (reply, report):
        assert len(text) <= 160
        assert "999" in text
        assert "101" in text
    world.eventually(lambda: "police say they have it" in _status(world, carer))


def test_what_the_carer_texts_next_reaches_police_as_answers_to_what_they_ask(world: World) -> None:
    carer = "+447700900101"
    before = world.texts_to(carer)
    world.text(carer, "C13 MISSING")
    (notice,) = world.eventually(lambda: _notices(world, carer, "missing"))
    assert notice["body"]["data"]["report"]["clothing"] == "unknown"
    assert "Ring 101 now" in _news(world, carer, before, "Our alert has left here")
    world.text(carer, "Green anorak, white trainers. He was outside the library")
    (update,) = world.eventually(lambda: _notices(world, carer, "new-information"))
    report = update["body"]["data"]["report"]
    assert (report["clothing"], report["last_seen_place"]) == (
        "Green anorak, white trainers",
        "He was outside the library",
    )
    assert update["body"]["data"]["episode"] == notice["body"]["data"]["episode"]


def test_back_tells_everyone_who_was_told_and_a_mistaken_back_can_be_taken_back(world: World) -> None:
    carer = "+447700900109"
    world.text(carer, "MISSING")
    (notice,) = world.eventually(lambda: _notices(world, carer, "missing"))
    before = world.texts_to(carer)
    world.confirm(carer, "back")
    (returned,) = world.eventually(lambda: _notices(world, carer, "returned"))
    assert returned["body"]["data"]["refers_to"] == notice["id"]
    assert returned["body"]["data"]["episode"] == notice["body"]["data"]["episode"]
    _news(world, carer, before, "NOT BACK")
    world.eventually(lambda: _is_back_to_carers(world, notice["body"]["data"]["episode"]))
    world.text(carer, "Not back, sorry, that was her sister")
    (withdrawn,) = world.eventually(lambda: _notices(world, carer, "return-withdrawn"))
    assert withdrawn["body"]["data"]["episode"] == notice["body"]["data"]["episode"]


def test_two_carers_of_one_child_make_one_episode(world: World) -> None:
    first, second = "+447700900102", "+447700900103"
    world.text(first, "MISSING")
    world.eventually(lambda: _notices(world, first, "missing"))
    before = world.texts_to(second)
    world.text(second, "elin still not home and her phone is off, she is missing")
    _news(world, second, before, "Our alert has left here")
    notices = world.notices(first)
    assert len({notice["body"]["data"]["episode"] for notice in notices}) == 1
    assert len([notice for notice in notices if notice["body"]["type"] == "missing-notice.new"]) == 1


def test_a_home_with_six_children_is_asked_which_one_after_police_have_been_told(world: World) -> None:
    worker = "+447700900107"
    before = world.texts_to(worker)
    world.text(worker, "one of the boys has not come back")
    (notice,) = world.eventually(lambda: _notices(world, worker, "missing"))
    assert notice["body"]["data"]["child"] is None
    assert len(notice["body"]["data"]["candidates"]) == 6
    assert "Which child is it?" in _news(world, worker, before, "Recorded")
    world.text(worker, "It's Bao")
    of_it = notice["body"]["data"]["episode"]

    def named() -> list[dict[str, Any]]:
        return [
            each for each in world.notices(worker) if (each["body"]["data"]["child"] or {}).get("name") == "Bao Nguyen"
        ]

    updates = world.eventually(named)
    assert {(each["body"]["type"], each["body"]["data"]["episode"]) for each in updates} == {
        ("missing-notice.update", of_it)
    }


def test_a_stranger_learns_nothing(world: World) -> None:
    stranger = "+447700900401"
    before = world.texts_to(stranger)
    world.text(stranger, "where is Idris Yonas living now")
    answer = _news(world, stranger, before, "999")
    assert not re.search(r"Idris|Yonas|child|carer|care\b", answer)


def test_a_silent_desk_and_silent_staff_are_escalated_to_the_last_human(world: World) -> None:
    carer, manager = "+447700900300", LAPWINGS_DUTY_PHONES[-1]
    before = world.texts_to(manager)
    for phone in LAPWINGS_DUTY_PHONES:
        world.phone_answers(phone, answers=False)
    world.desk("southvale-police", acknowledges=False)
    try:
        world.text(carer, "MISSING")
        world.eventually(lambda: _notices(world, carer, "missing"))
        assert world.texts_to(manager) == before
        world.forward("31m")
        _news(world, manager, before, "Reply OK")
        assert world.eventually(lambda: len(world.texts_to(manager)) - len(before) >= 2), (
            "for the desk, and for the duty worker"
        )
    finally:
        world.desk("southvale-police", mode="normal")
        for phone in LAPWINGS_DUTY_PHONES:
            world.phone_answers(phone, answers=True)


def test_an_officer_of_a_force_without_an_api_acknowledges_on_the_page_behind_a_mail(world: World) -> None:
    carer = "+447700900310"
    world.text(carer, "MISSING")
    world.eventually(lambda: "police say they have it" in _status(world, carer))
    assert _notices(world, carer, "missing") == []
    world.confirm(carer, "BACK")


def test_a_force_with_anothers_certificate_is_sent_nothing_and_a_duty_worker_is_told_to_ring_it(world: World) -> None:
    carer = "+447700900311"
    before = {phone: world.texts_to(phone) for phone in LAPWINGS_DUTY_PHONES}
    world.text(carer, "MISSING")

    def told() -> list[str]:
        texts = [text for phone, had in before.items() for text in world.texts_to(phone)[len(had) :]]
        return [text for text in texts if "NOT reached police" in text]

    world.eventually(told)  # at once, and not when the minute is over
    assert [each for each in world.notices() if each["force"] == "eastmoor-police"] == []
    world.confirm(carer, "BACK")


def test_the_console_shows_who_has_been_told_and_what_comes_next(world: World) -> None:
    page = world.eventually(lambda: world.console.get("/").text)
    assert "missing" in page.lower()
    assert not re.search(r"Haidari|Noorzai|Ashworth|\+4477", page)
