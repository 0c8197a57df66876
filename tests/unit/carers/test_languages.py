"""Which language a text is in: sure, or not said."""

import importlib
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.carers.understanding.grammar import understand
from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.plain_words import recognise
from services.safeguarding.child_events import events
from tests.unit.carers.corpus import cases

IN_ENGLISH = [
    case.text
    for name in ("corpus.yaml", "held_out.yaml")
    for case in cases(name)
    if case.text.isascii() and not case.human and not understand(case.text).welsh
]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ai ka ikur nga sht\u00ebpia mbr\u00ebm\u00eb", "sq"),
        ("ndihme ku jam, nuk e di", "sq"),
        ("em \u1ea5y b\u1ecf \u0111i r\u1ed3i kh\u00f4ng v\u1ec1 nh\u00e0", "vi"),
        ("Dziecko uciek\u0142o z domu", "pl"),
        ("nu s-a \u00eentors acas\u0103", "ro"),
        ("il n'est pas rentr\u00e9", "fr"),
        ("ayudame no se donde estoy", "es"),
        ("n\u00e3o voltou para casa", "pt"),
        ("\u00e7ocuk eve gelmedi", "tr"),
        ("wuxuu ka maqan yahay guriga", "so"),
        ("\u0627\u0644\u0628\u0646\u062a \u0645\u0641\u0642\u0648\u062f\u0629", "ar"),
        ("\u067e\u0633\u0631 \u06af\u0645 \u0634\u062f\u0647 \u0627\u0633\u062a \u0648 \u0628\u0631\u0646\u06af\u0634\u062a\u0647", "fa"),
        ("\u0632\u0647 \u0646\u0647 \u067e\u0648\u0647\u06d0\u0696\u0645 \u0686\u06d0\u0631\u062a\u0647 \u06cc\u0645", "ps"),
        ("\u0646\u0627\u0632\u0627\u0646\u0645 \u0644\u06d5 \u06a9\u0648\u06ce\u0645", "ku"),
        ("\u1213\u130d\u12d9\u1292 \u12a3\u1260\u12ed \u12a8\u121d \u12d8\u1208\u1279 \u12a3\u12ed\u1348\u120d\u1325\u1295", "ti"),
        ("\u12c8\u12f0 \u1264\u1275 \u12a0\u120d\u1270\u1218\u1208\u1230\u121d", "am"),
        ("\u0412\u0456\u043d \u0437\u043d\u0438\u043a \u0456 \u043d\u0435 \u043f\u043e\u0432\u0435\u0440\u043d\u0443\u0432\u0441\u044f", "uk"),
        ("\u043c\u0430\u043b\u044c\u0447\u0438\u043a \u043d\u0435 \u0432\u0435\u0440\u043d\u0443\u043b\u0441\u044f \u0434\u043e\u043c\u043e\u0439", "ru"),
        ("\u5b69\u5b50\u4e0d\u89c1\u4e86", "zh"),
        ("mae hi ar goll ers neithiwr", "cy"),
    ],
)  # fmt: skip
def test_a_language_of_children_and_carers_here_is_recognised(text: str, language: str) -> None:
    assert recognise(text) == language


@pytest.mark.parametrize(
    "text", ["", "\U0001f622", "OK 4K7PX", "2130", "MISSING", "no", "Jeg ved ikke hvor jeg er henne"]
)
def test_what_says_too_little_or_is_none_of_these_languages_is_not_named(text: str) -> None:
    assert recognise(text) is None


def test_no_english_text_of_the_corpus_is_called_foreign() -> None:
    assert len(IN_ENGLISH) >= 500
    assert [text for text in IN_ENGLISH if recognise(text) not in {None, "cy"}] == []


def test_a_person_reads_what_is_in_another_language_also_while_a_child_is_missing() -> None:
    assert understand("copilul este la prietenul lui din Luton").doubtful
    assert not understand("the child is at his friends in Luton").doubtful


@given(st.text())
def test_no_text_is_too_strange_to_be_looked_at(text: str) -> None:
    recognise(text)


def test_carers_does_not_start_without_the_code_of_a_language_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(events, "TextLanguage", StrEnum("TextLanguage", {"french": "fr"}))
        with pytest.raises(ValueError, match="'cy' is not a valid TextLanguage"):
            importlib.reload(plain_words)
    importlib.reload(plain_words)


@pytest.mark.parametrize("text", ["Ydy'r heddlu yn gwybod?", "ydi'r heddlu'n dod", "Ydyn nhw'n chwilio amdani?"])
def test_a_welsh_question_is_answered_in_welsh(text: str) -> None:
    assert understand(text).welsh
