"""No text, mail or line of the console says that somebody was reached, when that is only on its way or has failed."""

import re

import pytest
import yaml

from services.console.web.templates import MESSAGES
from services.professionals.wording import MAIL_LANGUAGES as MAILS
from services.professionals.wording import TEXT_LANGUAGES as TEXTS
from services.safeguarding.roles import Wording
from tests.support.cases import try_each

DONE = {
    "en": re.compile(r"\b(was|were|been) (told|sent|mailed|invited|passed on)\b|\bwent out\b"),
    "cy": re.compile(
        r"\b(cafodd|gafodd) (yr heddlu )?wybod\b|\banfonwyd\b|\ba wahoddwyd\b|\bdywedwyd wrth", re.IGNORECASE
    ),
}
TRULY_DONE = {
    # Goes to those alone who were told of the child before, or may have been.
    Wording("missing-update"),
    Wording("located-notice"),
    Wording("returned-notice"),
    Wording("return-withdrawn-notice"),
    Wording("report-retracted-notice"),
    # Says of nobody that they were reached.
    Wording("location-enquiry"),
    Wording("advocacy-due"),
    Wording("dead-letter"),
    Wording("parents-decision-due"),
    # Of a letter that somebody else has sent.
    Wording("appeal-date-unknown"),
    # Of a discussion that has been held, or of somebody who has answered.
    Wording("strategy-record-missing"),
    Wording("strategy-counter-proposed"),
    Wording("plan-step-set"),
}
LANGUAGES = sorted(DONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_claims_what_may_not_be_so(language: str) -> None:
    said = {each: f"{mail.subject} {mail.says}" for each, mail in MAILS[language].mails.items()}
    try_each(said.keys() - TRULY_DONE, lambda each: DONE[language].search(said[each]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_claims_what_may_not_be_so(language: str) -> None:
    truly = {Wording("advocacy-due"), Wording("appeal-date-unknown"), Wording("dead-letter")}
    said = TEXTS[language].texts
    try_each(said.keys() - truly, lambda each: DONE[language].search(said[each]))


@pytest.mark.parametrize("wording", [Wording("police-not-acknowledged"), Wording("not-acknowledged")])
def test_whoever_follows_hears_that_the_one_before_may_not_have_been_reached(wording: Wording) -> None:
    for said in (TEXTS["en"].texts[wording], MAILS["en"].mails[wording].says):
        assert re.search("may not have it|was not reached|[Nn]obody has answered", said)


def test_the_mail_about_gaps_sends_its_reader_to_where_it_is_seen_whether_police_have_the_notice() -> None:
    assert "whether police have the notice" in MAILS["en"].mails[Wording("notice-has-gaps")].says


def test_the_console_names_no_telling_as_one_that_has_arrived() -> None:
    content = yaml.safe_load((MESSAGES / "en.yaml").read_text())
    wordings = content["fields"]["wording"]
    arrived = re.compile(r"^Carers told|^Duty handed over|have been told$")
    assert {each for each, said in wordings.items() if arrived.search(said)} == set()
    assert not DONE["en"].search(content["acts"]["police.notice-has-gaps"])
