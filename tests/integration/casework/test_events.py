"""`POST /events` on a real PostgreSQL: what is taken in, and how what is wrong is named."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.casework import web
from services.platform.runtime import problems
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.safeguarding.child_events.events import ChildProvisional, ChildReportedMissing, ChildReturned
from services.safeguarding.identifiers import derived, provisional_child
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework
from tests.support.in_process.register import OTHER_SECRET, SECRET, authority, load
from tests.support.outside.agency import Hospital

PROBLEM = "application/problem+json"


@pytest.fixture
async def hospital(database: Database, keyring: Keyring) -> AsyncIterator[Hospital]:
    engine = database.engine("casework")
    document = authority()
    name = document["authority"]["id"]
    document["agencies"][0]["types"] += ["report.retracted.v1", "care-step.recorded.v1", "age.determined.v1"]
    ids = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    transport = httpx.ASGITransport(casework(database, engine), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casework") as client:
        yield Hospital(client, engine, name, ids)
    await engine.dispose()


async def test_a_report_is_published_under_the_agencys_own_source_and_an_id_that_follows_from_its_own(
    hospital: Hospital,
) -> None:
    event = hospital.event(data={"last_seen_at": "2026-11-24T20:00:00Z"})
    answer = await hospital.send(event)
    assert answer.status_code == 202
    child = hospital.ids["C1"]
    assert answer.json() == {"source": hospital.source, "id": event["id"], "child": child, "identified": True}
    (said,) = await hospital.said(child)
    known_as = str(derived("agency event", hospital.source, event["id"]))
    assert (said.source, said.id, said.subject) == (hospital.source, known_as, child)
    assert said.time == datetime(2026, 11, 24, 22, 10, tzinfo=UTC)
    assert said.content == ChildReportedMissing(
        authority=hospital.name, channel="agency", last_seen_at=datetime(2026, 11, 24, 20, tzinfo=UTC)
    )


async def test_an_id_that_is_a_name_is_taken_and_goes_no_further_than_the_answer(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(id="amara.diallo", subject="a girl nobody knows"))
    assert (answer.status_code, answer.json()["id"]) == (202, "amara.diallo")
    said = await hospital.said(answer.json()["child"])
    assert len(said) == 2
    assert not any("diallo" in repr(each) for each in said)


async def test_a_child_may_be_named_by_the_authoritys_reference(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(subject=f"{hospital.name}/C2"))
    assert answer.json()["child"] == hospital.ids["C2"]


async def test_a_deed_is_said_of_a_child_of_the_agencys_own_authority_and_in_its_own_name(
    hospital: Hospital, keyring: Keyring
) -> None:
    elsewhere = await load(hospital.engine, keyring, authority(), datetime(2026, 11, 24, tzinfo=UTC))
    step = {"type": "care-step.recorded.v1", "data": {"step": "guardian-appointed"}}
    refused = await hospital.send(hospital.event(**step, subject=elsewhere["C1"]))
    assert (refused.status_code, refused.json()["field"]) == (403, "subject")
    for theirs in ("said_by", "corrects_event"):
        named = step | {"data": {"step": "guardian-appointed", theirs: str(uuid4())}}
        assert (await hospital.send(hospital.event(**named))).json()["field"] == f"data.{theirs}"
    assert await hospital.said(elsewhere["C1"]) == []
    assert (await hospital.send(hospital.event(**step))).status_code == 202
    (said,) = await hospital.said(hospital.ids["C1"])
    assert (said.content.step, said.content.said_by) == ("guardian-appointed", None)


@pytest.mark.parametrize(
    ("about", "data", "status", "register"),
    [
        ("C1", {}, 202, ("2028-06-01", False)),
        ("C1", {"case_law_compliant": False}, 202, None),
        ("C1", {"date_of_birth": "2001-06-01"}, 422, None),
        ("elsewhere", {}, 403, None),
    ],
    ids=["lawful", "unlawful", "a date that contradicts the finding", "another authority's child"],
)
async def test_a_birth_date_that_an_assessment_found_goes_into_the_register_and_no_further(
    hospital: Hospital, keyring: Keyring, about: str, data: dict[str, Any], status: int, register: Any
) -> None:
    elsewhere = await load(hospital.engine, keyring, authority(), datetime(2026, 11, 24, tzinfo=UTC))
    child = hospital.ids["C1"] if about == "C1" else elsewhere["C1"]
    dated = text("SELECT adult_on::text, age_disputed FROM register.children WHERE id = :child")
    async with hospital.engine.connect() as connection:
        before = tuple((await connection.execute(dated, {"child": child})).one())
    found = {"found": "child", "assessed_on": "2026-11-20", "case_law_compliant": True, "date_of_birth": "2010-06-01"}
    answer = await hospital.send(hospital.event(type="age.determined.v1", subject=child, data=found | data))
    async with hospital.engine.connect() as connection:
        after = tuple((await connection.execute(dated, {"child": child})).one())
    assert (answer.status_code, after) == (status, register or before)
    said = [each.content for each in await hospital.said(child)]
    assert [each.kind for each in said[1:]] == (["child.record-changed.v1"] if register else [])
    assert "2010-06-01" not in str(said)


async def test_another_authoritys_child_is_not_an_agencys_to_speak_of_and_no_answer_tells_that_there_is_one(
    hospital: Hospital, keyring: Keyring
) -> None:
    """Attack 4: by its id, a child of another authority was said to be located."""
    theirs = (await load(hospital.engine, keyring, authority(), datetime(2026, 11, 24, tzinfo=UTC)))["C1"]
    nobody = f"child-{uuid4()}"
    for kind, status in (("child.returned.v1", 403), ("child.reported-missing.v1", 202)):
        answers = [await hospital.send(hospital.event(type=kind, subject=child)) for child in (theirs, nobody)]
        assert {each.status_code for each in answers} == {status}
        told, of_nobody = ({k: v for k, v in each.json().items() if k not in {"id", "child"}} for each in answers)
        assert told == of_nobody
        assert told.get("identified") is not True
    assert await hospital.said(theirs) == []


async def test_who_asks_too_often_waits_before_the_database_is_asked_and_shuts_nobody_else_out(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await hospital.send(hospital.event())).status_code == 202
    forged = hospital.event(source="/agencies/elsewhere")
    for _ in range(problems.MOST_OF_A_STRANGER):
        assert (await hospital.send(forged)).status_code == 401
    monkeypatch.setattr(web, "agency_by_source", None)
    refused = await hospital.send(forged)
    monkeypatch.undo()
    assert (refused.status_code, refused.headers["content-type"]) == (429, PROBLEM)
    assert int(refused.headers["retry-after"]) > 0
    assert (await hospital.send(hospital.event())).status_code == 202


async def test_an_agency_that_sends_without_end_waits_too(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "MOST_OF_SOMEBODY_KNOWN", 1)
    event = hospital.event()
    assert [(await hospital.send(event)).status_code for _ in range(3)] == [202, 202, 429]


async def test_words_go_to_the_register_and_only_their_ids_to_the_bus(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(data={"words": ["left through the side door", "with a tall man"]}))
    assert answer.status_code == 202
    (said,) = await hospital.said(hospital.ids["C1"])
    assert len(said.content.words) == 2
    assert "side door" not in said.content.model_dump_json()


async def test_an_unknown_child_is_taken_in_under_a_provisional_id_and_a_human_is_asked(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(subject="a boy of about 14, gave the name Karim"))
    assert answer.status_code == 202
    child = answer.json()["child"]
    assert child.startswith("provisional-")
    assert answer.json()["identified"] is False
    reported, asks = await hospital.said(child)
    assert isinstance(reported.content, ChildReportedMissing)
    assert isinstance(asks.content, ChildProvisional)
    assert len(reported.content.words) == 1
    assert "Karim" not in reported.content.model_dump_json() + asks.content.model_dump_json()


async def test_a_later_event_may_use_the_provisional_id_that_the_agency_was_given(hospital: Hospital) -> None:
    child = (await hospital.send(hospital.event(subject="unknown"))).json()["child"]
    answer = await hospital.send(hospital.event(subject=child, type="child.returned.v1"))
    assert answer.json()["child"] == child
    *_, returned = await hospital.said(child)
    assert isinstance(returned.content, ChildReturned)
    assert returned.content.proof is None


async def test_an_agency_says_who_a_child_is_only_of_its_own_authoritys_children(
    hospital: Hospital, keyring: Keyring
) -> None:
    given = (await hospital.send(hospital.event(subject="a boy who would not say"))).json()["child"]
    stranger = (await load(hospital.engine, keyring, authority(), datetime(2026, 11, 24, tzinfo=UTC)))["C1"]
    for child, status in ((stranger, 422), (hospital.ids["C2"], 202)):
        told = hospital.event(type="child.identified.v1", subject=given, data={"child": child})
        answer = await hospital.send(told)
        assert answer.status_code == status, answer.text
    assert [type(each.content).__name__ for each in await hospital.said(given)].count("ChildIdentified") == 1


async def _social_care(hospital: Hospital, keyring: Keyring, document: dict[str, Any], name: str) -> Hospital:
    """Another agency, of the authority that `document` is."""
    agency = {
        **document["agencies"][0],
        "id": f"{name}-social-care",
        "sources": [f"/agencies/{name}-social-care"],
        "types": ["child.identified.v1"],
    }
    ids = await load(
        hospital.engine, keyring, {**document, "agencies": [*document["agencies"], agency]}, datetime.now(UTC)
    )
    other = Hospital(hospital.client, hospital.engine, name, ids)
    other.source = agency["sources"][0]
    return other


async def test_another_agency_of_the_authority_says_who_the_child_is_and_makes_no_third(
    hospital: Hospital, keyring: Keyring
) -> None:
    document = authority()
    social_care = await _social_care(hospital, keyring, document, document["authority"]["id"])
    theirs = Hospital(hospital.client, hospital.engine, social_care.name, social_care.ids)
    given = (await theirs.send(theirs.event(subject="a boy who would not say"))).json()["child"]
    told = social_care.event(type="child.identified.v1", subject=given, data={"child": social_care.ids["C2"]})
    answer = await social_care.send(told)
    assert (answer.status_code, answer.json()["child"]) == (202, given)
    *_, identified = await hospital.said(given)
    assert identified.content.child == social_care.ids["C2"]


async def test_an_agency_identifies_whom_a_carer_of_its_authority_reported_without_a_name(
    hospital: Hospital, database: Database
) -> None:
    unknown = provisional_child(f"a text to {hospital.name}")
    carers = database.engine("carers")
    async with carers.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO carers.provisionals (provisional, number_hash, reported_at, authority) VALUES (:p, '', now(), :a)"
            ),
            {"p": unknown, "a": hospital.name},
        )
    await carers.dispose()
    told = hospital.event(type="child.identified.v1", subject=unknown, data={"child": hospital.ids["C2"]})
    answer = await hospital.send(told)
    assert (answer.status_code, answer.json()["child"]) == (202, unknown)


async def test_whom_another_authority_asks_about_or_nobody_does_an_agency_does_not_identify(
    hospital: Hospital, keyring: Keyring
) -> None:
    document = authority()
    name = document["authority"]["id"]
    stranger = await _social_care(hospital, keyring, document, name)
    given = (await hospital.send(hospital.event(subject="a boy who would not say"))).json()["child"]
    for subject in (given, provisional_child("no report at all"), "a boy whom nobody knows"):
        told = stranger.event(type="child.identified.v1", subject=subject, data={"child": stranger.ids["C2"]})
        answer = await stranger.send(told)
        assert (answer.status_code, answer.json()["field"]) == (422, "subject"), answer.text
    assert [each.content.kind for each in await hospital.said(given)].count("child.identified.v1") == 0


async def test_a_reference_of_another_authority_tells_the_agency_nothing(hospital: Hospital, keyring: Keyring) -> None:
    document = authority()
    await load(hospital.engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    answer = await hospital.send(hospital.event(subject=f"{document['authority']['id']}/C1"))
    assert answer.json()["identified"] is False


ENDS = [("child.returned.v1", {}), ("report.retracted.v1", {"retracts": "missing"})]


@pytest.mark.parametrize(("kind", "data"), ENDS)
async def test_the_authoritys_own_agency_verifies_a_return_and_a_false_alarm(
    hospital: Hospital, kind: str, data: dict[str, Any]
) -> None:
    assert (await hospital.send(hospital.event(type=kind, data=data))).status_code == 202
    (said,) = await hospital.said(hospital.ids["C1"])
    assert said.content.proof == "agency"


@pytest.mark.parametrize(("kind", "data"), ENDS)
async def test_an_agency_that_may_not_verify_ends_nothing(hospital: Hospital, kind: str, data: dict[str, Any]) -> None:
    async with hospital.engine.begin() as connection:
        await connection.execute(
            text("UPDATE register.agency_agreements SET verifies = false WHERE agency = :a"),
            {"a": f"{hospital.name}-hospital"},
        )
    assert (await hospital.send(hospital.event(type=kind, data=data))).status_code == 202
    (said,) = await hospital.said(hospital.ids["C1"])
    assert said.content.proof is None


async def test_the_same_event_again_has_the_same_answer_and_one_effect(hospital: Hospital) -> None:
    event = hospital.event(subject="nobody we know")
    first = await hospital.send(event)
    again = await hospital.send(dict(reversed(event.items())))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(await hospital.said(first.json()["child"])) == 2


async def test_the_same_id_with_other_content_is_refused(hospital: Hospital) -> None:
    event = hospital.event()
    await hospital.send(event)
    answer = await hospital.send(event | {"time": "2026-11-24T22:11:00Z"})
    assert (answer.status_code, answer.headers["content-type"], answer.json()["field"]) == (409, PROBLEM, "id")
    assert len(await hospital.said(hospital.ids["C1"])) == 1


async def test_of_an_authority_that_is_not_live_exercises_alone_are_taken(hospital: Hospital) -> None:
    async with hospital.engine.begin() as connection:
        await connection.execute(
            text("UPDATE register.authorities SET live = false WHERE id = :n"), {"n": hospital.name}
        )
    refused = await hospital.send(hospital.event())
    assert (refused.status_code, "nobody was told" in refused.json()["detail"]) == (403, True)
    assert await hospital.said(hospital.ids["C1"]) == []
    assert (await hospital.send(hospital.event(exercise=True))).status_code == 202


async def test_an_exercise_stays_marked(hospital: Hospital) -> None:
    await hospital.send(hospital.event(exercise=True))
    (said,) = await hospital.said(hospital.ids["C1"])
    assert said.exercise is True


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"type": "child.abducted-by-aliens.v1"}, 422, "type"),
        ({"type": "child.located.v1"}, 403, "type"),
        ({"type": "police.acknowledged.v1"}, 403, "type"),
        ({"type": "text.needs-human.v1"}, 403, "type"),
        ({"time": "2026-11-24T22:10:00"}, 400, "time"),
        ({"time": "1764021600"}, 400, "time"),
        ({"time": 1764021600}, 400, "time"),
        ({"time": "2026-13-24T22:10:00Z"}, 400, "time"),
        ({"time": "1999-12-31T22:10:00Z"}, 422, "time"),
        ({"time": "9999-12-31T23:59:59-23:59"}, 422, "time"),
        ({"time": ...}, 400, "time"),
        ({"subject": ...}, 400, "subject"),
        ({"subject": "x" * 201}, 400, "subject"),
        ({"subject": "a\u0000b"}, 400, "subject"),
        ({"id": ...}, 400, "id"),
        ({"id": ""}, 400, "id"),
        ({"id": "a\u0000b"}, 400, "id"),
        ({"id": 7}, 400, "id"),
        ({"id": "x" * 201}, 400, "id"),
        ({"id": "Amara Diallo is gone"}, 400, "id"),
        ({"id": "t\u0177-gwyn"}, 400, "id"),
        ({"id": "42\n"}, 400, "id"),
        ({"specversion": "0.3"}, 400, "specversion"),
        ({"datacontenttype": "text/xml"}, 400, "datacontenttype"),
        ({"data_base64": "AAAA"}, 400, "data_base64"),
        ({"data": [1]}, 400, "data"),
        ({"data": {"authority": "kestrel"}}, 422, "data.authority"),
        ({"data": {"proof": "agency"}}, 422, "data.proof"),
        ({"data": {"episode": "00000000-0000-4000-8000-000000000001"}}, 422, "data.episode"),
        ({"data": {"words": "not a list"}}, 422, "data.words"),
        ({"data": {"words": [""]}}, 422, "data.words.0"),
        ({"data": {"words": ["x"] * 11}}, 422, "data.words"),
        ({"data": {"words": ["\ud800"]}}, 422, "data.words.0"),
        ({"data": {"details": "a red coat"}}, 422, "data.details"),
        ({"data": {"details": {"Amara Diallo": "x"}}}, 422, "data.details"),
        ({"data": {"details": {"clothing": ""}}}, 422, "data.details.clothing"),
        ({"data": {"details": {"clothing": ["red"]}}}, 422, "data.details.clothing"),
        ({"data": {"details": {}}, "type": "child.returned.v1"}, 422, "data.details"),
        ({"data": {"name": "Amara"}}, 422, "data.name"),
        ({"data": {"status": "lost"}}, 422, "data.status"),
        ({"data": {"last_seen_at": "2026-11-24T22:10:00"}}, 422, "data.last_seen_at"),
        ({"data": {"last_seen_at": "0001-01-01T00:00:00Z"}}, 422, "data.last_seen_at"),
        ({"data": {"last_seen_at": "9999-12-31T23:59:59-12:00"}}, 422, "data.last_seen_at"),
        ({"data": {"last_seen_at": "2099-12-31T23:59:59Z"}}, 422, "data.last_seen_at"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(
    hospital: Hospital, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = await hospital.send(hospital.event(**changes))
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    problem = answer.json()
    assert (problem["status"], problem["field"]) == (status, field)
    assert problem["title"]
    assert problem["detail"].startswith("Wanted: ")
    assert await hospital.said(hospital.ids["C1"]) == []


async def test_an_id_that_could_be_words_is_answered_with_what_an_id_is(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(id="Amara Diallo is gone"))
    assert "ASCII characters without a space, such as a UUID" in answer.json()["detail"]
    assert "Amara" not in answer.text


async def test_a_problem_never_repeats_what_was_sent(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(data={"status": "Amara Diallo", "words": []}))
    assert answer.status_code == 422
    assert "Amara" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"source": NaN}',
        b'{"source": 1' + b"0" * 5000 + b"}",
        b"\xff\xfe{}",
        b"[" * 1000 + b"]" * 1000,
        b'{"data":' * 5000 + b"1" + b"}" * 5000,
        b'{"source": "\\u0000"}',
        b'{"source": "\\ud800"}',
        b'{"source": ["/agencies/x"]}',
        b"{}",
        b'{"source": "/agencies/x", "subject": "a", "subject": "b"}',
        b'{"source": "/agencies/x", "data": {"status": "missing", "status": "missing"}}',
    ],
    ids=range(15),
)
async def test_a_body_that_is_no_cloudevent_is_a_bad_request(hospital: Hospital, body: bytes) -> None:
    answer = await hospital.send(body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


async def test_a_body_over_its_limit_is_refused_while_it_still_comes(hospital: Hospital) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 8192
            yield b" " * 8192

    headers = {"content-type": "application/cloudevents+json"}
    answer = await hospital.client.post("/events", content=endless(), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert sent < 200_000


async def test_another_media_type_is_refused_with_the_right_one(hospital: Hospital) -> None:
    answer = await hospital.send(hospital.event(), **{"content-type": "application/json"})
    assert answer.status_code == 415
    assert "application/cloudevents+json" in answer.json()["detail"]


async def test_every_failed_authentication_has_the_same_answer(hospital: Hospital) -> None:
    wrong_secret = await hospital.send(hospital.event(), secret=OTHER_SECRET)
    unknown_source = await hospital.send(hospital.event(source="/agencies/elsewhere"))
    unsigned = await hospital.send(hospital.event(), **{"webhook-signature": ""})
    garbled = await hospital.send(hospital.event(), **{"webhook-signature": "v1,!!!,,v2 nonsense v1a,AA=="})
    old = await hospital.send(hospital.event(), **{"webhook-timestamp": "1000000000"})
    no_time = await hospital.send(hospital.event(), **{"webhook-timestamp": "9" * 400})
    answers = {
        (answer.status_code, answer.text) for answer in (wrong_secret, unknown_source, unsigned, garbled, old, no_time)
    }
    assert len(answers) == 1
    assert wrong_secret.status_code == 401
    assert await hospital.said(hospital.ids["C1"]) == []


async def test_an_agency_may_sign_with_either_secret_during_a_rotation(hospital: Hospital, keyring: Keyring) -> None:
    document = authority()
    document["agencies"][0]["secrets"] = [OTHER_SECRET, SECRET]
    name = document["authority"]["id"]
    ids = await load(hospital.engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    rotating = Hospital(hospital.client, hospital.engine, name, ids)
    assert (await rotating.send(rotating.event(), secret=SECRET)).status_code == 202
    assert (await rotating.send(rotating.event(), secret=OTHER_SECRET)).status_code == 202


async def test_a_method_or_path_that_is_not_there_is_a_problem_document_too(hospital: Hospital) -> None:
    for answer in (await hospital.client.get("/events"), await hospital.client.post("/nothing")):
        assert answer.status_code in {404, 405}
        assert answer.headers["content-type"] == PROBLEM


async def test_while_the_database_is_away_the_sender_is_asked_to_repeat(database: Database) -> None:
    away = database.settings("casework").model_copy(update={"database": "postgresql://127.0.0.1:1/safe_return"})
    engine = connect(away, "casework")
    app = casework(database, engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://casework") as client:
        hospital = Hospital(client, engine, "x", {"C1": "child-x"})
        answer = await hospital.send(hospital.event())
    await engine.dispose()
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0


async def test_where_the_database_goes_away_in_the_commit_the_sender_is_asked_to_repeat(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def goes_away(*_statements: Any, **_how: Any) -> None:
        raise psycopg.errors.AdminShutdown

    monkeypatch.setattr("services.platform.store.unit_of_work.execute_pipelined", goes_away)
    answer = await hospital.send(hospital.event())
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "data",
    "exercise",
    "traceparent",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=6), JSON, min_size=1, max_size=3))
async def test_no_event_however_strange_is_our_fault(hospital: Hospital, changes: dict[str, Any]) -> None:
    answer = await hospital.send(hospital.event(**changes))
    assert answer.status_code < 500
    assert answer.status_code == 202 or answer.headers["content-type"] == PROBLEM


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
async def test_no_body_however_strange_is_our_fault(hospital: Hospital, body: bytes) -> None:
    answer = await hospital.send(body)
    assert answer.status_code in {400, 401}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(st.sampled_from(["words", "details", "status", "last_seen_at", "x"]), JSON, max_size=3))
async def test_no_content_however_strange_is_our_fault(hospital: Hospital, data: dict[str, Any]) -> None:
    answer = await hospital.send(hospital.event(data=data))
    assert answer.status_code in {202, 400, 422}
