"""Police desks: notices in, a person's replies out."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from infra.sandbox import desks
from tests.support.outside.sandbox import (
    FORCE,
    NOTICE_SECRET,
    OLD_NOTICE_SECRET,
    REPLY_SECRET,
    Outside,
    eventually,
)

pytestmark = pytest.mark.usefixtures("each_moment")

REPLIES = f"/forces/{FORCE}/replies"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "SECONDS_TO_ACKNOWLEDGE", 0.02)
    monkeypatch.setattr(desks, "REPLY_PAUSES", (0.02,))


def sign(
    notice: dict[str, Any], secret: str = NOTICE_SECRET, at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    body, now, notice_id = json.dumps(notice), at or datetime.now(UTC), str(notice["data"]["notice"])
    signature = Webhook(secret).sign(notice_id, now, body)
    stamp = str(int(now.timestamp()))
    return body.encode(), {"webhook-id": notice_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def new_notice(kind: str = "missing-notice.new", **more: Any) -> dict[str, Any]:
    data = {"notice": str(uuid.uuid4()), "episode": "7d7f1e2a-episode", "exercise": False} | more
    return {"type": kind, "timestamp": "2026-11-24T18:00:00Z", "data": data}


async def post(outside: Outside, body: bytes, headers: dict[str, str], **more: Any) -> httpx.Response:
    return await outside.scripts.post(f"/desks/{FORCE}/notices", content=body, headers=headers, **more)


def replies(outside: Outside) -> list[dict[str, Any]]:
    """Verify each reply as Safe Return would, with the published library, and read it."""
    verifier = Webhook(REPLY_SECRET)
    return [verifier.verify(request.body, request.headers) for request in outside.application.at(REPLIES)]


def has_replied(outside: Outside, times: int) -> bool:
    return len(replies(outside)) == times


async def test_a_signed_notice_is_kept_and_acknowledged_by_a_named_officer_with_a_reference(outside: Outside) -> None:
    notice = new_notice()
    assert (await post(outside, *sign(notice))).is_success
    await eventually(lambda: replies(outside))
    (reply,) = replies(outside)
    assert reply["type"] == "police.acknowledged"
    assert reply["data"]["notice"] == notice["data"]["notice"]
    assert reply["data"]["episode"] == "7d7f1e2a-episode"
    assert reply["data"]["officer"]["collar_number"].startswith("NP ")
    assert reply["data"]["reference"] == f"NP-{datetime.now(UTC):%Y%m%d}-0001"
    (held,) = await outside.get("/notices")
    assert (held["verified"], held["force"], held["body"], held["acknowledged"]) == (True, FORCE, notice, True)


async def test_a_notice_under_the_secret_before_the_change_is_verified_too(outside: Outside) -> None:
    assert (await post(outside, *sign(new_notice(), OLD_NOTICE_SECRET))).is_success
    assert [held["verified"] for held in await outside.get("/notices")] == [True]


async def test_a_second_notice_of_the_same_absence_is_recorded_under_the_same_reference(outside: Outside) -> None:
    """Such as one that the child may be lured: it is new too."""
    for number, episode in enumerate(("one", "one", "other", None, None), start=1):
        await post(outside, *sign(new_notice(episode=episode)))
        await eventually(partial(has_replied, outside, number))
    given = [each["data"]["reference"][-4:] for each in replies(outside)]
    assert given == ["0001", "0001", "0002", "0003", "0004"]


@pytest.mark.parametrize("kind", ["missing-notice.update", "missing-notice.cancel"])
async def test_an_update_or_a_cancel_is_acknowledged_without_a_reference(outside: Outside, kind: str) -> None:
    await post(outside, *sign(new_notice(kind)))
    await eventually(lambda: replies(outside))
    assert "reference" not in replies(outside)[0]["data"]


async def test_a_repeated_notice_is_taken_counted_and_not_acknowledged_again(outside: Outside) -> None:
    body, headers = sign(new_notice())
    for _ in range(3):
        assert (await post(outside, body, headers)).is_success
    await eventually(lambda: replies(outside))
    await asyncio.sleep(0.1)
    assert len(replies(outside)) == 1
    (held,) = await outside.get("/notices")
    assert (held["repeats"], held["conflicts"]) == (2, 0)


async def test_the_same_id_with_other_content_is_counted_as_a_conflict(outside: Outside) -> None:
    notice = new_notice()
    await post(outside, *sign(notice))
    notice["data"]["exercise"] = True
    await post(outside, *sign(notice))
    (held,) = await outside.get("/notices")
    assert (held["repeats"], held["conflicts"], held["body"]["data"]["exercise"]) == (1, 1, False)


async def test_a_notice_that_is_not_verified_is_refused_kept_apart_and_hides_no_true_one(outside: Outside) -> None:
    notice = new_notice()
    body, headers = sign(notice, "whsec_c29tZWJvZHktZWxzZS1zZWNyZXQ=")
    assert (await post(outside, body, headers)).status_code == 401
    assert (await post(outside, *sign(notice))).is_success
    assert [held["verified"] for held in await outside.get("/notices")] == [False, True]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "x", "webhook-timestamp": "now", "webhook-signature": "v1,xx"},
        {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "nonsense"},
    ],
)
async def test_malformed_signature_headers_are_refused(outside: Outside, headers: dict[str, str]) -> None:
    assert (await post(outside, b"{}", headers)).status_code == 401


async def test_a_body_that_is_not_utf_8_is_refused_and_can_be_seen(outside: Outside) -> None:
    _, headers = sign(new_notice())
    assert (await post(outside, b"\xff\xfe", headers)).status_code == 401
    assert [held["verified"] for held in await outside.get("/notices")] == [False]


async def test_a_notice_signed_ten_minutes_ago_is_refused(outside: Outside) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=10)
    assert (await post(outside, *sign(new_notice(), at=long_ago))).status_code == 401


async def test_an_unknown_force_has_no_desk(outside: Outside) -> None:
    body, headers = sign(new_notice())
    answer = await outside.scripts.post("/desks/westmoor-police/notices", content=body, headers=headers)
    assert answer.status_code == 404


async def test_the_acknowledgement_is_repeated_under_one_id_until_it_is_taken(outside: Outside) -> None:
    outside.application.refusals[REPLIES] = [503, 404, 500]
    await post(outside, *sign(new_notice()))
    await eventually(lambda: len(outside.application.at(REPLIES)) == 4)
    assert len({request.headers["webhook-id"] for request in outside.application.at(REPLIES)}) == 1
    await eventually(lambda: outside.world.desks.notices.since(0)[0][1].acknowledged)


async def test_a_desk_told_not_to_acknowledge_takes_notices_in_silence(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", acknowledges=False)
    assert (await post(outside, *sign(new_notice()))).is_success
    await asyncio.sleep(0.15)
    assert replies(outside) == []
    assert [held["acknowledged"] for held in await outside.get("/notices")] == [False]


async def test_a_failing_desk_answers_its_status_and_keeps_nothing(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", mode="failing", status=502)
    assert (await post(outside, *sign(new_notice()))).status_code == 502
    assert await outside.get("/notices") == []


async def test_a_silent_desk_never_answers_and_keeps_nothing(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", mode="silent")
    with pytest.raises(httpx.ReadTimeout):
        await post(outside, *sign(new_notice()), timeout=0.3)
    assert await outside.get("/notices") == []


async def test_a_hanging_desk_keeps_the_notice_and_never_ends_its_answer(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", mode="hang")
    body, headers = sign(new_notice())
    with pytest.raises(httpx.ReadTimeout):
        await post(outside, body, headers, timeout=1.0)
    await outside.behave(f"desks/{FORCE}")
    assert (await post(outside, body, headers)).is_success
    assert [held["repeats"] for held in await outside.get("/notices")] == [1]


async def test_a_slow_desk_takes_its_time_and_then_the_notice(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", mode="slow", delay_seconds=0.2)
    started = asyncio.get_running_loop().time()
    assert (await post(outside, *sign(new_notice()))).is_success
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_a_person_at_the_desk_can_grade_the_risk(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", acknowledges=False)
    notice = new_notice()
    await post(outside, *sign(notice))
    graded = {"notice": notice["data"]["notice"], "type": "police.risk-graded", "grade": "high"}
    assert (await outside.scripts.post(f"/desks/{FORCE}/replies", json=graded)).status_code == 202
    await eventually(lambda: replies(outside))
    (reply,) = replies(outside)
    assert (reply["type"], reply["data"]["grade"]) == ("police.risk-graded", "high")


async def test_a_person_at_the_desk_can_acknowledge_by_hand(outside: Outside) -> None:
    await outside.behave(f"desks/{FORCE}", acknowledges=False)
    notice = new_notice()
    await post(outside, *sign(notice))
    by_hand = {"notice": notice["data"]["notice"], "type": "police.acknowledged"}
    await outside.scripts.post(f"/desks/{FORCE}/replies", json=by_hand)
    await eventually(lambda: outside.world.desks.notices.since(0)[0][1].acknowledged)
    assert replies(outside)[0]["data"]["reference_kind"] == "incident"


async def test_a_reply_about_a_notice_that_the_desk_does_not_hold_is_refused(outside: Outside) -> None:
    answer = await outside.scripts.post(f"/desks/{FORCE}/replies", json={"notice": "none", "type": "police.closed"})
    assert answer.status_code == 404
