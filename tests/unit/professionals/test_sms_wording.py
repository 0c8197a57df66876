"""The texts to professionals: each one a single segment, thin, and answerable."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from services.platform.delivery.channels.sms import REPEAT_MARK, is_gsm, segments
from services.professionals.wording import MATTERS, TEXT_LANGUAGES, TO_BE_RUNG, load_texts, matter_of
from services.professionals.wording import text_language as spoken
from services.safeguarding.identifiers import CODE_ALPHABET, CODE_LENGTH
from services.safeguarding.roles import Wording
from tests.support.cases import try_each

CARERS_ALONE = {
    Wording("first-days"),
    Wording("code-void"),
    Wording("still-missing-daily"),
    Wording("police-told"),
    Wording("police-answered"),
    Wording("police-not-yet-told"),
    Wording("located-recorded"),
    Wording("missing-said-elsewhere"),
    Wording("return-said-elsewhere"),
    Wording("withdrawn-elsewhere"),
    Wording("return-recorded"),
    Wording("report-came-late"),
    Wording("confirm-return"),
    Wording("please-call-social-worker"),
    Wording("contact-check"),
}
INVITATIONS_ALONE = {Wording("strategy-discussion"), Wording("full-meeting"), Wording("strategy-record")}
POLICE_ALONE = {Wording("confirm-circulation"), Wording("same-child-notice")}
ANSWER = re.compile(r"\bOK ([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")
TELLING_WORDS = re.compile(
    r"\b(asylum|migrant|refugee|traffick|slavery|foster|care home|unaccompanied|immigration)", re.IGNORECASE
)
KEYWORDS_OF_CARRIERS = re.compile(r"\b(STOP|START|YES|HELP|INFO|END|CANCEL|QUIT|UNSUBSCRIBE)\b")
CODE = "W" * CODE_LENGTH


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_every_text_is_one_segment_with_every_mark_before_it(language: str) -> None:
    def holds(wording: Wording) -> None:
        text = REPEAT_MARK + spoken(language).write(wording, CODE, child="C9999", exercise=True)
        assert (is_gsm(text), segments(text)) == (True, 1)

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_a_late_text_says_since_when_and_keeps_the_code_in_two_segments_at_most(language: str) -> None:
    since, late = datetime(2026, 7, 24, 20, 5, tzinfo=UTC), TEXT_LANGUAGES[language].late.format(at="21:05")

    def holds(wording: Wording) -> None:
        text = spoken(language).mark_late(spoken(language).write(wording, CODE, child="C9999", exercise=False), since)
        assert text.startswith(late)
        assert "C9999" in text
        assert is_gsm(text)
        assert segments(REPEAT_MARK + text) <= 2
        practice = spoken(language).mark_late(spoken(language).write(wording, CODE, exercise=True), since)
        assert practice.startswith(TEXT_LANGUAGES[language].exercise + late)

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_every_text_ends_with_the_code_to_answer_with(language: str) -> None:
    def holds(wording: Wording) -> None:
        text = spoken(language).write(wording, "4K7PX", exercise=False)
        found = ANSWER.search(text)
        assert found is not None
        assert found[1] == "4K7PX"
        once_rung = TEXT_LANGUAGES[language].once_rung.partition("{code}")[2] if wording in TO_BE_RUNG else ""
        assert text.endswith(found[0] + once_rung)

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_every_text_names_the_child_by_its_code_which_answers_it_and_ends_with_its_own(language: str) -> None:
    def holds(wording: Wording) -> None:
        text = spoken(language).write(wording, "4K7PX", child="C17", exercise=False)
        assert text.startswith("Safe Return C17: ")
        once_rung = TEXT_LANGUAGES[language].once_rung.partition("{code}")[2] if wording in TO_BE_RUNG else ""
        assert text.endswith(f"OK C17 4K7PX{once_rung}")

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_no_text_says_who_what_or_where_the_child_is(language: str) -> None:
    def holds(wording: Wording) -> None:
        text = spoken(language).write(wording, CODE, exercise=False)
        assert not TELLING_WORDS.search(text)
        assert not KEYWORDS_OF_CARRIERS.search(text.replace(f"OK {CODE}", ""))

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_a_text_about_many_children_is_one_segment_and_has_their_number_and_one_code(language: str) -> None:
    def holds(wording: Wording) -> None:
        text = REPEAT_MARK + spoken(language).write_mass(wording, CODE, 100, exercise=True)
        assert (is_gsm(text), segments(text)) == (True, 1)
        assert re.search(r"Safe Return 100 (children|o blant): .* OK WWWWW$", text)

    try_each(TEXT_LANGUAGES[language].texts, holds)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_what_nobody_has_answered_is_said_in_one_wording_for_each_matter(language: str) -> None:
    assert set(TEXT_LANGUAGES[language].unanswered) == set(MATTERS)
    said = {
        matter_of(each): spoken(language).write(
            Wording("not-acknowledged"), CODE, child="C9999", exercise=True, unanswered=each
        )
        for each in Wording
    }
    assert len(set(said.values())) == len(MATTERS)
    assert {(is_gsm(text), segments(REPEAT_MARK + text)) for text in said.values()} == {(True, 1)}
    assert "nobody has answered: a child is missing." in spoken("en").write(
        Wording("not-acknowledged"), CODE, exercise=False, unanswered=Wording("missing-notice")
    )


@pytest.mark.parametrize(
    ("wording", "matter"),
    [
        ("check-in", "danger"),
        ("child-presented", "danger"),
        ("age-found-adult", "danger"),
        ("away-too-long", "missing"),
    ],
)
def test_a_child_who_may_be_gone_is_no_step_of_a_plan_to_whoever_is_asked_next(wording: str, matter: str) -> None:
    assert matter_of(Wording(wording)) == matter


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_every_wording_that_professionals_may_be_told_has_a_text(language: str) -> None:
    assert set(TEXT_LANGUAGES[language].texts) == set(Wording) - CARERS_ALONE - INVITATIONS_ALONE - POLICE_ALONE


@pytest.mark.parametrize("wording", [Wording("full-meeting-due"), Wording("conference-due")])
@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_what_is_due_today_is_not_said_to_be_due_within_days(language: str, wording: Wording) -> None:
    assert not re.search("within|o fewn", spoken(language).write(wording, CODE, exercise=False))


def test_a_report_withdrawn_is_not_a_report_drawn() -> None:
    assert "tynnwyd adroddiad am blentyn ar goll yn ol" in spoken("cy").write(
        Wording("report-retracted-notice"), CODE, exercise=False
    )


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_an_exercise_says_so_first(language: str) -> None:
    assert (
        spoken(language)
        .write(Wording("missing-notice"), CODE, exercise=True)
        .startswith(TEXT_LANGUAGES[language].exercise)
    )
    assert TEXT_LANGUAGES[language].exercise not in spoken(language).write(
        Wording("missing-notice"), CODE, exercise=False
    )


def test_a_language_that_nobody_wrote_becomes_english() -> None:
    assert spoken("ti").write(Wording("still-missing"), CODE, exercise=False) == spoken("en").write(
        Wording("still-missing"), CODE, exercise=False
    )


def test_the_code_alphabet_is_the_one_that_texts_are_read_by() -> None:
    assert ANSWER.search(f"OK {CODE_ALPHABET[:5]}")
    assert not set(CODE_ALPHABET) & set("01AEIOUL")


@pytest.mark.parametrize("text", ["A child {name} is missing", "See {}"])
def test_a_text_with_a_field_is_not_loaded(tmp_path: Path, text: str) -> None:
    content = {
        "answer": " OK {code}",
        "nobody-answered": "",
        "matters": {},
        "exercise": "EXERCISE. ",
        "mass-report": "Many",
        "texts": {"missing-notice": text},
    }
    (tmp_path / "en.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match="field"):
        load_texts(tmp_path)


@pytest.mark.parametrize("language", sorted(TEXT_LANGUAGES))
def test_a_link_stands_in_place_of_the_console_where_one_segment_has_room_for_it(language: str) -> None:
    def write(wording: Wording, link: str | None) -> str:
        return spoken(language).write(wording, CODE, child="C9999", exercise=True, link=link)

    short, long = f"https://sr.example/d/{CODE}Abcdefghijk", "https://" + "x" * 160

    def holds(each: Wording) -> None:
        without = write(each, None)
        assert write(each, long) == without
        assert segments(REPEAT_MARK + write(each, short)) == 1
        assert write(each, short) in {without, without.replace(TEXT_LANGUAGES[language].console, f" {short}")}

    try_each(TEXT_LANGUAGES[language].texts, holds)


def test_a_text_about_an_interview_has_room_for_a_link() -> None:
    link = f"https://sr.kestrel.gov.uk/d/{CODE}Abcdefghijk"
    assert link in spoken("en").write(Wording("return-interview-due"), CODE, child="C17", exercise=False, link=link)
