"""What somebody hostile, or broken, sends to the doors and links of police: refused by name, without a word of what we hold, and never our fault."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.links import GOOD_FOR, Links, Purpose
from services.platform.runtime.problems import FORM_BYTES, FORM_FIELDS
from services.platform.store.encryption import Keyring
from services.police.notices.sender import put_test
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import sending
from tests.support.in_process.police import LINK_KEY, REPLY_SECRET, Police, answer, by_mail, police_of
from tests.support.in_process.register import authority, load

NOTHING_FOLLOWS = ("police.acknowledged", "police.reference", "duty.acknowledged", "child.")
NOT_SIGNED = {"title": "Not signed", "status": 401, "detail": "No secret of this force's signs this request."}


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def posted(police: Police, body: bytes, path: str = "", **headers: Any) -> Any:
    """Signed with a good secret, and then altered by `headers`."""
    now, reply_id = datetime.now(UTC), headers.get("webhook-id", f"msg_{uuid4().hex}")
    name = reply_id.decode("latin-1") if isinstance(reply_id, bytes) else reply_id
    whole = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(REPLY_SECRET).sign(name, now, body.decode("utf-8", "replace")),
    } | headers
    raw = [
        (key.encode(), value if isinstance(value, bytes) else value.encode("latin-1")) for key, value in whole.items()
    ]
    return await police.http.post(path or f"/forces/{police.force}/replies", content=body, headers=raw)


@pytest.mark.parametrize(
    "force",
    ["%00", "%0a", "%ff", "%f0%9f%92%a9", "x" * 5000, "'%20OR%20'1'='1", "%2e%2e%2fregister", "NORTHMOOR-POLICE"],
)
@pytest.mark.parametrize("door", ["replies", "open-list"])
async def test_a_force_of_any_spelling_that_is_none_has_the_answer_of_a_wrong_signature(
    police: Police, force: str, door: str
) -> None:
    refused = await posted(police, b"{}", f"/forces/{force}/{door}")
    assert refused.status_code in {401, 404}
    if refused.status_code == 401:
        assert refused.json() == NOT_SIGNED


@pytest.mark.parametrize("stamp", ["inf", "-inf", "nan", "1e400", "-1", "0", "", "9" * 40, "0x65", "1_000", "٣"])
async def test_no_timestamp_opens_a_door_but_the_one_that_was_signed(police: Police, stamp: str) -> None:
    told, _ = await police.notice()
    altered: dict[str, Any] = {"webhook-timestamp": stamp.encode()}
    refused = await posted(police, json.dumps(answer(told)).encode(), **altered)
    assert (refused.status_code, refused.json()) == (401, NOT_SIGNED)


async def test_a_signature_is_good_for_its_body_its_id_its_time_and_five_minutes(police: Police) -> None:
    told, _ = await police.notice()
    body, then = json.dumps(answer(told)).encode(), datetime.now(UTC) - timedelta(minutes=4)
    stamp = str(int(then.timestamp()))
    signature = Webhook(REPLY_SECRET).sign("msg_a", then, body.decode())
    good = {"webhook-id": "msg_a", "webhook-timestamp": stamp, "webhook-signature": signature}
    changed: list[dict[str, str]] = [
        {"webhook-id": "msg_b"},
        {"webhook-timestamp": str(int(stamp) + 1)},
        {"webhook-signature": signature.replace("v1,", "v2,")},
        {"webhook-signature": signature.replace("v1,", "v1a,")},
        {"webhook-signature": ""},
        {"webhook-signature": signature[:-2]},
        {"webhook-signature": " ".join(["v1,AAAA"] * 2000)},
    ]
    for change in changed:
        assert (await posted(police, body, **(good | change))).status_code == 401
    assert (await posted(police, body + b" ", **good)).status_code == 401
    assert await police.said_since(told, ("duty.acknowledged",)) == []
    assert (await posted(police, body, **good)).status_code == 202


@pytest.mark.parametrize("reply_id", ["x" * 201, "x" * 6000, "Amara Diallo", "a\tb", b"caf\xe9", "msg_\x7f"])
async def test_an_id_that_is_no_id_is_refused_by_name_and_kept_nowhere(police: Police, reply_id: str | bytes) -> None:
    told, _ = await police.notice()
    for door in ("replies", "open-list"):
        path = f"/forces/{police.force}/{door}"
        refused = await posted(police, json.dumps(answer(told)).encode(), path, **{"webhook-id": reply_id})
        assert (refused.status_code, refused.json().get("field")) in {(400, "webhook-id"), (401, None)}
    assert await police.said_since(told, ("duty.acknowledged",)) == []


BODIES = {
    "nothing": b"",
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"type":"police.acknowledged"}'.encode("utf-16"),
    "compressed": gzip.compress(b'{"type":"police.acknowledged"}'),
    "a form": b"type=police.acknowledged",
    "a list": b"[]",
    "a number": b"1",
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "endless digits": b'{"type":' + b"9" * 60_000 + b"}",
    "not a number": b'{"type":NaN}',
    "half a surrogate": b'{"type":"police.acknowledged","timestamp":"2026-11-24T22:10:00Z","data":{"notice":"\\ud800"}}',
    "two documents": b"{}{}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_no_body_however_odd_is_our_fault(police: Police, body: bytes) -> None:
    refused = await posted(police, body)
    assert refused.status_code in {401, 422}
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("size", [65_537, 1_000_001, 5_000_000])
async def test_a_huge_body_is_refused_while_it_still_comes(police: Police, size: int) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(size // 1000 + 1):
            read += 1000
            yield b"x" * 1000

    for door, limit in (("replies", 65_536), ("open-list", 1_000_000)):
        read = 0
        refused = await police.http.post(f"/forces/{police.force}/{door}", content=endless())
        assert refused.status_code == (413 if size > limit else 401)
        assert read <= limit + 2000


@pytest.mark.parametrize(
    "told_of",
    [
        {"officer": {"name": "PC A\u0000", "collar_number": "1"}},
        {"officer": {"name": "PC A\nACKNOWLEDGED BY: Inspector B", "collar_number": "1"}},
        {"officer": {"name": "\ud800", "collar_number": "1"}},
        {"officer": {"name": "   ", "collar_number": "1"}},
        {"reference": "NP-1\r\nReference: NP-2"},
        {"reference": "x" * 121},
        {"words": "x" * 4001},
        {"words": "\u0000"},
        {"review_at": "0001-01-01T00:00:00Z"},
        {"review_at": "9999-12-31T23:59:59-12:00"},
    ],
)
async def test_what_would_forge_a_line_or_hold_no_text_is_refused_by_its_field(
    police: Police, told_of: dict[str, Any]
) -> None:
    told, _ = await police.notice()
    refused = await posted(
        police, json.dumps(answer(told, "police.information", **({"words": "x"} | told_of))).encode()
    )
    assert refused.status_code == 422
    assert next(iter(told_of)) in refused.json()["field"] or refused.json()["field"] == "body"
    assert await police.said_since(told, NOTHING_FOLLOWS) == []


async def test_a_notice_with_the_episode_of_another_child_of_the_same_force_is_none(police: Police) -> None:
    mine, _ = await police.notice(child="C1")
    other, _ = await police.notice(child="C2")
    mixed = answer(mine, "police.returned", episode=str(other.content.episode))
    refused = await police.reply(mixed)
    nobody = await police.reply(answer(mine, "police.returned", notice=str(uuid4())))
    assert (refused.status_code, refused.json()) == (404, nobody.json())
    for told in (mine, other):
        assert await police.said_since(told, ("child.returned", "duty.acknowledged")) == []


async def test_the_test_of_one_force_s_connection_is_not_another_s_to_answer(
    police: Police, database: Database, keyring: Keyring
) -> None:
    async with police.floor.store.transaction() as uow:
        test = await put_test(uow, keyring, police.force, datetime.now(UTC))
    await police.floor.until(test.id, "accepted")
    other, casework = authority(), database.engine("casework")
    await load(casework, keyring, other, datetime.now(UTC))
    await casework.dispose()
    about = {"notice": str(test.id), "officer": {"name": "PC A", "collar_number": "1"}}
    reply = {"type": "police.acknowledged", "timestamp": datetime.now(UTC).isoformat(), "data": about}
    assert (await police.reply(reply, force=other["forces"][0]["id"])).status_code == 404
    assert (await police.floor.row(test.id))["state"] == "accepted"


async def test_a_reply_captured_at_one_door_opens_no_other(police: Police) -> None:
    told, _ = await police.notice()
    body = json.dumps(answer(told)).encode()
    assert (await posted(police, body, f"/forces/{police.force}/open-list")).status_code == 422
    listed = {"type": "police.open-list", "timestamp": datetime.now(UTC).isoformat(), "data": {"open": []}}
    assert (await posted(police, json.dumps(listed).encode())).status_code == 422


@pytest.mark.parametrize("count", [5001, 20_000])
async def test_a_list_longer_than_any_force_s_is_refused(police: Police, count: int) -> None:
    each = {"episode": str(uuid4())}
    listed = {"type": "police.open-list", "timestamp": datetime.now(UTC).isoformat(), "data": {"open": [each] * count}}
    refused = await posted(
        police, json.dumps(listed, separators=(",", ":")).encode(), f"/forces/{police.force}/open-list"
    )
    assert refused.status_code in {413, 422}


@pytest.mark.parametrize("token", ["%00", "A" * 9000, "%C3%A9", "..%2f..", "a.b", "%ff%fe", "-", "=" * 66])
@pytest.mark.parametrize("purpose", ["notices", "details"])
async def test_no_token_but_ours_opens_a_link(police: Police, purpose: str, token: str) -> None:
    for answered in (
        await police.http.get(f"/{purpose}/{token}"),
        await police.http.post(f"/{purpose}/{token}", data={"answer": "read"}),
    ):
        assert answered.status_code == 404
        assert "Diallo" not in answered.text


async def test_a_link_of_another_key_or_past_its_time_or_of_another_purpose_opens_nothing(
    database: Database, keyring: Keyring
) -> None:
    async with police_of(database, keyring, by_mail) as police:
        told = await police.tell(wording=Wording("returned-notice"))
        await police.floor.until(told.content.telling, "accepted")
        delivery, now = told.content.telling, datetime.now(UTC)
        ours = Links(LINK_KEY, "")
        others = Links("bm90IG91ciBrZXkgbm90IG91ciBrZXkgbm90IG91cnM=", "")
        assert (await police.http.get(ours.url(Purpose.NOTICE, delivery, now))).status_code == 200
        for url, status in (
            (others.url(Purpose.NOTICE, delivery, now), 404),
            (ours.url(Purpose.NOTICE, delivery, now - GOOD_FOR - timedelta(seconds=1)), 410),
            (ours.url(Purpose.NOTICE, uuid4(), now), 404),
            (ours.url(Purpose.ACKNOWLEDGE, delivery, now).replace("/acknowledge/", "/notices/"), 404),
        ):
            opened = await police.http.post(url, data={"answer": "read"})
            assert (opened.status_code, "Diallo" in opened.text) == (status, False), url


async def test_a_form_that_is_none_and_one_that_is_huge_acknowledge_nothing(
    database: Database, keyring: Keyring
) -> None:
    async with police_of(database, keyring, by_mail) as police:
        told = await police.tell()
        await police.floor.until(told.content.telling, "accepted")
        url = Links(LINK_KEY, "").url(Purpose.NOTICE, told.content.telling, datetime.now(UTC))
        form, json = ({"content-type": each} for each in ("application/x-www-form-urlencoded", "application/json"))
        for content, headers, status in (
            (b"\xff\xfe", form, 200),
            (b"answer=have-it&name=%00&collar=%0d%0aX", form, 400),
            (b"answer=have-it&name=%01&collar=%0d%0aX", form, 200),
            (b"&" * 4000, form, 200),
            (b'{"answer":"have-it"}', form, 200),
            (b'{"answer":"have-it"}', json, 415),
            (b"answer=have-it", {}, 415),
            (b"answer=have-it&" + b"name=x&" * FORM_FIELDS, form, 400),
            (b"answer=have-it&name=" + b"x" * FORM_BYTES, form, 413),
        ):
            assert (await police.http.post(url, content=content, headers=headers)).status_code == status, content[:40]
        assert (await police.http.put(url)).status_code == 405
        assert await police.said_since(told, ("duty.acknowledged",)) == []


DISGUISED = [
    "127.0.0.1", "127%2e0%2e0%2e1", "127%2E0.0.1", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127.0.0.1%00", "127.0.0.1%20",
    "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:0:7f00:1]", "[::1%25lo]", "[64:ff9b::7f00:1]", "localhost", "LOCALHOST.",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "%6c%6f%63%61lhost", "0", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "127.0.0.1.", "1%327.0.0.1",
    "desk.example%40127.0.0.1", "desk.example\\@127.0.0.1", "desk.example:x@127.0.0.1", "127.0.0.1#.desk.example", "127.0.0.1?.desk.example",
]  # fmt: skip


@pytest.mark.parametrize("host", DISGUISED)
async def test_no_spelling_of_our_own_machine_is_connected_to(host: str) -> None:
    """A listener there counts: what two readers of one URL disagree about would show."""
    came = 0

    async def counted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        writer.close()

    listening = await asyncio.start_server(counted, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    medium = WebhookMedium(sandbox=False)
    async with listening:
        answered = await medium.send(sending(f"https://{host}:{port}/notices"))
        await medium.stop()
    assert came == 0
    assert answered.result is not AttemptResult.ACCEPTED


@pytest.mark.parametrize("host", ["127。0。0。1", "127．0．0．1", "127%2e0%2e0%2e1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"])
async def test_a_host_in_letters_of_other_scripts_or_escapes_is_refused_at_once(host: str) -> None:
    medium = WebhookMedium(sandbox=True)
    assert await medium.send(sending(f"https://{host}/notices")) == SendResult(AttemptResult.REFUSED, reason="refused")
    await medium.stop()
