"""What duty staff text with the code of a telling: an acknowledgement only where they say that they have it."""

from dataclasses import replace

import pytest

from services.carers import messages
from services.carers.policy.context import Standing
from services.carers.policy.decision import Answer
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.duty.duties import DutyAcknowledged
from tests.unit.carers.corpus import BY_CODE, Case, effects, made_of, scene_of


def made(text: str) -> tuple[frozenset[str], bool]:
    decision = made_of(Case("staff", (("C17", "missing"),), text, frozenset(), human=False))
    return effects(decision), any(isinstance(act.content, DutyAcknowledged) for act in decision.acts)


@pytest.mark.parametrize(
    "text",
    [
        "4K7PX status",
        "have police answered on 4k7px",
        "4K7PX who else has been told?",
        "4K7PX i finished at 5 this needs to go to EDT",
        "4K7PX please pass to Sarah",
        "4K7PX she is not on my caseload",
        "4K7PX I've left that team",
    ],
)
def test_a_question_or_somebody_off_duty_acknowledges_nothing(text: str) -> None:
    assert not made(text)[1]


@pytest.mark.parametrize("text", ["4 K 7 P X ok", "4K7PX seen and understood", "4K7PX on my way to the home"])
def test_whoever_has_it_acknowledges_and_says_no_more(text: str) -> None:
    assert made(text) == (frozenset({"ack C17"}), True)


@pytest.mark.parametrize(
    "text", ["4K7PX she was wearing a grey hoodie", "Update on 4K7PX - she has a boyfriend called Tariq"]
)
def test_what_they_know_of_the_child_is_kept_as_well(text: str) -> None:
    assert made(text)[0] == {"ack C17", "info C17"}


REFUSALS = (
    "NO {}", "no {}", "No, {}", "No. {}", "{} no", "{}: NO", "nope {}", "nah {}", "no sorry {}", "no thanks {}", "no to {}",
    "no - {}", "no/{}", "{} no i cannot", "no, I cannot take {}", "sorry no {}", "no no {}", "NA {}", "Nage {}", "na sori {}",
    "alla i ddim {}", "{} dim fi", "no no {} thank you",
)  # fmt: skip


@pytest.mark.parametrize("code", ["4K7PX", "VBHJZ", "4 k 7 p x", "C31", "c 31", "C31 C32", "C31 and C32", "31"])
@pytest.mark.parametrize("text", REFUSALS)
@pytest.mark.parametrize("state", [None, "missing", "returned"])
def test_a_no_refuses_whatever_code_stands_beside_it(text: str, code: str, state: str | None) -> None:
    """Each text to staff ends with "Have it? Reply OK and the code"."""
    said = text.format(code)
    decision = made_of(Case("staff", tuple((each, state) for each in BY_CODE if state), said, frozenset(), human=True))
    assert effects(decision) == {"human"}
    assert decision.answer is Answer.DECLINED


@pytest.mark.parametrize("text", ["no C31, no C32", "NO 4K7PX C31", "no Amara 4K7PX", "No C31. Ring Sue.", "ok no C31", "NO", "no ok 4K7PX", "ok 4k7px no", "no i am not 4K7PX", "not ok 4K7PX", "No C31?", "no C31 at the bus station"])  # fmt: skip
def test_what_may_be_a_refusal_reports_and_acknowledges_nothing_and_a_person_reads_it(text: str) -> None:
    assert made(text) == (frozenset({"human"}), False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no, C31 is missing", {"missing C31"}),
        ("No C31. C32 is missing", {"missing C32", "human"}),
        ("no C31 yet", {"missing C31"}),
        ("still no C31", {"missing C31"}),
        ("no sign of C31", {"missing C31"}),
        ("no, she has run off 4K7PX", {"missing C17"}),
        ("no, she is back 4K7PX", {"back C17"}),
        ("no problem 4K7PX", {"ack C17"}),
        ("no worries, on my way 4K7PX", {"ack C17"}),
        ("no news yet, ok 4K7PX", {"ack C17"}),
        ("still no Amara 4K7PX", {"missing C17", "ack C17", "human"}),
    ],
)
def test_beside_a_no_what_is_said_of_the_child_counts(text: str, said: set[str]) -> None:
    assert made(text)[0] == said


