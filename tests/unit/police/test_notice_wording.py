"""A notice in words, as an officer at night reads it."""

import json
import re
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest

from services.platform.register.police_notice import ChildFacts
from services.police.notices.builder import redact_to_agreement
from services.police.notices.schema import (
    About,
    Agreement,
    Carer,
    Child,
    Notice,
    NoticeData,
    NoticeType,
    Placement,
    PlanStep,
    Report,
    Risk,
    Said,
    Sender,
)
from services.police.notices.wording import WORDS, basis_of, build_content, headline, sections
from services.police.web import notice_page
from services.safeguarding.notice_fields import NoticeField

SUMMER = datetime(2026, 7, 14, 21, 4, 11, 905843, tzinfo=UTC)
CHILD = Child.model_validate(
    {
        "name": "Amara Diallo",
        "known_as": ("Ama", "Amy"),
        "date_of_birth": "2011-03-04",
        "nrm_status": "referred",
        "medical": "in details",
        "in_care_since": "2026-01-20T10:00:00+00:00",
    }
)
REPORT = Report(
    last_seen_at=SUMMER.isoformat(),
    reporter="Ines Carvalho",
    reporter_role="child.social-worker",
    clothing="blue coat",
    last_episode="none",
)


def notice(about: About = About.MISSING, report: Report = REPORT, request: str | None = None) -> Notice:
    data = NoticeData(
        notice=UUID(int=1),
        episode=UUID("9730e22f-5495-413a-b815-006633652931"),
        refers_to=None,
        about=about,
        request=request,
        exercise=False,
        sender=Sender(authority="kestrel", name="Kestrel County Council", telephone="+441632960100"),
        child=CHILD,
        placement=Placement(
            kind="foster",
            address="4 Mill Lane",
            address_as_of=SUMMER,
            carers=(Carer(name="Ash", telephone="+447700900100"),),
        ),
        risk=Risk(raised=True),
        report=report,
        said=(Said(words="gone since 4", at=SUMMER),),
        gaps=(),
        not_agreed=("child.social_media",),
    )
    return Notice(type=NoticeType.NEW, timestamp=SUMMER, data=data)


def said(of: Notice) -> dict[str, tuple[str, ...]]:
    return dict(sections(of))


def test_times_are_those_of_the_clock_on_the_wall_in_england() -> None:
    words = said(notice())
    assert "Last seen, when: Tue 14 Jul 2026, 22:04" in words["The report"]
    assert words["What was said"] == ("Tue 14 Jul 2026, 22:04: gone since 4",)
    assert "In care since: Tue 20 Jan 2026, 10:00" in words["The child"]


def test_an_officer_reads_words_and_no_names_of_fields() -> None:
    words = said(notice())
    assert {"Known as: Ama, Amy", "Date of birth: 04 Mar 2011", "NRM referral: referred"} <= set(words["The child"])
    assert "Medical: behind the link below" in words["The child"]
    assert {"Reported by: Ines Carvalho", "Their role: child social worker"} <= set(words["The report"])
    assert words["Not sent, by agreement with your force"] == ("Social media",)
    assert "_" not in str(words)
    assert "T21:04" not in str(words)


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("vi", "Vietnamese"),
        ("fa-AF", "Dari"),
        ("zh-Hant", "Chinese (zh-Hant)"),
        ("tok", "tok"),
        ("Amharic", "Amharic"),
    ],
)
def test_an_officer_reads_the_name_of_a_language_and_a_code_where_we_know_none(code: str, read: str) -> None:
    spoken = notice()
    data = spoken.data.model_copy(update={"child": CHILD.model_copy(update={"language": code})})
    assert f"Language: {read}" in said(spoken.model_copy(update={"data": data}))["The child"]


def test_an_address_is_as_old_as_it_says_and_goes_with_its_age_or_not_at_all() -> None:
    where = said(notice())["Where the child is placed"]
    assert where[0] == "Foster placement: 4 Mill Lane (address as of Tue 14 Jul 2026, 22:04)"
    for agreed, sent in (
        (frozenset(NoticeField), True),
        (frozenset(NoticeField) - {NoticeField("placement.address")}, False),
    ):
        placement = json.loads(redact_to_agreement(notice(), agreed))["data"]["placement"]
        assert [each in placement for each in ("address", "address_as_of", "kind")] == [sent, sent, True]


