"""What a call reads out: a text of ours, in its language, its code letter by letter."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from infra.sandbox.calls import action_of, words_of
from services.carers import messages as carers
from services.platform.delivery.channels.sms import twiml
from services.professionals import wording as professionals
from services.safeguarding.roles import Wording
from tests.support.cases import try_each

TWILIO_TAKES = 4000
KEYS = "https://texts.kestrel.example/professionals/calls/keys?delivery=6f0d9a52-5a39-5d0b-9a2e-0f4f0c1f7a11"


def every_text() -> Iterator[tuple[str, str]]:
    for language in carers.LANGUAGES:
        for wording, body in carers.templates(language)["alerts"].items():
            yield language, f"{body} (4K7PX) {wording}"
    for name, spoken in professionals.TEXT_LANGUAGES.items():
        for wording in spoken.texts:
            yield name, spoken.write(wording, "4K7PX", child=None, exercise=False)


@pytest.mark.parametrize("keys", [None, KEYS])
def test_each_text_is_read_in_its_own_language_twice_and_fits_a_request(keys: str | None) -> None:
    def holds(text: tuple[str, str]) -> None:
        language, body = text
        written = twiml(body, keys)
        assert len(written) <= TWILIO_TAKES
        said = list(ET.fromstring(written).iter("Say"))  # noqa: S314 - written by us
        assert {each.get("language") for each in said} == {f"{language}-GB"}
        assert len(said) == 2
        assert said[0].text == said[1].text

    try_each(every_text(), holds)


def test_the_code_and_the_emergency_number_are_said_one_by_one() -> None:
    assert "4, K, 7, P, X" in words_of(twiml("Ring 999. OK 4K7PX"))
    assert "9 9 9" in words_of(twiml("Ring 999. OK 4K7PX"))


def test_a_control_room_hears_that_it_is_a_code_as_it_says_letters_itself_and_of_no_text_before() -> None:
    said = words_of(twiml("Safe Return: MK7V2 opens the notice. Give it only to the officer who asked for it."))
    assert "with a code for the control room" in said
    assert "Mike, Kilo, 7, Victor, 2. I say again: Mike, Kilo, 7, Victor, 2. It opens the notice" in said
    assert "may not have reached you" not in said


def test_key_1_says_what_the_text_asks_for_in_either_language() -> None:
    asked = [carers.write_alert(Wording("check-in"), each, "4K7PX", exercise=False) for each in carers.LANGUAGES]
    for body in asked:
        said = words_of(twiml(body, KEYS))
        assert " OK" in said.split("4, K, 7, P, X")[0]
        assert re.search(r"(Press|Pwyswch) 1 (to answer|i ateb) OK\.", said)


def test_what_xml_would_read_as_its_own_is_said_as_words() -> None:
    assert words_of(twiml("A & B <C>")).endswith("A & B <C>")


@pytest.mark.parametrize("body", ["Ring & say <C> " * 400, "&" * 5000, "ŵ" * 5000])
@pytest.mark.parametrize("keys", [None, KEYS])
def test_what_is_too_long_for_a_request_is_cut_among_its_words(body: str, keys: str | None) -> None:
    written = twiml(body, keys)
    assert len(written) <= TWILIO_TAKES
    assert (action_of(written, "Gather"), "Press 9" in written or "Pwyswch 9" in written) == (keys, keys is not None)
    first, second = ET.fromstring(written).iter("Say")  # noqa: S314 - written by us
    assert first.text == second.text
    assert first.text is not None
    assert body[:100] in first.text


def test_a_link_is_not_read_out() -> None:
    assert "http" not in words_of(twiml("Safe Return C17: an interview is due. https://sr.example/d/4K7PXAbcdefghijk"))
