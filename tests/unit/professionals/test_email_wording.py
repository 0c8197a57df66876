"""The mails to professionals: thin, in both languages, with nothing of a child in them."""

import re
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from services.platform.delivery.channels.email import EmailContent
from services.professionals.sender import MailSender
from services.professionals.wording import MAIL_LANGUAGES
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import ON_DUTY, Role, Wording
from tests.support.cases import try_each
from tests.support.in_process.delivery import received
from tests.unit.professionals.test_sms_wording import CARERS_ALONE, INVITATIONS_ALONE, POLICE_ALONE, TELLING_WORDS

SW = Role.CHILD_SOCIAL_WORKER
LINK = "https://x.example/acknowledge/AbC"


def mail_of(language: str, wording: Wording) -> EmailContent:
    told = [(wording, "4K7PX", SW)]
    return MAIL_LANGUAGES[language].email(told, link=LINK, duty_line="+441632960100", exercise=False)


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_no_mail_says_who_or_what_the_child_is(language: str) -> None:
    def holds(wording: Wording) -> None:
        letter = mail_of(language, wording)
        said = " ".join((letter.subject, *letter.paragraphs, *letter.small))
        assert not TELLING_WORDS.search(said) or wording is Wording("nrm-check-due")
        assert re.search(r"\b(he|she|his|her|boy|girl)\b", said) is None

    try_each(MAIL_LANGUAGES[language].mails, holds)


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_every_mail_says_whom_to_ring_and_by_what_code(language: str) -> None:
    def holds(wording: Wording) -> None:
        letter = mail_of(language, wording)
        assert "+441632960100" in letter.paragraphs[1]
        assert "4K7PX" in letter.paragraphs[1]
        assert letter.subject.endswith("(4K7PX)")

    try_each(MAIL_LANGUAGES[language].mails, holds)


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_an_exercise_is_marked_in_subject_and_words(language: str) -> None:
    spoken = MAIL_LANGUAGES[language]
    letter = spoken.email([(Wording("missing-notice"), "4K7PX", SW)], link=LINK, duty_line=None, exercise=True)
    assert letter.subject.startswith(spoken.exercise)
    assert letter.paragraphs[0].startswith(spoken.exercise)


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_every_wording_that_professionals_may_be_told_has_a_mail(language: str) -> None:
    assert set(MAIL_LANGUAGES[language].mails) == set(Wording) - CARERS_ALONE - INVITATIONS_ALONE - POLICE_ALONE


@pytest.mark.parametrize("language", sorted(MAIL_LANGUAGES))
def test_a_mail_of_several_names_each_with_its_code_and_its_words(language: str) -> None:
    spoken = MAIL_LANGUAGES[language]
    wordings = (Wording("approaching-18"), Wording("leave-expiring"), Wording("watch-opened"))
    matters = [(each, code, SW) for each, code in zip(wordings, ("4K7PX", "9ZZ22", "4K7PX"), strict=True)]
    letter = spoken.email(matters, link=LINK, duty_line="+441632960100", exercise=False)
    assert letter.subject.endswith("(4K7PX, 9ZZ22)")
    assert letter.subject.startswith(f"{spoken.mails[Wording('approaching-18')].subject}, a")
    assert "2" in letter.subject
    said = [f"{code}: {spoken.says(wording, SW)}" for wording, code, _ in matters]
    assert [each for each in letter.paragraphs if each in said] == said


@pytest.mark.parametrize(
    ("language", "wording", "says"),
    [
        ("en", Wording("left-care"), "A personal adviser must be appointed"),
        ("cy", Wording("left-care"), "Rhaid penodi cynghorydd personol"),
        ("en", Wording("turned-18"), "one must be appointed"),
        ("cy", Wording("turned-18"), "rhaid penodi un"),
        (
            "en",
            Wording("approaching-18"),
            "the personal adviser, where the young person will live, the risk of going missing",
        ),
        (
            "cy",
            Wording("approaching-18"),
            "cynghorydd personol, ble bydd y person ifanc yn byw a'r perygl o fynd ar goll",
        ),
    ],
)
def test_mails_about_coming_of_age_say_what_the_guidance_asks(language: str, wording: Wording, says: str) -> None:
    assert says in MAIL_LANGUAGES[language].mails[wording].says