def test_what_is_not_known_is_said_in_one_line_at_the_end() -> None:
    *_, last = said(notice())["The report"]
    assert last.startswith("Not known: ")
    assert {"last seen, where", "companions", "out of character"} <= set(last[11:-1].split("; "))
    assert "clothing" not in last


def test_news_says_why_it_is_passed_on_only_where_somebody_has_said_so() -> None:
    because = Report(shared_because="She agreed.")
    assert said(notice(About.NEW_INFORMATION, because))["What is new"] == ("Passed on because: She agreed.",)
    assert "passed on" not in str(said(notice())).lower()


def test_whom_to_ring_and_by_which_name_stands_on_every_notice_about_a_child() -> None:
    for about in set(About) - {About.CONNECTION}:
        assert said(notice(about))["Who answers you, at any hour"] == (
            "Kestrel County Council: 01632 960100",
            "Safe Return's reference: case 9XR8R",
        )


@pytest.mark.parametrize(("about", "asks"), [(About.MISSING, True), (About.LOCATED, True), (About.RETURNED, False)])
def test_a_risk_is_asked_for_while_the_child_is_searched_for(about: About, asks: bool) -> None:
    assert ("Risk" in said(notice(about))) is asks


def test_the_heading_says_what_has_happened_and_that_a_child_who_is_located_is_not_back() -> None:
    assert headline(notice().data) == "A child in care is missing"
    assert headline(notice(About.LOCATED).data).endswith("NOT back")


def test_an_update_tells_what_is_new_alone() -> None:
    words = said(notice(About.NEW_INFORMATION, Report(companions="a man in a van")))
    assert words["What is new"] == ("Companions: a man in a van",)
    assert "The report" not in words


def test_what_is_asked_stands_first() -> None:
    first, *_ = sections(notice(About.REQUEST, request="still-missing"))
    assert first == ("What is asked", ("Still missing",))


def test_a_notice_of_a_time_at_which_the_calendar_begins_is_read_all_the_same() -> None:
    """As reports of before it was refused have it."""
    shown = dict(sections(notice(report=Report(last_seen_at="0001-01-01T00:00:00+00:00"))))
    assert any("Last seen, when" in line for lines in shown.values() for line in lines)


CLAIMS = (About.RETURN_CLAIMED, About.RETRACTION_CLAIMED, About.LOCATION_CLAIMED)


@pytest.mark.parametrize("about", CLAIMS)
def test_what_is_said_and_not_proved_is_told_as_that_and_the_search_keeps_its_risk(about: About) -> None:
    told = notice(about)
    assert "NOT CONFIRMED: the search goes on" in headline(told.data)
    assert "say" in headline(told.data) or "said" in headline(told.data)
    assert any(name == "Risk" for name, _ in sections(told))


@pytest.mark.parametrize(
    ("missing_since", "said"),
    [
        (SUMMER, ("Reported missing: Tue 14 Jul 2026, 22:04", "Back since: Tue 14 Jul 2026, 22:04")),
        (
            None,
            ("When this was sent, nobody had reported the child missing to us.", "Back since: Tue 14 Jul 2026, 22:04"),
        ),
    ],
)
def test_that_a_child_is_back_says_from_when_till_when_it_was_missing(
    missing_since: datetime | None, said: tuple[str, ...]
) -> None:
    back = notice(About.RETURNED)
    times = {"missing_since": missing_since, "returned_at": SUMMER}
    back = back.model_copy(update={"data": back.data.model_copy(update=times)})
    assert dict(sections(back))["The absence"] == said


@pytest.mark.parametrize(("needed", "said"), [("yes", True), ("no", False), ("unknown", False)])
def test_an_officer_brings_an_interpreter_to_a_child_who_needs_one(needed: str, said: bool) -> None:
    back = notice(About.RETURNED)
    back = back.model_copy(update={"data": back.data.model_copy(update={"interpreter_needed": needed})})
    assert ("no link to whoever the child was with" in str(sections(back))) is said


