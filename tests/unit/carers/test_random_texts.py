"""Whatever somebody types: nothing raises, somebody hears of it, and no answer gives anything away."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.carers import messages
from services.carers.policy.context import Child, Provisional, Question, Standing, TextContext
from services.carers.policy.decision import Answer
from services.carers.policy.sender_policy import decide
from services.carers.policy.senders import carer
from services.carers.understanding.grammar import understand
from services.carers.understanding.languages import plain_words
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.platform.delivery.channels.sms import segments
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import provisional_child
from tests.unit.carers.corpus import cases, child_id

many = settings(deadline=None, max_examples=150)
NAMES = ("Amara", "Yusuf", "Linh")
SCENE = TextContext(
    kind="carer",
    authority="kestrel",
    provisional=provisional_child("a text"),
    person=f"person-{UUID(int=7)}",
    children=tuple(
        Child(child_id(code), code, (name,)) for code, name in zip(("C17", "C18", "C19"), NAMES, strict=True)
    ),
)
fragments = st.sampled_from(
    [case.text for case in cases("corpus.yaml")] + list(NAMES) + ["and", "but", ".", "C17", "c 18", "not"]
)
typed = st.one_of(st.text(max_size=300), st.lists(fragments, max_size=6).map(" ".join))
scenes = st.builds(
    lambda kind, states, question, provisionals, pictures: replace(
        SCENE,
        kind=kind,
        children=tuple(
            replace(child, standing=Standing(state)) for child, state in zip(SCENE.children, states, strict=False)
        ) if kind in {"carer", "residential"} else (),
        question=Question(question, SCENE.provisional) if question else None,
        provisionals=provisionals,
        pictures=pictures,
    ),
    st.sampled_from(["carer", "residential", "staff", "officer", "former-carer", "unknown"]),
    st.lists(st.sampled_from([None, "missing", "located", "returned"]), max_size=3),
    st.sampled_from([None, "report", "return", "information"]),
    st.sampled_from([(), (Provisional(SCENE.provisional),), (Provisional(SCENE.provisional, child_id("C17")),)]),
    st.integers(0, 2),
)  # fmt: skip


@many
@given(typed)
def test_any_text_has_a_meaning(text: str) -> None:
    assert understand(text).said


def test_a_threat_beside_a_question_is_more_than_a_question() -> None:
    assert understand("any news?").asks_only
    assert not understand("any news? threats were made").asks_only


def is_harmless(meaning: Meaning, answer: Answer | None) -> bool:
    """The closed list of what reaches neither a case nor a person: thanks, a question, a bare acknowledgement or REF, joining (also by a code of theirs), practice."""
    if set(meaning.intents) <= {Intent.JOIN, Intent.PRACTICE, Intent.PRACTICE_MISSING, Intent.PRACTICE_BACK}:
        return True
    if meaning.intents == (Intent.THANKS,):
        return True
    if answer in {Answer.JOINED, Answer.JOINED_WITH_SEVERAL}:
        return set(meaning.words.split()) <= {"c17", "c18", "c19", "and"}
    if answer is Answer.REFERENCE_WITHOUT_NUMBER:
        return set(meaning.words.split()) <= carer.REFERENCE_ALONE
    return meaning.asks_only and set(meaning.intents) <= {
        Intent.STATUS, Intent.ENQUIRY, Intent.HELP, Intent.ACKNOWLEDGE, Intent.THANKS,
    }  # fmt: skip


@many
@given(typed, scenes)
def test_any_text_from_anybody_is_decided_and_reaches_somebody(text: str, context: TextContext) -> None:
    meaning = understand(text)
    decision = decide(meaning, context)
    assert decision.acts or is_harmless(meaning, decision.answer)


@many
@given(typed, scenes, st.sampled_from(messages.LANGUAGES))
def test_no_answer_holds_a_name_or_a_word_of_the_text(text: str, context: TextContext, language: str) -> None:
    decision = decide(understand(text), context)
    codes = ("K7M2", "P3R8", "X4W9")[: len(decision.claims)]
    bodies = messages.write_replies(decision, codes, language, "+441632960100")
    assert bodies == messages.write_replies(replace(decision, acts=()), codes, language, "+441632960100")
    for body in bodies:
        assert not any(name in body for name in NAMES)
        assert segments(body) == 1


@many
@given(typed, scenes)
def test_one_text_asks_at_most_one_question_and_never_before_it_reports(text: str, context: TextContext) -> None:
    meaning = understand(text)
    decision = decide(meaning, context)
    if decision.question is not None and decision.question.about == "report":
        assert any(isinstance(act.content, ChildReportedMissing) for act in decision.acts)
    if decision.answer is Answer.MISSING_WHICH:
        assert any(isinstance(act.content, ChildReportedMissing) for act in decision.acts)


@many
@given(st.text(max_size=200))
def test_plain_words_have_neither_capitals_nor_accents_nor_marks(text: str) -> None:
    typed_words = plain_words.normalise(text)
    assert typed_words == " ".join(plain_words.fold(typed_words).split())
    assert all(letter.isalnum() or letter in " _" or not letter.isascii() for letter in typed_words)


@many
@given(st.sampled_from(["MISSING", "missing", "Missing!"]), st.text(alphabet="abcdefghij ", max_size=60))
def test_a_text_that_begins_with_missing_reports_whatever_follows(word: str, rest: str) -> None:
    assert set(understand(f"{word} {rest}").intents) & REPORTS
