"""What carers read: one segment in its worst case, nothing of a child, nothing that the phone company would act upon."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import gsm0338
import pytest

from services.carers import messages
from services.carers.policy.context import ClaimKind, PoliceStand, Standing
from services.carers.policy.decision import Answer, Claim, ClaimedChild, Decision, Reply, StatusLine, WaitingCode
from services.carers.policy.echo import NO_CODE
from services.carers.understanding import child_names
from services.protocol.loader import files
from services.safeguarding.roles import CARERS, Wording
from tests.support.cases import try_each

SERVICES = Path(__file__).parents[3] / "services"
PHONE_COMPANYS_OWN = ("STOP", "STOPALL", "START", "YES", "HELP", "INFO", "END", "CANCEL", "QUIT", "UNSUBSCRIBE")
LONGEST_LINE = "+441632960100"


CODES = ("W7W7", "M8M8", "X9X9")


def claimed(kind: ClaimKind, *codes: str) -> Claim:
    return Claim(kind, tuple(ClaimedChild(f"child-{code}", code, "kestrel") for code in codes))


CLAIMS = (
    (),
    (claimed("return", "C1017"),),
    (claimed("return", "C1017", "C1018", "C1019"),),
    (claimed("retraction", "C1017", "C1018", "C1019"),),
    (claimed("return", "C1017"), claimed("return", "C1018"), claimed("return", "C1019")),
    (claimed("practice", ""),),
)


CODED = tuple(f"C{number}" for number in range(1017, 1057))
ABOUT = ((), CODED[:1], CODED[:3], CODED)
LEFT = ((), CODED[3:4], CODED[4:10])
WAITING = ((), (WaitingCode("return", "W7W7", ("C1056",)),), (WaitingCode("retraction", "W7W7", CODED[:3]),))
LINES = (
    *(
        StatusLine(CODED[at : at + 7], Standing("missing", police, answered, referred=referred))
        for at, (police, answered, referred) in enumerate(product(PoliceStand, (True, False), (True, False)))
    ),
    StatusLine(("",), Standing("missing")),
    StatusLine(CODED, None),
)
SCENES = [*product(ABOUT, LEFT, WAITING[:1], CLAIMS[:1]), *product(ABOUT[:2], LEFT[:2], WAITING, CLAIMS)]


def every_reply() -> Iterator[tuple[str, str, str]]:
    for language, answer in product(messages.LANGUAGES, Answer):
        lines = (LONGEST_LINE, None) if answer in messages.WITH_DUTY_LINE else (None,)
        for line, (about, left, waiting, claims) in product(lines, SCENES):
            reply = Reply(
                answer,
                claims=claims,
                named=about,
                left=left,
                sought=left,
                several=bool(about),
                example="C1000",
                waiting=waiting,
            )
            decision = Decision(
                answer=answer,
                replies=(reply,),
                claims=claims,
                lines=LINES,
                coded="C1000",
                which=CODED if len(claims) == 0 else (),
                open=CODED,
            )
            codes = CODES[: len(claims)]
            for body in messages.write_replies(decision, codes, language, line):
                yield language, answer, messages.mark_reply(body, "48213", waiting, codes, language)
    for language in messages.LANGUAGES:
        for wording, child in product(messages.alert_wordings(language), (None, "C1000")):
            yield (
                language,
                wording,
                messages.write_alert(Wording(wording), language, "WWWWW", exercise=True, child=child),
            )
        for kind in ("return", "retraction"):
            confirm: tuple[ClaimKind, str] = (kind, "W7W7")
            body = messages.write_alert(Wording("confirm-return"), language, "WWWWW", exercise=True, confirm=confirm)
            yield language, Wording("confirm-return"), body


BODIES = sorted(set(every_reply()))


def test_an_alert_names_its_child_first_and_leaves_it_out_only_for_want_of_room() -> None:
    for language, wording in product(messages.LANGUAGES, messages.alert_wordings("en")):
        text = messages.write_alert(Wording(wording), language, "WWWWW", exercise=False, child="C25")
        assert text.startswith("C25: ")
    confirm: tuple[ClaimKind, str] = ("return", "W7W7")
    asked = messages.write_alert(
        Wording("confirm-return"), "en", "WWWWW", exercise=True, child="C1000", confirm=confirm
    )
    assert asked.startswith("EXERCISE. You texted")


def test_each_fits_one_segment_by_an_independent_codec() -> None:
    codec = gsm0338.Codec()
    try_each(BODIES, lambda each: len(codec.encode(each[2], "strict")[0]) > 160)


def test_while_a_claim_waits_every_reply_holds_its_code_and_otherwise_none_ends_with_one() -> None:
    for language, answer in product(messages.LANGUAGES, Answer):
        for waiting in WAITING:
            reply = Reply(answer, named=("C1017",), waiting=waiting)
            decision = Decision(answer=answer, replies=(reply,), lines=LINES, coded="C1000")
            for body in messages.write_replies(decision, (), language, None):
                marked = messages.mark_reply(body, "48213", waiting, (), language)
                assert marked.endswith("48213)") if not waiting else "W7W7" in marked


def test_no_wording_of_any_channel_shows_a_code_that_may_be_a_childs() -> None:
    """Only a carer's own code, or C00, by which no text names a child."""
    folders = ("*/messages/**/*.yaml", "*/pages/*.html", "wording/**/*.yaml", "platform/**/*.yaml")
    places = [path for folder in folders for path in SERVICES.glob(folder)]
    assert len(places) > 40
    try_each(places, lambda path: set(re.findall(r"\bC\d{1,4}\b", path.read_text())) - {NO_CODE})
    assert child_names.find_code_numbers("c00 missing") == ()
    assert child_names.CODE.search("c00 missing") is None