@pytest.mark.parametrize(("language", "carer"), [("en", "carer"), ("cy", "gofalwr")])
def test_whoever_advises_a_child_at_raised_risk_is_not_asked_to_brief_the_carer(language: str, carer: str) -> None:
    assert carer in MAIL_LANGUAGES[language].mails[Wording("watch-opened")].says
    assert carer not in MAIL_LANGUAGES[language].mails[Wording("watch-known")].says


@pytest.mark.parametrize(
    ("role", "says"),
    [
        (Role.CHILD_SOCIAL_WORKER, "a child whose social worker you are is at"),
        (Role.CHILD_LEGAL_ADVISER, "a child whose legal adviser you are is at"),
        (Role.HOME_OFFICE_CASEWORKER, "a child you work with is at"),
    ],
)
def test_a_mail_says_what_its_reader_is_to_the_child(role: Role, says: str) -> None:
    letter = MAIL_LANGUAGES["en"].email(
        [(Wording("watch-opened"), "4K7PX", role)], link=LINK, duty_line=None, exercise=False
    )
    assert says in letter.paragraphs[0].lower()
    assert "101" in letter.paragraphs[1], "where no line is known, a number that answers at any hour"


def test_the_mail_about_a_referral_names_it_and_says_that_no_consent_is_needed() -> None:
    says = MAIL_LANGUAGES["en"].mails[Wording("nrm-check-due")].says
    assert all(word in says for word in ("National Referral Mechanism", "trafficking", "consent is not needed"))


EPISODE, DUTY = uuid4(), uuid4()
CASE = "https://console.example/episodes/6f0d9a52-5a39-5d0b-9a2e-0f4f0c1f7a11"


@pytest.mark.parametrize("role", sorted(ON_DUTY))
@pytest.mark.parametrize(
    ("language", "do", "team"), [("en", "To do now:", "duty team"), ("cy", "I'w wneud nawr:", "tîm dyletswydd")]
)
def test_a_mail_to_whoever_is_on_duty_says_first_what_to_do_and_opens_the_case(
    language: str, do: str, team: str, role: Role
) -> None:
    def holds(wording: Wording) -> None:
        told = [(wording, "4K7PX", role)]
        letter = MAIL_LANGUAGES[language].email(told, link=LINK, duty_line="+441632960100", exercise=False, case=CASE)
        assert letter.paragraphs[0].startswith(do)
        assert "4K7PX" in letter.paragraphs[0]
        assert (letter.link, letter.second[1]) == (CASE, LINK)
        said = " ".join((*letter.paragraphs, *letter.small))
        assert team not in said
        assert "+441632960100" not in said

    try_each(MAIL_LANGUAGES[language].mails, holds)


@pytest.mark.parametrize(
    ("console", "episodes", "opens"),
    [
        ("https://console.example/", [EPISODE], f"https://console.example/episodes/{EPISODE}"),
        ("https://console.example", [EPISODE, EPISODE], f"https://console.example/episodes/{EPISODE}"),
        ("https://console.example", [None], f"https://console.example/duties/{DUTY}"),
        ("https://console.example", [EPISODE, None], "https://console.example/"),
        ("", [EPISODE], ""),
    ],
    ids=["one", "two of one case", "no case", "of several", "no console"],
)
def test_the_button_opens_what_all_matters_of_the_mail_are_about(
    console: str, episodes: list[UUID | None], opens: str
) -> None:
    none = cast("Any", None)
    sender = MailSender(none, none, none, "safe-return@kestrel.example", none, console)
    told = [received(ProfessionalNotify, duty=DUTY, episode=each).content for each in episodes]
    assert sender._case(told) == opens


def test_without_the_consoles_address_the_button_is_the_answer_and_the_code_finds_the_case() -> None:
    told = [(Wording("police-not-reached"), "4K7PX", Role.DUTY_WORKER)]
    letter = MAIL_LANGUAGES["en"].email(told, link=LINK, duty_line=None, exercise=False)
    assert "search for 4K7PX" in letter.paragraphs[0]
    assert (letter.link, letter.second) == (LINK, ("", ""))


def test_nobody_but_whoever_is_on_duty_gets_a_button_to_the_console() -> None:
    letter = MAIL_LANGUAGES["en"].email(
        [(Wording("missing-notice"), "4K7PX", SW)], link=LINK, duty_line=None, exercise=False, case=CASE
    )
    assert (letter.link, letter.second) == (LINK, ("", ""))