def test_what_a_force_may_not_know_of_a_language_it_does_not_learn_from_the_interpreter() -> None:
    told = notice(About.RETURNED)
    told = told.model_copy(update={"data": told.data.model_copy(update={"interpreter_needed": "yes"})})
    for agreed, sent in (
        (frozenset(NoticeField), "yes"),
        (frozenset(NoticeField) - {NoticeField("child.language")}, "unknown"),
    ):
        assert json.loads(redact_to_agreement(told, agreed))["data"]["interpreter_needed"] == sent


def test_a_step_to_recover_the_child_says_who_does_it_and_by_when() -> None:
    told = notice(About.RECOVERY_STEP)
    plan = PlanStep(owner="child.social-worker", due_on=date(2026, 7, 15))
    told = told.model_copy(update={"data": told.data.model_copy(update={"plan": plan})})
    assert dict(sections(told))["Who does it"] == ("child social worker, by Wed 15 Jul 2026",)


def test_an_agreement_says_who_judged_that_it_may_be_shared_and_since_when() -> None:
    assert "Judged" not in basis_of(notice().data)
    agreed = Agreement(reference="NM/1", since=date(2026, 4, 1))
    judged = basis_of(notice().data.model_copy(update={"sharing_agreement": agreed}))
    assert judged.endswith(" Judged by Kestrel County Council: agreement NM/1, since 01 Apr 2026.")


PARAGRAPH = re.compile(r"\bparagraph\b|\bpara\b|¶|\bS\d{1,2}\b", re.IGNORECASE)


@pytest.mark.parametrize("about", About)
def test_no_paragraph_of_the_guidance_is_numbered_in_what_police_read(about: About) -> None:
    """Ours may number a text that was never in force."""
    told = notice(about)
    mail = build_content(told, "https://safe-return.example/notices/a")
    page = (headline(told.data), *(line for _, lines in sections(told) for line in lines))
    for each in (told.model_dump_json(), *page, mail.subject, *mail.paragraphs, *mail.small):
        assert PARAGRAPH.search(each) is None, each


def test_the_basis_of_sharing_still_names_the_guidance() -> None:
    assert "statutory guidance" in notice().data.sharing_basis


def test_everything_that_can_have_happened_has_its_sentence() -> None:
    assert WORDS["happened"].keys() == set(About)
    assert WORDS["subjects"].keys() - {"otherwise"} <= set(About)


def test_what_is_behind_the_link_has_the_notices_own_words() -> None:
    child = cast("ChildFacts", SimpleNamespace(description=None, profile={"feared": "An uncle."}))
    page = notice_page._sheet(child, ("child.feared", "child.likely_abroad", "photograph"), None)
    assert page.sections == (("Whom the child fears", ("An uncle.",)), ("Likely to go abroad", ("unknown",)))
    link = notice_page._link_text(("child.nrm_status", "child.likely_abroad", "photograph"))
    assert link == "Open: NRM referral, likely to go abroad, photograph"


def test_two_notices_of_one_child_say_so_first_and_by_the_one_name_of_the_case() -> None:
    of = notice(About.NEW_INFORMATION)
    joined = {"same_child": UUID(int=2), "reference": "C23, case TW8F9"}
    shown = sections(of.model_copy(update={"data": of.data.model_copy(update=joined)}))
    title, lines = shown[0]
    assert title == "One child, not two"
    assert "From now on both are C23, case TW8F9." in lines
    assert "One child, not two" not in said(of)


def test_numbers_are_written_one_way_and_organisations_in_words() -> None:
    of = notice()
    placed = of.data.placement.model_copy(update={"host_authority": "lapwing-county"})
    words = dict(sections(of.model_copy(update={"data": of.data.model_copy(update={"placement": placed})})))
    assert {"Host authority: Lapwing County", "Carer: Ash, 07700 900100"} <= set(words["Where the child is placed"])
