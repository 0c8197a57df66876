"""How long records are kept stands in one file, and no number of the code says otherwise."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.audit.policy.chain import EXERCISES_KEPT
from services.console.policy.access import SessionLimits
from services.handbook.documents.pages import records_page
from services.options.own_accounts import proofs
from services.options.own_accounts.proofs import FAILURES_COUNT_FOR
from services.options.register_upkeep import history
from services.options.register_upkeep.importer import period_faults
from services.platform.bus.administration import read_declaration
from services.platform.messages.signature import SAYS
from services.platform.runtime.settings import Settings
from services.platform.store import inbox
from services.platform.store.disposal import WRITTEN, Action, Record, read_schedule, schedule
from services.police.web import notice_page
from services.safeguarding.duty.decisions import RecordDisposed
from services.safeguarding.message import Topic

RECORDS = schedule().records


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("marks", inbox.KEPT),
        ("published", timedelta(hours=Settings.model_fields["published_kept_hours"].default)),
        ("record-of-exercises", EXERCISES_KEPT),
        ("former-rows", history.KEPT),
        ("reading-codes", notice_page.OPEN_FOR + notice_page.CODE_FOR),
        ("sessions", 2 * SessionLimits().total),
        ("known-devices", proofs.DEVICE_KNOWN_FOR),
        ("failed-sign-ins", FAILURES_COUNT_FOR),
        ("dead-letters", RECORDS["dead-letters-topic"].kept),
    ],
)
def test_the_code_keeps_as_long_as_the_schedule_says(name: str, kept: timedelta) -> None:
    assert RECORDS[name].kept == kept


def test_every_period_is_enforced_by_the_code_that_was_compared_or_by_a_sweep() -> None:
    unswept = {name for name, each in RECORDS.items() if each.action is Action.ROWS_DELETED and not each.sweeps}
    assert unswept == {
        *("marks", "left-at-the-provider", "published", "record-of-exercises", "former-rows"),
        *("reading-codes", "sessions", "known-devices", "failed-sign-ins"),
    }


def test_every_topic_is_kept_as_long_as_the_schedule_says() -> None:
    said = {topic: each.kept for each in RECORDS.values() for topic in each.topics}
    assert said == {each.name: timedelta(days=each.retention_days) for each in read_declaration()}
    assert set(said) == set(Topic)


def test_whoever_sweeps_may_say_so_and_nobody_else() -> None:
    sweeps = {service for each in RECORDS.values() for sweep in each.sweeps for service in sweep.services}
    assert sweeps == {service for service, says in SAYS.items() if RecordDisposed in says}
    assert len(sweeps) == 7


def test_a_place_in_two_records_is_refused() -> None:
    twice = WRITTEN.read_text().replace("tables: [carers.claims]", "tables: [carers.claims, audit.tips]")
    with pytest.raises(ValueError, match=r"in two records: audit\.tips"):
        read_schedule(twice)


WHOLE = {
    "holds": "x",
    "tables": ["a.b"],
    "begins": "then",
    "kept": "P1D",
    "basis": "care",
    "source": "ours",
    "action": "rows-deleted",
    "by": "carers",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": ""},
        {"kept": None},
        {"begins": ""},
        {"basis": ""},
        {"source": ""},
        {"action": "kafka-forgets"},
        {"action": "month-dropped"},
        {"action": "nothing-yet"},
        {"action": "nothing-yet", "proposed": "a year"},
        {"sweeps": [{"services": ["carers"], "table": "a.c", "since": "at"}]},
        {"least": "PT1H"},
        {"least": "P2D", "sweeps": [{"services": ["carers"], "table": "a.b", "since": "at"}]},
        {"period": "a year"},
    ],
    ids=str,
)
def test_a_record_that_is_not_whole_is_refused(wrong: dict[str, object]) -> None:
    Record.model_validate(WHOLE)
    with pytest.raises(ValidationError):
        Record.model_validate(WHOLE | wrong)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sent", "400 days"),
        ("reading-codes", "70 minutes"),
        ("sessions", "24 hours"),
        ("timeline", "18 months"),
        ("children", "without end"),
    ],
)
def test_a_period_is_said_as_people_say_it(name: str, said: str) -> None:
    assert RECORDS[name].period == said


def test_the_page_names_every_record_and_says_where_nothing_ends_it() -> None:
    ending, lasting = records_page().split("## What nothing ends yet")
    lasting, nobodys = lasting.split("## About nobody")
    for name, each in RECORDS.items():
        where = {Action.NOTHING_YET: lasting, Action.NOBODYS: nobodys}.get(each.action, ending)
        assert f"| {name} | {each.holds} |" in where
    assert "`CONTROLLER`" in ending


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        ({"sent": 30, "texts-in": 2557}, []),
        ({"sent": 29}, ["sent: 30 to 2557 days are allowed"]),
        ({"claims": 2558}, ["claims: 30 to 2557 days are allowed"]),
        ({"marks": 100}, ["one of these records is needed: claims, deadlines, sent, texts-in"]),
    ],
    ids=str,
)
def test_an_authority_sets_its_own_period_where_the_schedule_leaves_it_to_it(
    days: dict[str, int], wanted: list[str]
) -> None:
    assert period_faults(days) == wanted
