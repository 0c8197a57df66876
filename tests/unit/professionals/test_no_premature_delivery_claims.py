"""No text, mail or line of the console says that somebody was reached, when that is only on its way or has failed."""

import re

import pytest
import yaml

from services.console.web.wording import MESSAGES
from services.professionals.email_wording import LANGUAGES as MAILS
from services.professionals.sms_wording import LANGUAGES as TEXTS
from services.safeguarding.roles import Wording

DONE = {
    "en": re.compile(r"\b(was|were|been) (told|sent|mailed|invited|passed on)\b|\bwent out\b"),
    "cy": re.compile(
        r"\b(cafodd|gafodd) (yr heddlu )?wybod\b|\banfonwyd\b|\ba wahoddwyd\b|\bdywedwyd wrth", re.IGNORECASE
    ),
}
TRULY_DONE = {
    # Goes to those alone who were told of the child before, or may have been.
    Wording.MISSING_UPDATE,
    Wording.LOCATED_NOTICE,
    Wording.RETURNED_NOTICE,
    Wording.RETURN_WITHDRAWN_NOTICE,
    Wording.REPORT_RETRACTED_NOTICE,
    # Says of nobody that they were reached.
    Wording.REPORT_LATE,
    Wording.LOCATION_ENQUIRY,
    Wording.ADVOCACY_DUE,
    Wording.DEAD_LETTER,
    Wording.PARENTS_DECISION_DUE,
    # Of a letter that somebody else has sent.
    Wording.APPEAL_DATE_UNKNOWN,
    # Of a discussion that has been held, or of somebody who has answered.
    Wording.STRATEGY_RECORD_MISSING,
    Wording.STRATEGY_COUNTER_PROPOSED,
    Wording.PLAN_STEP_SET,
}
LANGUAGES = sorted(DONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_claims_what_may_not_be_so(language: str) -> None:
    said = {each: f"{mail.subject} {mail.says}" for each, mail in MAILS[language].mails.items()}
    assert {each for each in said.keys() - TRULY_DONE if DONE[language].search(said[each])} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_claims_what_may_not_be_so(language: str) -> None:
    truly = {Wording.REPORT_LATE, Wording.ADVOCACY_DUE, Wording.APPEAL_DATE_UNKNOWN, Wording.DEAD_LETTER}
    said = TEXTS[language].texts
    assert {each for each in said.keys() - truly if DONE[language].search(said[each])} == set()


@pytest.mark.parametrize("wording", [Wording.POLICE_NOT_ACKNOWLEDGED, Wording.NOT_ACKNOWLEDGED])
def test_whoever_follows_hears_that_the_one_before_may_not_have_been_reached(wording: Wording) -> None:
    for said in (TEXTS["en"].texts[wording], MAILS["en"].mails[wording].says):
        assert re.search("may not have it|was not reached|[Nn]obody has answered", said)


def test_the_mail_about_gaps_sends_its_reader_to_where_it_is_seen_whether_police_have_the_notice() -> None:
    assert "whether police have the notice" in MAILS["en"].mails[Wording.NOTICE_HAS_GAPS].says


def test_the_console_names_no_telling_as_one_that_has_arrived() -> None:
    content = yaml.safe_load((MESSAGES / "en.yaml").read_text())
    wordings = content["fields"]["wording"]
    arrived = re.compile(r"^Carers told|^Duty handed over|have been told$")
    assert {each for each, said in wordings.items() if arrived.search(said)} == set()
    assert not DONE["en"].search(content["acts"]["police.notice-has-gaps"])
