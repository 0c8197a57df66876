"""No text ends a search. A code that only the sender's handset got does, in answer to a plain question."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.carers import messages
from services.carers.policy.consequences.confirmation import WRONG_CODES_AN_HOUR
from services.carers.policy.context import ClaimKind, OpenClaim, Provisional, Question, Standing, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.store.claims import code_for, new_code
from services.carers.understanding import replies
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof
from services.safeguarding.identifiers import provisional_child
from services.safeguarding.message import Message
from tests.unit.carers.corpus import Case, cases, child_id, effects, scene_of

AMARA, YUSUF = child_id("C17"), child_id("C18")
CODE = "K7M2"
EPISODE = UUID(int=3)
ENDS: tuple[type[Message], ...] = (events.ChildReturned, events.ChildLocated, events.ReportRetracted)


def context(who: str = "one", *claims: OpenClaim, **given_: str) -> TextContext:
    return replace(scene_of(Case(who, tuple(given_.items()), "", frozenset(), human=False)), claims=claims)


def claim(
    subject: str = AMARA,
    kind: ClaimKind = "return",
    code: str = CODE,
    *,
    live: bool = True,
    confirmed: bool = False,
    denied: bool = False,
) -> OpenClaim:
    return OpenClaim(kind, code, subject, "kestrel", live, confirmed, f"person-{UUID(int=7)}", EPISODE, denied=denied)


def made(text: str, of: TextContext) -> Decision:
    return decide(understand(text), of)


def kinds(decision: Decision) -> list[type[Message]]:
    return [type(act.content) for act in decision.acts]


ASKED = context("one", claim(), C17="missing")


@pytest.mark.parametrize(
    "text",
    ["BACK K7M2", "back k7m2", "K7M2", "k7 m2", "Back, K7M2. Thanks", "yes K7M2", "BACK K7M2 C17", "amara is back k7m2",
     "she is home safe K7M2 xx", "K7M2 back", "adref K7M2"],
)  # fmt: skip
def test_the_code_from_the_handset_that_got_it_proves_the_return(text: str) -> None:
    decision = made(text, ASKED)
    [act] = decision.acts
    assert isinstance(act.content, events.ChildReturned)
    assert (act.subject, act.content.proof, act.content.episode) == (AMARA, Proof.HANDSET, EPISODE)
    assert (decision.answer, decision.confirmed) == (Answer.BACK, (claim(),))


@pytest.mark.parametrize(
    "text",
    ["no K7M2", "not K7M2", "not sure K7M2", "K7M2?? she isnt here", "what is K7M2", "is she back K7M2", "NOT BACK K7M2",
     "MISSING K7M2", "K7M2 my husband has her", "K7M2 she came and went again", "if she comes home i will text K7M2",
     "her phone is here K7M2", "the police want to know what K7M2 means", "K7M2 saw her in town", "hold on K7M2"],
)  # fmt: skip
def test_a_code_among_words_that_say_more_proves_nothing_and_a_person_or_a_case_has_them(text: str) -> None:
    decision = made(text, ASKED)
    assert not set(kinds(decision)) & set(ENDS)
    assert decision.acts
    assert decision.confirmed == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FALSE ALARM K7M2", events.ReportRetracted),
        ("K7M2", events.ReportRetracted),
        ("BACK K7M2", events.ChildReturned),
    ],
)
def test_what_was_claimed_a_false_alarm_ends_as_one_unless_the_sender_now_says_back(
    text: str, kind: type[Message]
) -> None:
    decision = made(text, context("one", claim(kind="retraction"), C17="missing"))
    assert kinds(decision) == [kind]
    assert decision.answer is (Answer.FALSE_ALARM if kind is events.ReportRetracted else Answer.BACK)


def test_a_code_that_is_too_old_asks_anew_and_a_person_hears_of_it() -> None:
    for text in ("BACK K7M2", "K7M2"):
        decision = made(text, context("one", claim(live=False), C17="missing"))
        claimed: list[type[Message]] = [events.ChildReturnClaimed, events.TextNeedsHuman]
        assert kinds(decision) == claimed
        assert decision.answer is Answer.BACK_CLAIMED
        assert [each.subject for each in decision.claims[0].about] == [AMARA]


def test_a_code_that_was_used_changes_nothing_and_says_so() -> None:
    decision = made("BACK K7M2", context("one", claim(live=False, confirmed=True), C17="returned"))
    assert (decision.acts, decision.answer) == ((), Answer.BACK_ALREADY)


def test_a_code_that_was_used_claims_anew_once_the_child_is_missing_again_and_a_person_hears_of_it() -> None:
    used = replace(claim(live=False, confirmed=True), settled=True)
    decision = made("BACK K7M2", context("one", used, C17="missing"))
    assert (kinds(decision), decision.answer) == (
        [events.ChildReturnClaimed, events.TextNeedsHuman],
        Answer.BACK_CLAIMED,
    )
    assert [(each.subject, each.episode) for each in decision.claims[0].about] == [(AMARA, None)]
    just_now = replace(used, settled=False)
    assert made("BACK K7M2", context("one", just_now, C17="missing")).answer is Answer.BACK_ALREADY


def test_a_code_for_another_child_ends_nothing_and_tells_a_person() -> None:
    of = context("two", claim(), C17="missing", C18="missing")
    decision = made("C18 BACK K7M2", of)
    assert (kinds(decision), decision.answer) == ([events.TextNeedsHuman], Answer.CODE_WRONG)


@pytest.mark.parametrize("text", ["BACK K7M3", "P3R8", "back p3r8 thanks"])
def test_a_code_that_we_never_texted_here_ends_nothing_and_tells_a_person(text: str) -> None:
    decision = made(text, ASKED)
    assert (kinds(decision), decision.answer, decision.wrong_code) == ([events.TextNeedsHuman], Answer.CODE_WRONG, True)


SLIPS = [
    "K7MA",
    "K7M",
    "k7mm2",
    "KTM2",
    "7KM2",
    "k7n2 thanks",
    "K7MA here",
    "C17 K7MA",
    "amara k7ma",
    "she is K7MA",
    "o7m2",
    "cod K7MA diolch",
]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("text", SLIPS)
def test_a_mistyped_code_ends_nothing_and_the_reply_says_what_to_text(text: str, live: bool) -> None:
    decision = made(text, replace(ASKED, claims=(claim(live=live),)))
    assert (kinds(decision), decision.answer) == ([events.TextNeedsHuman], Answer.CODE_WRONG)
    for language in messages.LANGUAGES:
        [body] = messages.write_replies(decision, (), language, None)
        assert "BACK" in body


@pytest.mark.parametrize("text", ["she left about 9pm", "seen in a38 layby", "OK", "thanks", "bus 7a", "9pm", "6ft", "on the 7am bus", "no K7MA", "C17"])  # fmt: skip
def test_what_may_be_news_is_no_mistyped_code(text: str) -> None:
    assert made(text, ASKED).answer is not Answer.CODE_WRONG


@pytest.mark.parametrize("text", ["BACKK7M2", "backk7m2", "Backk7m2 thanks"])
def test_a_code_without_its_space_is_the_code(text: str) -> None:
    assert kinds(made(text, ASKED)) == [events.ChildReturned]
    assert made("backk7m3", ASKED).answer is Answer.CODE_WRONG


def test_a_mistyped_code_after_back_is_answered_with_the_right_one() -> None:
    assert made("BACK K7MA", ASKED).answer is made("backk7ma", ASKED).answer is Answer.BACK_CLAIMED


@pytest.mark.parametrize(("name", "text"), [("No", "no K7M2"), ("Na", "na K7M2")])
def test_of_a_child_named_no_the_word_confirms_nothing(name: str, text: str) -> None:
    child = replace(ASKED.children[0], names=(name,))
    assert not set(kinds(made(text, replace(ASKED, children=(child,))))) & set(ENDS)


def test_after_too_many_wrong_codes_the_right_one_proves_nothing_either() -> None:
    guessed = replace(ASKED, wrong_codes_this_hour=WRONG_CODES_AN_HOUR)
    assert kinds(made("BACK K7M2", guessed)) == [events.TextNeedsHuman]


def test_of_one_code_for_two_children_the_named_one_is_back_alone() -> None:
    of = context("two", claim(), claim(YUSUF), C17="missing", C18="missing")
    assert [act.subject for act in made("BACK C17 K7M2", of).acts] == [AMARA]
    assert {act.subject for act in made("BACK K7M2", of).acts} == {AMARA, YUSUF}


def test_those_named_together_have_one_code_and_those_not_named_a_code_each() -> None:
    open_ = context("two", C17="missing", C18="missing")
    [both] = made("C17 and C18 are back", open_).claims
    assert {each.subject for each in both.about} == {AMARA, YUSUF}
    each = made("BACK", open_)
    assert [one.about[0].subject for one in each.claims] == [AMARA, YUSUF]
    assert kinds(each) == [events.TextNeedsHuman], "which of them is back nobody knows, so nobody is told that one is"
    [body] = messages.write_replies(each, ("K7M2", "P3R8"), "en", None)
    assert "C17: BACK K7M2. C18: BACK P3R8" in body


def test_a_report_of_one_child_beside_the_return_of_another_is_answered_by_two_texts() -> None:
    decision = made("C17 missing, C18 is back", context("two", C18="missing"))
    first, second = messages.write_replies(decision, ("K7M2",), "en", None)
    assert first.startswith("C17 recorded as missing. In danger")
    assert "C18" in second
    assert "BACK K7M2" in second


@pytest.mark.parametrize(
    "text", ["MISSING", "theyve both run off", "C18 is missing", "C17 and C18 gone out the window"]
)
def test_a_report_is_a_report_while_we_ask_who_is_back(text: str) -> None:
    asked = replace(context("two"), question=Question("return", context("two").provisional))
    decision = made(text, asked)
    assert any(isinstance(act.content, events.ChildReportedMissing) for act in decision.acts)
    assert not any(isinstance(act.content, events.ChildReturnClaimed) for act in decision.acts)


def test_a_child_said_not_to_be_back_is_missing_again_while_we_ask_who_is_back() -> None:
    asked = replace(context("two", C17="returned"), question=Question("return", context("two").provisional))
    assert kinds(made("C17 isnt back", asked)) == [events.ReportRetracted]


def test_nobody_confirms_for_more_children_than_the_text_names() -> None:
    home = context("home", C21="missing", C22="missing", C23="missing", C24="missing", C25="missing")
    decision = made("C21 C22 C23 C24 and C25 are back", home)
    assert (decision.claims, decision.answer) == ((), Answer.BACK_WHICH)
    assert set(kinds(decision)) == {events.TextNeedsHuman}


def test_the_answer_to_a_code_names_the_child_that_is_back() -> None:
    [body] = messages.write_replies(made("BACK K7M2", ASKED), (), "en", None)
    assert body.startswith("C17 recorded as back.")


def test_of_two_codes_one_of_which_is_dead_a_person_hears() -> None:
    of = context("two", claim(), claim(YUSUF, code="P3R8", live=False), C17="missing", C18="missing")
    decision = made("BACK K7M2 and P3R8", of)
    proven: list[type[Message]] = [events.ChildReturned, events.TextNeedsHuman]
    assert kinds(decision) == proven
    assert decision.which == ("C17",)


def test_while_somebody_guesses_no_code_is_texted_that_would_not_count() -> None:
    guessed = replace(context("one", C17="missing"), wrong_codes_this_hour=WRONG_CODES_AN_HOUR)
    decision = made("BACK", guessed)
    assert (decision.claims, decision.answer) == ((), Answer.CODES_HELD)
    assert made("BACK K7M2", replace(guessed, claims=(claim(),))).answer is Answer.CODES_HELD


def test_a_wrong_code_is_answered_however_many_replies_went_before() -> None:
    assert made("BACK K7M3", replace(ASKED, replies_this_hour=500)).answer is Answer.CODE_WRONG


def test_a_bare_code_of_a_child_that_is_missing_is_no_greeting() -> None:
    assert made("C17", context("one", C17="missing")).answer is not Answer.JOINED


def test_who_says_missing_again_takes_the_code_s_power() -> None:
    assert made("she has gone again, MISSING", ASKED).denied == (AMARA,)


def test_where_the_authority_takes_a_carer_s_word_no_code_is_asked_for_and_the_claim_is_all_that_is_said() -> None:
    child = replace(ASKED.children[0], standing=Standing("missing", ends_on_word=True))
    decision = made("BACK", replace(ASKED, children=(child,), claims=()))
    [act] = decision.acts
    assert isinstance(act.content, events.ChildReturnClaimed)
    assert (decision.answer, decision.claims) == (Answer.BACK_BY_WORD, ())


def test_the_same_claim_keeps_its_code_while_that_counts() -> None:
    again = made("BACK", ASKED).claims[0]
    assert code_for(again, ASKED.claims) == CODE
    assert code_for(again, (claim(live=False),)) != CODE


def test_a_code_is_seen_to_be_one_and_is_never_like_a_child_s() -> None:
    for _ in range(500):
        code = new_code()
        assert replies.has_other_code(code.casefold(), ())
        assert replies.quotes_code(f"back {code.casefold()}", code)


NAMELESS = (Provisional(provisional_child("another text")),)


@pytest.mark.parametrize(
    "text", ["NOT BACK", "not back yet", "sorry not back", "no, not home", "ddim adref", "Not back after all"]
)
@pytest.mark.parametrize(("kind", "state", "effect"), [("retraction", None, "missing C17"), ("return", "returned", "retracted-return C17")])  # fmt: skip
@pytest.mark.parametrize("nameless", [(), NAMELESS])
def test_not_back_after_what_was_confirmed_is_about_that_child(
    text: str, kind: ClaimKind, state: str | None, effect: str, nameless: tuple[Provisional, ...]
) -> None:
    of = context("two", claim(kind=kind, live=False, confirmed=True), **({"C17": state} if state else {}))
    assert effects(made(text, replace(of, provisionals=nameless))) == {effect}


@pytest.mark.parametrize("text", ["one of the girls hasnt come home", "still not back", "MISSING", "she's gone again"])
def test_what_may_be_about_a_child_without_a_name_is_added_to_that_report(text: str) -> None:
    of = context("two", claim(kind="retraction", live=False, confirmed=True))
    acts = made(text, replace(of, provisionals=NAMELESS)).acts
    assert [(act.subject, type(act.content)) for act in acts] == [
        (NAMELESS[0].provisional, events.ChildReportedMissing)
    ]


def test_later_on_or_of_two_children_who_is_not_back_is_asked() -> None:
    alarm = claim(kind="retraction", live=False, confirmed=True)
    later = context("two", replace(alarm, settled=True))
    nameless = made("NOT BACK", replace(later, provisionals=NAMELESS))
    assert {act.subject for act in nameless.acts} == {NAMELESS[0].provisional}
    assert effects(made("NOT BACK", later)) == {"missing C17"}
    assert made("NOT BACK", context("two", alarm, replace(alarm, subject=YUSUF))).answer is Answer.MISSING_WHICH
    assert effects(made("NOT BACK C18", replace(later, provisionals=NAMELESS))) == {"missing C18"}


@pytest.mark.parametrize("text", ["not back", "not back yet", "ddim adref"])
def test_while_another_child_is_missing_not_back_is_about_that_one(text: str) -> None:
    back = replace(claim(live=False, confirmed=True), settled=True)
    assert effects(made(text, context("two", back, C17="returned", C18="missing"))) == {"missing C18"}
    waiting = made(text, context("two", claim(YUSUF), replace(back, settled=False), C17="returned", C18="missing"))
    assert effects(waiting) == {"missing C18"}
    assert waiting.denied == (YUSUF,)


@pytest.mark.parametrize("text", ["E17", "SE16", "m25"])
def test_a_place_after_a_claim_is_over_is_news_and_no_wrong_code(text: str) -> None:
    decision = made(text, replace(ASKED, claims=(claim(live=False),)))
    assert effects(decision) == {"info C17"}
    assert not decision.wrong_code
    assert made(CODE[:3], replace(ASKED, claims=(claim(live=False),))).answer is Answer.CODE_WRONG


TEXTS = [case.text for name in ("corpus.yaml", "held_out.yaml") for case in cases(name)]
states = st.sampled_from([None, "missing", "located", "returned"])


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(st.sampled_from(TEXTS), st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3).map(". ".join), st.text()),
    st.sampled_from(["one", "two", "home", "staff", "officer", "former", "stranger"]),
    states,
    st.lists(st.builds(claim, st.sampled_from([AMARA, YUSUF]), st.sampled_from(["return", "retraction"]), live=st.booleans()), max_size=2),
    st.sampled_from(["", "BACK K7M3", "P3R8", "4K7PX"]),
)  # fmt: skip
def test_no_text_without_its_code_returns_locates_or_withdraws_a_child(
    text: str, who: str, state: str | None, claims: list[OpenClaim], beside: str
) -> None:
    given_ = {} if state is None else {"C17": state}
    of = context(who, *claims, **given_)
    said = f"{text} {beside}"
    if any(replies.quotes_code(understand(said).words, each.code) for each in claims):
        return
    for act in made(said, of).acts:
        assert getattr(act.content, "proof", None) is None
        assert not isinstance(act.content, events.ChildReturned | events.ChildLocated)
        assert not isinstance(act.content, events.ReportRetracted) or act.content.retracts == "return"


DENIALS = ["she isn't in", "C17 is not back", "NOT BACK", "NOT BACK she was only at the door", "his mate says amara isnt home", "my wife says she is still missing"]  # fmt: skip


@pytest.mark.parametrize("text", DENIALS)
def test_whoever_denies_that_a_child_is_back_voids_everybodys_codes(text: str) -> None:
    assert AMARA in made(text, context("one", C17="missing")).denied


def test_a_denial_that_leaves_open_who_it_is_voids_the_codes_of_all() -> None:
    assert {AMARA, YUSUF} <= set(made("they are not home", context("two", C17="missing", C18="missing")).denied)


def test_who_says_that_one_is_back_and_one_is_not_voids_the_codes_of_the_one_alone() -> None:
    assert made("C18 is back, C17 is not", context("two", C17="missing", C18="missing")).denied == (AMARA,)


def test_a_code_that_somebody_has_denied_ends_nothing_and_the_reply_says_why() -> None:
    voided = context("one", claim(live=False, denied=True), C17="missing")
    decision = made(f"BACK {CODE}", voided)
    assert (decision.answer, decision.which, decision.claims) == (Answer.CODE_VOID, ("C17",), ())
    assert [type(act.content) for act in decision.acts] == [events.TextNeedsHuman]


@pytest.mark.parametrize("text", DENIALS)
def test_who_denies_what_somebody_else_claimed_is_told_so(text: str) -> None:
    claimed = replace(context("one", C17="missing"), claimed_by_others=frozenset({AMARA}))
    decision = made(text, claimed)
    assert (decision.answer, [each.about for each in decision.replies]) == (Answer.CLAIM_VOIDED, [(AMARA,)])
    [body] = messages.write_replies(decision, (), "en", None)
    assert "Somebody had said BACK for C17: that no longer counts. The search goes on." in body


def test_who_denies_what_nobody_else_claimed_of_that_child_is_told_nothing_of_it() -> None:
    assert made("she isn't in", context("one", claim(), C17="missing")).answer is not Answer.CLAIM_VOIDED
    of_yusuf = replace(context("two", C17="missing", C18="missing"), claimed_by_others=frozenset({YUSUF}))
    assert made("C17 is not back", of_yusuf).answer is Answer.MISSING_AGAIN
    assert made("C17 and C18 are not back", of_yusuf).answer is Answer.MISSING_AGAIN
    assert (
        made("she was seen in town", replace(of_yusuf, claimed_by_others=frozenset({AMARA}))).answer
        is not Answer.CLAIM_VOIDED
    )


def test_not_back_reports_nobody_anew_where_several_are_missing() -> None:
    assert effects(made("NOT BACK yet sorry", context("two", C17="missing", C18="missing"))) == {
        "missing C17",
        "missing C18",
    }