@pytest.mark.parametrize("text", ["NO 4K7PX", "no vbhjz", "na 4k7px"])
@pytest.mark.parametrize("who", ["one", "two", "officer", "stranger"])
def test_a_no_from_anybody_acknowledges_nothing(text: str, who: str) -> None:
    staff = scene_of(Case("staff", (), text, frozenset(), human=True))
    context = replace(scene_of(Case(who, (), text, frozenset(), human=True)), telling=staff.telling)
    assert effects(decide(understand(text), context)) == {"human"}


def test_a_no_to_a_child_of_their_own_is_a_carers_report_and_to_one_they_are_on_duty_for_a_refusal() -> None:
    coded = scene_of(Case("staff", (), "NO C31", frozenset(), human=True)).coded
    context = replace(scene_of(Case("one", (("C17", "missing"),), "", frozenset(), human=True)), coded=coded)
    assert effects(decide(understand("No C17"), context)) == {"missing C17"}
    assert effects(decide(understand("No Amara"), context)) == {"missing C17"}
    assert effects(decide(understand("NO C31"), context)) == {"human"}


def test_of_a_child_named_no_a_no_is_its_name() -> None:
    context = scene_of(Case("one", (), "", frozenset(), human=True))
    [child] = context.children
    named_no = replace(context, children=(replace(child, names=("No",), standing=Standing("missing")),))
    for text in ("No missing", "No is missing", "No C17", "still no No"):
        assert effects(decide(understand(text), named_no)) == {"missing C17"}


@pytest.mark.parametrize("text", ["where is he", "Where is she?", "wheres he now", "where are they", "where is C31", "ble mae e", "ble mae hi nawr"])  # fmt: skip
@pytest.mark.parametrize("code", ["", " 4K7PX"])
def test_where_the_child_is_that_they_look_for_is_no_outsiders_enquiry(text: str, code: str) -> None:
    if "C31" in text and code:
        return  # two children
    decision = made_of(Case("staff", (), text + code, frozenset(), human=False))
    assert decision.acts == ()
    assert decision.answer is (Answer.STATUS_TO_STAFF if code else Answer.STATUS_BY_CODE)


@pytest.mark.parametrize("text", ["where is he placed", "where is she living now", "where is C99", "where is Amara", "where is she placed 4K7PX"])  # fmt: skip
def test_where_a_child_lives_or_is_whom_they_may_not_name_is_an_enquiry_of_staff_too(text: str) -> None:
    assert "enquiry" in made(text)[0]
    for who in ("officer", "stranger"):
        assert "enquiry" in effects(made_of(Case(who, (), "where is he", frozenset(), human=False)))


def test_status_with_a_childs_own_code_is_answered_how_that_child_stands() -> None:
    context = scene_of(Case("staff", (("C31", "missing"),), "STATUS C31", frozenset(), human=False))
    decision = decide(understand("STATUS C31"), context)
    assert (decision.answer, decision.acts) == (Answer.STATUS_OF_CHILD, ())
    [body] = messages.write_replies(decision, (), "en", None)
    assert body.startswith("C31: police NOT reached yet")


@pytest.mark.parametrize("text", ["OK 48213", "ok, 48213", "no. 48213", "No 48213"])
def test_a_number_at_the_end_of_a_text_is_found_again_when_it_is_quoted(text: str) -> None:
    assert understand(text).codes[0] == "48213"


@pytest.mark.parametrize("text", ["REF 48013", "police gave 48013", "48013 people"])
def test_a_number_that_is_not_quoted_as_ours_is_none(text: str) -> None:
    assert "48013" not in understand(text).codes
