"""What is said and not proved is told as that: no text or mail to a professional, and none to a carer, says that it is so."""

import re

import pytest

from services.carers import messages as carers
from services.professionals.wording import MAIL_LANGUAGES, TEXT_LANGUAGES
from services.protocol.checks.rule_checks import UNPROVEN, WORDINGS
from services.protocol.loader import Library, files
from services.safeguarding.roles import CARERS, Channel, Wording

PROTOCOL = Library(files()).current("northshire")
SAID_ONLY = re.compile(
    r"not (?:yet )?confirmed|not confirmed|nobody vouches|nobody who may say so|disputed|nobody can vouch|everyone still searches",
    re.IGNORECASE,
)
DYWEDIR = re.compile(
    r"heb (?:ei )?gadarnhau|nid yw(?:'n sicr| wedi'i gadarnhau| neb)|amau|ni all neb|dal i chwilio", re.IGNORECASE
)
"""The same in Welsh."""
AS_A_FACT = re.compile(
    r"\b(?:child|she|he|they) (?:is|are|was|were) (?:now )?(?:back|found|returned|located|safe|never missing)\b"
)
WHOSE = re.compile(
    r"(?:says?|texted|said|is) that a (?:missing )?child is back|whether the child is back|Is a missing child back"
)
"""Somebody's saying, or a question: that is no statement of ours."""

NEAR = re.compile(r"\bsoon\b|\byn fuan\b")


def _said() -> set[tuple[bool, Wording]]:
    """Everything that a rule set off by something unproven says, but for who has not answered; and whether it is said to carers."""
    said = set()
    for rule in PROTOCOL.rules:
        if not set(rule.on) & UNPROVEN:
            continue
        assert set(rule.on) <= UNPROVEN, f"{rule.id} says one thing of what is proven and what is not"
        steps = [(each.tell, each.message or rule.message) for each in rule.otherwise if each.tell is not None]
        for role, wording in [(rule.tell, rule.message), *steps]:
            if wording not in WORDINGS.escalations and rule.by != Channel.WEBHOOK:
                said.add((role in CARERS, wording))
    return said


SAID = sorted(_said())


def _words(wording: Wording, language: str, *, to_carers: bool) -> list[str]:
    if to_carers:
        return [carers.templates(language)["alerts"][wording]]
    mail = MAIL_LANGUAGES[language].mails[wording]
    return [TEXT_LANGUAGES[language].texts[wording], f"{mail.subject}. {mail.says}"]


def test_there_is_something_to_look_at() -> None:
    assert {wording for _, wording in SAID} >= {
        Wording("return-claimed-notice"),
        Wording("retraction-claimed-notice"),
        Wording("location-claimed-notice"),
        Wording("return-unconfirmed"),
        Wording("confirm-return"),
        Wording("return-unverified"),
    }


@pytest.mark.parametrize(("to_carers", "wording"), SAID)
def test_each_says_that_it_is_not_confirmed_and_nothing_as_a_fact(to_carers: bool, wording: Wording) -> None:
    for says in _words(wording, "en", to_carers=to_carers):
        assert SAID_ONLY.search(says), says
        assert not AS_A_FACT.search(WHOSE.sub("", says)), says


@pytest.mark.parametrize(("to_carers", "wording"), SAID)
def test_each_says_so_in_welsh(to_carers: bool, wording: Wording) -> None:
    for says in _words(wording, "cy", to_carers=to_carers):
        assert DYWEDIR.search(says), says


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_what_must_be_done_in_time_is_not_said_to_be_near_since_it_may_come_after_that(language: str) -> None:
    in_time = {rule.message for rule in PROTOCOL.rules if rule.latest is not None}
    said = [words for wording in in_time for words in _words(wording, language, to_carers=False)]
    assert Wording("return-interview-near") in in_time
    assert [words for words in said if NEAR.search(words)] == []
