"""What an OK answers: all that is open to somebody on duty about the child whom it names, the one child, or all."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.carers import messages
from services.carers.policy.context import Child, Standing, Telling, TextContext
from services.carers.policy.decision import Answer
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import provisional_child
from tests.unit.carers.corpus import child_id

EPISODE = UUID(int=2)


def told(number: int, child: str, *, wording: str = "missing-notice", deed: str | None = None) -> Telling:
    known = child.startswith("C")
    subject = child_id(child) if known else provisional_child(child)
    code = "" if known else child
    return Telling(
        UUID(int=number), 0, subject, "kestrel", EPISODE, None, False, code or f"4K7P{number}", child if known else "", wording, deed
    )  # fmt: skip


FIRST, POLICE = told(2, "C17"), told(3, "C17", wording="police-not-acknowledged")
OTHER, TO_DO, UNKNOWN = told(4, "C31"), told(5, "C31", deed="return-interview"), told(6, "VBHJZ")
ALL = (FIRST, POLICE, OTHER)


def context(text: str, open_: tuple[Telling, ...], telling: Telling | None = None) -> TextContext:
    coded = tuple(Child(child_id(code), code, authority="kestrel") for code in ("C17", "C31") if code[1:] in text)
    return TextContext("staff", "kestrel", provisional_child("x"), unanswered=open_, coded=coded, telling=telling)


@pytest.mark.parametrize(
    ("text", "open_", "taken", "answer"),
    [
        ("OK C17", ALL, [FIRST, POLICE], "You have C17. Details are in the console. Still open: C31. OK and"),
        ("ok c17 thanks", ALL, [FIRST, POLICE], "You have C17."),
        ("ok 17", (FIRST, POLICE), [FIRST, POLICE], "You have C17. Details are in the console."),
        ("got C17 and C31", ALL, [FIRST, POLICE, OTHER], "You have C17, C31. Details are in the console."),
        ("OK ALL", ALL, [FIRST, POLICE, OTHER], "You have C17, C31. Details are in the console."),
        ("ok both", ALL, [FIRST, POLICE, OTHER], "You have C17, C31."),
        ("OK POPETH", ALL, [FIRST, POLICE, OTHER], "Mae C17, C31 gennych."),
        ("OK", (FIRST, POLICE), [FIRST, POLICE], "You have C17."),
        ("ok, on it", (UNKNOWN,), [UNKNOWN], "You have VBHJZ."),
        ("OK", ALL, [], "Which? C17, C31. Reply OK and the code, or OK ALL."),
        ("OK", (), [], "Nothing is open for you here"),
        ("OK ALL", (FIRST, OTHER, UNKNOWN), [FIRST, OTHER, UNKNOWN], "You have C17, C31, VBHJZ."),
        ("OK C31", (OTHER, TO_DO), [OTHER, TO_DO], "Noted: you have C31. Still to be done"),
        ("OK C31", (FIRST,), [], "Nothing about C31 waits for you: nothing new is recorded. Still open: C17. OK and"),
        ("OK C31 diolch", (FIRST,), [], "Nid oes dim am C31 yn aros amdanoch: ni chofnodwyd dim newydd. Yn aros: C17."),
        ("OK C31 C17", (FIRST,), [FIRST], "You have C17. Details are in the console."),
        ("OK C31", (), [], "Nothing about C31 waits for you: nothing new is recorded. ("),
        ("OK C17 C31", (), [], "Nothing about C17, C31 waits for you: nothing new is recorded."),
        ("OK C99", (FIRST,), None, "No child you may name has that code"),
        ("OK C17, cannot take it, not on duty", ALL, None, None),
        ("ok C17 what's happening", ALL, None, None),
        ("C17?", ALL, None, None),
        ("I have not got C17", ALL, None, None),
        ("I have no idea where C17 is", ALL, None, None),
        ("got nobody to go to C17", ALL, None, None),
        ("ok who has C17?", ALL, None, None),
        ("ok but C17 is somebody else's", ALL, None, None),
        ("OK ALL but not C31", ALL, None, None),
        ("ok C17, no problem", ALL, [FIRST, POLICE], None),
    ],
)
def test_an_ok_answers_what_is_open_about_whom_it_means(
    text: str, open_: tuple[Telling, ...], taken: list[Telling] | None, answer: str | None
) -> None:
    meaning = understand(text)
    decision = decide(meaning, context(text, open_))
    acked = [act.content for act in decision.acts if isinstance(act.content, DutyAcknowledged)]
    assert [(each.duty, each.step) for each in acked] == [(each.duty, each.step) for each in taken or []]
    if answer is not None:
        [body] = messages.write_replies(decision, (), "cy" if meaning.welsh or "POPETH" in text else "en", None)
        assert f"{body} (".startswith(answer)


@pytest.mark.parametrize(("text", "how"), [("OK C17 REF 44712", ["text", "phoned"]), ("OK C17", ["text", "text"])])
def test_a_reference_answers_in_the_place_of_police_what_asked_for_a_call_and_is_kept(
    text: str, how: list[str]
) -> None:
    decision = decide(understand(text), context(text, ALL))
    assert [act.content.how for act in decision.acts if isinstance(act.content, DutyAcknowledged)] == how
    kept = [act.content.kind for act in decision.acts if act.content.kind == "police.reference-texted.v1"]
    assert len(kept) == ("REF" in text)


def test_what_the_text_says_of_the_child_besides_is_decided_as_ever() -> None:
    text = "OK C17 seen at the bus station"
    decision = decide(understand(text), context(text, ALL))
    assert [act.content.kind for act in decision.acts] == [
        "child.information-received.v1", "duty.acknowledged.v1", "duty.acknowledged.v1",
    ]  # fmt: skip


def test_who_only_asks_has_not_taken_it() -> None:
    text = "OK C17, is her worker told?"
    decision = decide(understand(text), replace(context(text, ALL), asks=True))
    assert not any(isinstance(act.content, DutyAcknowledged) for act in decision.acts)


def test_the_reply_calls_nothing_open_that_was_texted_about_a_moment_ago() -> None:
    just = replace(FIRST, just_texted=True)
    [body] = messages.write_replies(decide(understand("OK C31"), context("OK C31", (just, OTHER))), (), "en", None)
    assert body == "You have C31. Details are in the console."
    [body] = messages.write_replies(decide(understand("OK"), context("OK", (just, OTHER, UNKNOWN))), (), "en", None)
    assert body.startswith("Which? C31, VBHJZ.")
    [body] = messages.write_replies(
        decide(understand("OK"), context("OK", (just, replace(OTHER, just_texted=True)))), (), "en", None
    )
    assert body.startswith("Which? C17, C31.")


def test_the_code_of_a_telling_answers_that_telling_alone() -> None:
    telling = replace(FIRST, standing=FIRST.standing)
    decision = decide(understand("OK 4K7P2"), context("OK 4K7P2", ALL, telling))
    assert [act.content.duty for act in decision.acts if isinstance(act.content, DutyAcknowledged)] == [FIRST.duty]


def test_a_carer_who_was_told_as_a_professional_answers_as_one() -> None:
    known = replace(context("OK C31", (OTHER,)), kind="carer")
    assert [act.content.duty for act in decide(understand("OK C31"), known).acts] == [OTHER.duty]  # type: ignore[attr-defined]


OPEN = Standing("missing", episode=EPISODE)


def acknowledged(text: str, open_: tuple[Telling, ...], telling: Telling | None = None) -> dict[int, bool]:
    """By duty, whether its OK is a claim."""
    acts = decide(understand(text), context(text, open_, telling)).acts
    return {each.content.duty.int: each.content.claimed for each in acts if isinstance(each.content, DutyAcknowledged)}


@pytest.mark.parametrize("text", ["OK C17", "OK", "OK ALL"])
def test_an_ok_without_the_tellings_own_code_is_a_claim_and_its_reply_holds_the_code(text: str) -> None:
    missing = replace(FIRST, standing=OPEN)
    assert acknowledged(text, (missing,)) == {2: True}
    [body] = messages.write_replies(decide(understand(text), context(text, (missing,))), (), "en", None)
    assert body.endswith("Is it you? Reply OK C17 4K7P2.")


def test_an_ok_with_the_tellings_own_code_takes_all_of_the_child_beside_it() -> None:
    first, police, other = (replace(each, standing=OPEN) for each in ALL)
    assert acknowledged("OK C17 4K7P2", (first, police, other), first) == {2: False, 3: False}
    assert acknowledged("OK ALL 4K7P2", (first, police, other), first) == {2: False, 3: False, 4: False}


@pytest.mark.parametrize("replies", [0, 119, 120, 500])
@pytest.mark.parametrize("text", ["OK C17", "OK", "OK ALL", "got C17"])
def test_a_forged_ok_is_answered_to_the_phone_on_file_however_many_replies_it_had(text: str, replies: int) -> None:
    missing = replace(FIRST, standing=OPEN)
    flooded = replace(context(text, (missing,)), replies_this_hour=replies)
    decision = decide(understand(text), flooded)
    assert [act.content.kind for act in decision.acts if act.content.kind != "text.needs-human.v1"] == [
        "duty.acknowledged.v1"
    ], "it returns, retracts and closes nothing"
    assert acknowledged(text, (missing,)) == {2: True}
    assert decision.answer is Answer.TAKEN_UNPROVEN
    assert "Is it you? Reply OK C17 4K7P2." in messages.write_replies(decision, (), "en", None)[0]


def test_a_duty_that_is_said_to_be_taken_is_answered_beyond_the_limit() -> None:
    flooded = replace(context("OK C17", (replace(FIRST, standing=OPEN),)), replies_this_hour=500)
    assert decide(understand("OK C17"), flooded).answer is Answer.TAKEN_UNPROVEN
