"""Police: what a force is sent, what it may answer, and what it is refused, on a real PostgreSQL and a verifying desk."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.platform.register import words
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import new_id
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import received
from tests.support.in_process.police import OFFICER, Police, answer, police_of, running
from tests.support.in_process.register import SECRET, authority, load, words_kept
from tests.support.outside.desk import status

FROM_THE_FORCE = ("police.acknowledged", "police.reference", "duty.acknowledged")


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def test_a_control_room_has_the_minimum_of_a_first_report(police: Police) -> None:
    told, notice = await police.notice()
    data = notice["data"]
    assert notice["type"] == "missing-notice.new"
    assert data["notice"] == str(told.content.telling)
    assert data["episode"] == str(told.content.episode)
    assert data["refers_to"] is None
    assert data["exercise"] is False
    assert data["handling"] == "OFFICIAL-SENSITIVE"
    assert data["sender"]["telephone"] == "+441632960100"
    assert data["child"]["name"] == "Amara C1 Diallo"
    assert data["child"]["unaccompanied"] == "yes"
    assert data["child"]["date_of_birth"] == "2011-03-04"
    assert data["placement"]["address"] == "4 Mill Lane"
    assert len(data["placement"]["carers"]) == 2
    assert data["risk"] == {"presumed": "high", "raised": False}
    assert data["sharing_basis"].startswith("Shared without consent where safety may be at risk")


async def test_a_gap_is_sent_as_unknown_and_named(police: Police) -> None:
    _, notice = await police.notice()
    assert notice["data"]["child"]["modern_slavery_concern"] == "unknown"
    assert "child.modern_slavery_concern" in notice["data"]["gaps"]


async def test_the_desk_verifies_each_notice_with_the_published_library(police: Police) -> None:
    await police.notice()
    assert all(each.verified for each in police.desk.received)


async def test_an_unknown_child_is_told_of_with_those_it_may_be(police: Police) -> None:
    provisional = new_id("provisional")
    _, notice = await police.notice(
        child=provisional, candidates=(police.ids["C11"], police.ids["C12"]), placement=police.ids["home"]
    )
    data = notice["data"]
    assert data["child"] is None
    assert [each["name"] for each in data["candidates"]] == ["Amara C11 Diallo", "Amara C12 Diallo"]
    assert data["placement"]["address"] == "9 High Street"
    assert "child" in data["gaps"]


async def test_what_was_said_goes_to_the_force_word_for_word(police: Police) -> None:
    async with police.floor.store.transaction() as uow:
        kept = await words.keep(
            uow,
            police.keyring,
            about=police.ids["C1"],
            words="gone since 4, blue coat",
            said_by=None,
            at=datetime.now(UTC),
        )
    _, notice = await police.notice(words=(kept,))
    assert [each["words"] for each in notice["data"]["said"]] == ["gone since 4, blue coat"]


@pytest.mark.parametrize(
    ("wording", "kind", "about"),
    [
        (Wording("missing-notice"), "new", "missing"),
        (Wording("missing-update"), "update", "new-information"),
        (Wording("located-notice"), "update", "located"),
        (Wording("returned-notice"), "update", "returned"),
        (Wording("return-withdrawn-notice"), "update", "return-withdrawn"),
        (Wording("report-retracted-notice"), "cancel", "report-retracted"),
        (Wording("return-claimed-notice"), "update", "return-claimed"),
        (Wording("retraction-claimed-notice"), "update", "retraction-claimed"),
        (Wording("location-claimed-notice"), "update", "location-claimed"),
        (Wording("reference-passed-on"), "update", "new-information"),
        (Wording("still-missing"), "update", "request"),
    ],
)
async def test_a_later_notice_says_what_has_changed_and_refers_to_the_first(
    police: Police, wording: Wording, kind: str, about: str
) -> None:
    first = uuid4()
    _, notice = await police.notice(wording=wording, refers_to=first)
    assert notice["type"] == f"missing-notice.{kind}"
    assert notice["data"]["about"] == about
    assert notice["data"]["refers_to"] == str(first)


BACK_AT = datetime(2026, 11, 24, 21, 40, tzinfo=UTC)


async def test_a_force_that_never_had_the_first_notice_learns_all_of_an_absence_from_its_end(police: Police) -> None:
    """The missing notice is called back before it was ever sent; that the child is back is told all the same, and is whole."""
    gone = datetime.now(UTC)
    first = await police.tell(act="tell", force="nobody-s-force")
    about = {"duty": first.content.duty, "episode": first.content.episode}
    await police.tell(act="withdraw", revision=2, **about)
    _, notice = await police.notice(
        wording=Wording("returned-notice"),
        refers_to=first.content.telling,
        missing_since=gone,
        returned_at=BACK_AT,
        episode=first.content.episode,
    )
    data = notice["data"]
    assert (notice["type"], data["about"]) == ("missing-notice.update", "returned")
    assert (data["child"]["name"], data["child"]["date_of_birth"]) == ("Amara C1 Diallo", "2011-03-04")
    assert (data["placement"]["address"], data["sender"]["telephone"]) == ("4 Mill Lane", "+441632960100")
    assert datetime.fromisoformat(data["missing_since"]) == gone
    assert datetime.fromisoformat(data["returned_at"]) == BACK_AT


async def test_a_failing_desk_gets_the_same_bytes_under_the_same_id_freshly_signed(police: Police) -> None:
    police.desk.answers = [status(500), status(503, retry_after="1")]
    told, _ = await police.notice()
    mine = [each for each in police.desk.received if each.id == str(told.content.telling)]
    assert len(mine) == 3
    assert len({each.body for each in mine}) == 1
    assert len({each.headers["webhook-timestamp"] for each in mine}) > 1
    assert all(each.verified for each in mine)


async def test_a_desk_that_is_gone_is_an_outcome_at_once(police: Police) -> None:
    police.desk.answers = [status(410)]
    told = await police.tell()
    await police.floor.until(told.content.telling, "failed")
    [failed] = await police.said_since(told, ("duty.failed",))
    assert failed["data"]["reason"] == "gone"


@pytest.mark.parametrize("force", [None, "nobodys-police"])
async def test_a_force_that_nobody_knows_is_an_outcome_at_once(police: Police, force: str | None) -> None:
    told = await police.tell(force=force)
    await police.floor.until(told.content.telling, "failed")
    [failed] = await police.said_since(told, ("duty.failed",))
    assert failed["data"]["reason"] == "no-address"


async def test_an_exercise_is_marked_and_goes_to_a_played_desk(police: Police) -> None:
    _, notice = await police.notice(exercise=True)
    assert notice["data"]["exercise"] is True


async def test_an_exercise_never_goes_to_a_real_force(police: Police, database: Database, keyring: Keyring) -> None:
    engine = database.engine("police")
    async with running(engine, keyring, sandbox=False) as (floor, handlers, _):
        told = received(child=police.ids["C1"], exercise=True, force=police.force, authority=police.authority)
        before = len(police.desk.received)
        async with floor.store.transaction() as uow:
            await handlers.on_police_notify(told, uow)
        await floor.until(told.content.telling, "failed")
        said = await floor.said(told.subject)
    await engine.dispose()
    assert len(police.desk.received) == before
    assert said[-1]["data"]["reason"] == "exercise"


async def test_the_exercise_authority_s_own_endpoint_gets_its_exercises(
    police: Police, database: Database, keyring: Keyring
) -> None:
    engine = database.engine("police")
    async with running(engine, keyring, sandbox=False, exercise_authority=police.authority) as (floor, handlers, _):
        told = received(child=police.ids["C1"], exercise=True, force=police.force, authority=police.authority)
        async with floor.store.transaction() as uow:
            await handlers.on_police_notify(told, uow)
        await floor.until(told.content.telling, "accepted")
    await engine.dispose()
    assert [each for each in police.desk.received if each.id == str(told.content.telling)]


async def test_the_lookups_name_fields_and_no_values(police: Police) -> None:
    told, _ = await police.notice()
    assert "child.name" in await police.looked_up(told)
    assert "Diallo" not in json.dumps(await police.floor.said(told.subject))


async def test_an_officers_acknowledgement_ends_the_duty_and_names_the_officer_in_the_register_alone(
    police: Police, database: Database
) -> None:
    told, _ = await police.notice()
    reply = await police.reply(answer(told, reference="NP-20261124-0042", reference_kind="missing-person"))
    assert reply.status_code == 202
    said = await police.said_since(told, FROM_THE_FORCE)
    assert [each["type"] for each in said] == [
        "police.acknowledged.v1",
        "police.reference-given.v1",
        "duty.acknowledged.v1",
    ]
    assert said[2]["data"]["duty"] == str(told.content.duty)
    assert said[2]["data"]["force"] == police.force
    assert said[1]["data"]["reference_kind"] == "missing-person"
    assert "Adeyemi" not in json.dumps(said)
    assert "NP-2026" not in json.dumps(said)
    kept = await words_kept(database, police.keyring, said[0]["data"]["words"] + said[1]["data"]["words"])
    assert {each.text for each in kept} == {"PC Adeyemi, NP 4127", "NP-20261124-0042"}
    assert (await police.floor.row(told.content.telling))["state"] == "acknowledged"


async def test_a_reference_alone_counts_as_acknowledged(police: Police) -> None:
    told, _ = await police.notice()
    await police.reply(answer(told, "police.reference-given", officer=None, reference="NP-1"))
    said = await police.said_since(told, FROM_THE_FORCE)
    assert [each["type"] for each in said] == ["police.reference-given.v1", "duty.acknowledged.v1"]


@pytest.mark.parametrize(
    ("kind", "about", "expected"),
    [
        ("police.risk-graded", {"grade": "high"}, "police.risk-graded.v1"),
        ("police.closed", {}, "police.closed.v1"),
        ("police.information", {"words": "seen at the station"}, "child.information-received.v1"),
        ("police.located", {}, "child.located.v1"),
        ("police.returned", {}, "child.returned.v1"),
        ("police.safe-and-well-checked", {}, "safe-and-well-check.recorded.v1"),
    ],
)
async def test_whatever_else_a_force_tells_becomes_its_event(
    police: Police, kind: str, about: dict[str, Any], expected: str
) -> None:
    told, _ = await police.notice()
    assert (await police.reply(answer(told, kind, **about))).status_code == 202
    assert expected in await police.floor.kinds_said(told.subject)


NEWS = [
    ("police.risk-graded", {"grade": "high"}),
    ("police.closed", {}),
    ("police.information", {"words": "seen at the station"}),
    ("police.located", {}),
    ("police.returned", {}),
    ("police.safe-and-well-checked", {}),
]


@pytest.mark.parametrize(("kind", "about"), NEWS)
async def test_news_that_names_no_officer_and_no_reference_stops_nobody_from_being_told(
    police: Police, kind: str, about: dict[str, Any]
) -> None:
    told, _ = await police.notice()
    assert (await police.reply(answer(told, kind, officer=None, **about))).status_code == 202
    assert "duty.acknowledged.v1" not in await police.floor.kinds_said(told.subject)
    assert (await police.floor.row(told.content.telling))["state"] == "accepted"


@pytest.mark.parametrize("who", [{"officer": OFFICER}, {"officer": None, "reference": "NP-1"}])
@pytest.mark.parametrize(("kind", "about"), NEWS)
async def test_any_reply_with_an_officer_or_a_reference_acknowledges(
    police: Police, kind: str, about: dict[str, Any], who: dict[str, Any]
) -> None:
    told, _ = await police.notice()
    await police.reply(answer(told, kind, **about, **who))
    assert (await police.floor.kinds_said(told.subject)).count("duty.acknowledged.v1") == 1
    assert (await police.floor.row(told.content.telling))["state"] == "acknowledged"


async def test_a_forces_word_that_the_child_is_back_is_verified(police: Police) -> None:
    told, _ = await police.notice()
    await police.reply(answer(told, "police.returned"))
    [returned] = await police.said_since(told, ("child.returned",))
    assert returned["data"]["proof"] == "force"


@pytest.mark.parametrize("kind", ["police.returned", "police.located", "police.safe-and-well-checked"])
async def test_a_word_that_comes_late_is_of_when_it_happened_and_of_the_episode_whose_notice_it_answers(
    police: Police, kind: str
) -> None:
    now = datetime.now(UTC)
    happened = now - timedelta(hours=10)
    told, _ = await police.notice(created_at=now - timedelta(hours=11))
    late = answer(told, kind) | {"timestamp": happened.isoformat()}
    assert (await police.reply(late)).status_code == 202
    [news] = await police.said_since(told, ("child.", "safe-and-well-check."))
    assert (datetime.fromisoformat(news["time"]), news["data"]["episode"]) == (happened, str(told.content.episode))
    [acknowledged] = await police.said_since(told, ("duty.acknowledged",))
    assert datetime.fromisoformat(acknowledged["time"]) >= now, "that it was answered counts from when we heard it"


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(hours=2)])
async def test_a_return_before_the_report_or_in_the_future_ends_nothing_until_its_time_is_put_right(
    police: Police, off: timedelta
) -> None:
    now = datetime.now(UTC)
    told, _ = await police.notice(missing_since=now - timedelta(hours=1))
    reply, reply_id = answer(told, "police.returned"), f"msg_{uuid4().hex}"
    refused = await police.reply(reply | {"timestamp": (now + off).isoformat()}, id=reply_id)
    assert (refused.status_code, refused.json()["field"]) == (422, "timestamp")
    assert await police.said_since(told, ("child.", "duty.acknowledged")) == []
    assert (await police.reply(reply, id=reply_id)).status_code == 202
    assert len(await police.said_since(told, ("child.returned",))) == 1


async def test_the_same_reply_again_has_one_effect_and_the_same_answer(police: Police) -> None:
    told, _ = await police.notice()
    reply, reply_id = answer(told), "msg_once"
    first = await police.reply(reply, id=f"{reply_id}{police.force}")
    second = await police.reply(reply, id=f"{reply_id}{police.force}")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert (await police.floor.kinds_said(told.subject)).count("duty.acknowledged.v1") == 1


async def test_one_id_with_other_content_is_refused(police: Police) -> None:
    told, _ = await police.notice()
    reply_id = f"msg_{uuid4().hex}"
    await police.reply(answer(told), id=reply_id)
    assert (await police.reply(answer(told, "police.closed"), id=reply_id)).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": SECRET},
        {"off": timedelta(minutes=-6)},
        {"off": timedelta(minutes=6)},
        {"force": "nobodys-police"},
    ],
)
async def test_what_is_not_signed_by_this_force_now_is_refused_alike(police: Police, wrong: dict[str, Any]) -> None:
    told, _ = await police.notice()
    refused = await police.reply(answer(told), **wrong)
    assert refused.status_code == 401
    assert refused.json() == {
        "title": "Not signed",
        "status": 401,
        "detail": "No secret of this force's signs this request.",
    }


async def test_missing_or_malformed_headers_are_refused(police: Police) -> None:
    for headers in (
        {},
        {"webhook-id": "m", "webhook-timestamp": "x", "webhook-signature": "v1,"},
        {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "nonsense"},
    ):
        refused = await police.http.post(f"/forces/{police.force}/replies", content=b"{}", headers=headers)
        assert refused.status_code == 401


async def test_another_forces_notice_another_episode_and_no_notice_are_refused_alike(
    police: Police, database: Database, keyring: Keyring
) -> None:
    told, _ = await police.notice()
    casework = database.engine("casework")
    other = authority()
    await load(casework, keyring, other, datetime.now(UTC))
    await casework.dispose()
    by_other_force = await police.reply(answer(told), force=other["forces"][0]["id"])
    other_episode = await police.reply(answer(told, episode=str(uuid4())))
    no_notice = await police.reply(answer(told, notice=str(uuid4())))
    assert {each.status_code for each in (by_other_force, other_episode, no_notice)} == {404}
    assert by_other_force.json() == other_episode.json() == no_notice.json()
    assert "duty.acknowledged.v1" not in await police.floor.kinds_said(told.subject)


async def test_a_refused_reply_may_be_put_right_under_the_same_id(police: Police) -> None:
    told, _ = await police.notice()
    reply_id = f"msg_{uuid4().hex}"
    assert (await police.reply(answer(told, notice=str(uuid4())), id=reply_id)).status_code == 404
    assert (await police.reply(answer(told), id=reply_id)).status_code == 202


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "police.guessed"}, "type"),
        ({"timestamp": "2026-11-24T12:00:00"}, "timestamp"),
        ({"timestamp": "noon"}, "timestamp"),
        ({"data": {"notice": "1"}}, "data.notice"),
        ({"data": None}, "data"),
        ({"data": {"notice": str(uuid4()), "officer": {"name": "PC A"}}}, "data.officer.collar_number"),
        ({"data": {"notice": str(uuid4())}}, "data.officer"),
        ({"type": "police.risk-graded", "data": {"notice": str(uuid4())}}, "data.grade"),
    ],
)
async def test_a_malformed_reply_is_refused_by_the_field_that_is_wrong(
    police: Police, change: dict[str, Any], field: str
) -> None:
    reply = {"type": "police.acknowledged", "timestamp": datetime.now(UTC).isoformat(), "data": {}} | change
    refused = await police.reply(reply)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["field"] == field


@pytest.mark.parametrize(
    ("kind", "about", "field", "said"),
    [
        ("police.acknowledged", {"officer": OFFICER | {"name": "PC A\nC2"}}, "data.officer.name", "One line is needed"),
        ("police.reference-given", {"reference": "NP\u20281"}, "data.reference", "One line is needed"),
        ("police.information", {"words": "seen\0"}, "data.words", "No NUL character"),
    ],
)
async def test_a_character_that_may_not_be_there_is_named_in_words(
    police: Police, kind: str, about: dict[str, Any], field: str, said: str
) -> None:
    reply = {"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": {"notice": str(uuid4())} | about}
    [error] = (await police.reply(reply)).json()["errors"]
    assert error["field"] == field
    assert error["detail"].startswith(said)
    assert "pattern" not in error["detail"]


async def test_a_reference_whose_kind_is_left_out_is_an_incidents(police: Police) -> None:
    told, _ = await police.notice()
    await police.reply(answer(told, "police.reference-given", officer=None, reference="NP-1"))
    [given] = await police.said_since(told, ("police.reference-given",))
    assert given["data"]["reference_kind"] == "incident"


async def test_bad_bytes_are_refused(police: Police) -> None:
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    assert (await police.reply(b"not json")).status_code == 422
    assert (await police.reply(deep)).status_code == 422
    assert (await police.reply(b"\xff\xfe")).status_code == 401
    assert (await police.reply(b"[" + b" " * 70_000 + b"]")).status_code == 413


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "timestamp", "data", "notice", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
async def test_no_signed_body_whatever_is_our_fault(police: Police, body: Any) -> None:
    answered = await police.reply(json.dumps(body).encode())
    assert answered.status_code in {404, 422}
