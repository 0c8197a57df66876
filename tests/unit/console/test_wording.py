"""Everything that the pages may have to say has its words."""

import string
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

import pytest
import yaml

from services.console.policy.child import Line
from services.console.policy.status import RecordedMessage
from services.console.web.templates import MESSAGES, Words
from services.safeguarding import operators, roles
from services.safeguarding.child_events import discussion_events, events
from services.safeguarding.duty import decisions, duties
from services.safeguarding.duty.decisions import DutyChanged, MessageDeadLettered, ProtocolDecided, ReportTaken
from services.safeguarding.duty.duties import HOLDING_OTHERS, Duty
from services.safeguarding.message import CONTRACTS, Message
from services.safeguarding.notice_fields import CHASED

CONTENT = yaml.safe_load((MESSAGES / "en.yaml").read_text())
ELSEWHERE_ON_THE_PAGE = {DutyChanged, MessageDeadLettered, ProtocolDecided, ReportTaken, *HOLDING_OTHERS}
ON_THE_TIMELINE = sorted(set(CONTRACTS.values()) - ELSEWHERE_ON_THE_PAGE, key=lambda each: each.kind)
NAMED: list[tuple[str, type[StrEnum]]] = [
    ("wording", roles.Wording),
    ("channel", roles.Channel),
    ("state", decisions.EpisodeState),
    ("state", decisions.DutyState),
    ("verdict", decisions.Verdict),
    ("because", duties.Because),
    ("result", decisions.AttemptResult),
    ("grade", events.RiskGrade),
    ("reference_kind", events.ReferenceKind),
    ("operator_role", operators.OperatorRole),
    ("act", operators.OperatorAct),
    ("language", events.TextLanguage),
    ("step", roles.CareStep),
]


@pytest.mark.parametrize(("field", "words"), NAMED, ids=lambda each: getattr(each, "__name__", each))
def test_every_value_has_its_words(field: str, words: type[StrEnum]) -> None:
    assert set(words) - set(CONTENT["fields"][field]) == set()


@pytest.mark.parametrize("contract", ON_THE_TIMELINE, ids=lambda each: each.kind)
def test_every_kind_has_a_sentence_made_of_its_own_fields(contract: type[Message]) -> None:
    act = contract.kind.rsplit(".v", maxsplit=1)[0]
    withdrawn = [f"{act} withdrawn"] if issubclass(contract, Duty) else []
    in_a_language = [f"{act} not-in-english"] if "language" in contract.model_fields else []
    for sentence in [act, *withdrawn, *in_a_language]:
        asked = {field for _, field, _, _ in string.Formatter().parse(CONTENT["acts"][sentence]) if field}
        assert asked <= {*contract.model_fields, "role", "wording"}


@pytest.mark.parametrize("field", sorted(CHASED))
def test_no_gap_of_a_notice_is_shown_by_its_fields_name(field: str) -> None:
    words = Words().of(field, "gaps")
    assert not {".", "_"} & set(words)


def test_no_force_or_authority_is_shown_by_its_id() -> None:
    lacks = events.PoliceListDiffers(
        authority="kestrel", force="northmoor-police", episode=uuid4(), difference="no-list"
    )
    entry = RecordedMessage("1", "child-x", datetime(2026, 5, 30, tzinfo=UTC), exercise=False, content=lacks)
    line = Line(entry, "police.list-differs", None, None, (), ())
    assert Words().sentence(line) == "Northmoor Police's list differs from ours: no list has arrived for a day"


def test_there_is_no_sentence_for_what_never_happens() -> None:
    acts = {each.kind.rsplit(".v", maxsplit=1)[0] for each in ON_THE_TIMELINE}
    assert {act.partition(" ")[0] for act in CONTENT["acts"]} - acts == set()


def test_a_time_is_said_as_people_of_the_place_say_it() -> None:
    moved = discussion_events.StrategyDiscussionRedated(
        authority="kestrel", channel="console", starts_at=datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
    )
    entry = RecordedMessage("1", "child-x", datetime(2026, 5, 30, tzinfo=UTC), exercise=False, content=moved)
    line = Line(entry, "strategy-discussion.redated", None, None, (), ())
    assert "Mon 1 Jun 2026, 09:30" in Words().sentence(line)


def test_a_time_at_which_the_calendar_begins_is_said_as_it_was_told() -> None:
    moved = discussion_events.StrategyDiscussionRedated.read_again(
        {"authority": "kestrel", "starts_at": "0001-01-01T00:00:00+00:00"}
    )
    entry = RecordedMessage("1", "child-x", datetime(2026, 5, 30, tzinfo=UTC), exercise=False, content=moved)
    line = Line(entry, "strategy-discussion.redated", None, None, (), ())
    assert "1 Jan 1, 00:00" in Words().sentence(line)