def test_none_tells_anybody_to_text_a_word_that_the_phone_company_acts_upon() -> None:
    told_to_text = re.compile(r"(?:[Tt]ext|[Rr]eply|[Tt]ecstiwch|[Aa]tebwch) ([A-Z]{2,})")
    try_each(BODIES, lambda each: set(told_to_text.findall(each[2])) & set(PHONE_COMPANYS_OWN))


def test_each_says_what_to_do_in_danger_except_to_staff() -> None:
    to_staff_or_a_question = {
        Answer.ACKNOWLEDGED,
        Answer.ACKNOWLEDGED_TO_RECORD,
        Answer.CODE_UNKNOWN,
        Answer.DECLINED,
        Answer.NOTHING_OPEN,
        Answer.NOTHING_OPEN_ABOUT,
        Answer.OK_WHICH,
        Answer.TAKEN,
        Answer.TAKEN_UNPROVEN,
        Answer.TAKEN_TO_DO,
        Answer.OFFICER,
        Answer.STATUS_TO_STAFF,
        Answer.STATUS_BY_CODE,
        Answer.STATUS_OF_CHILD,
        Answer.BACK_WHICH,
    }
    try_each(BODIES, lambda each: "999" not in each[2] and each[1] not in to_staff_or_a_question)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(
            r"(?i)immigra|asylum|traffick|visa|refugee|court|lloches|mewnfud|masnach",
            id="immigration, asylum or trafficking",
        ),
        pytest.param(r"([Tt]ext|[Tt]ecstiwch) ([A-Z ]+ (or|neu) )?(999|101)", id="texting the police"),
        pytest.param("ar alwad", id="a duty team as the carers'"),
    ],
)
def test_none_speaks_of(words: str) -> None:
    try_each(BODIES, lambda each: re.search(words, each[2]))


@pytest.mark.parametrize(
    ("language", "steps"),
    [
        ("en", ("police", "duty team", "999", "101", "Stay with the child", "messages", "number plates", "MISSING")),
        (
            "cy",
            (
                "heddlu",
                "tim dyletswydd",
                "999",
                "101",
                "Arhoswch gyda'r plentyn",
                "negeseuon",
                "rhifau ceir",
                "MISSING",
            ),
        ),
    ],
)
def test_who_reports_a_lure_reads_what_is_being_done_and_each_practical_step(
    language: str, steps: tuple[str, ...]
) -> None:
    [body] = messages.write_replies(Decision(replies=(Reply(Answer.LURE),)), (), language, None)
    assert [step for step in steps if step not in body] == []


def test_every_language_has_every_template() -> None:
    shapes = [
        {
            (part, name)
            for part, texts in messages.templates(language).items()
            if isinstance(texts, dict)
            for name in texts
        }
        for language in messages.LANGUAGES
    ]
    assert shapes[0] == shapes[1]


def test_every_wording_that_a_rule_sends_to_carers_has_a_template() -> None:
    rules = [rule for file in files() for rule in file.rules]
    sent = {
        step.get("message", rule["message"])
        for rule in rules
        for step in (rule, *rule.get("otherwise", ()))
        if step.get("tell") in CARERS and "deed" not in rule
    }
    assert sent
    assert sent <= set(messages.alert_wordings("en"))
