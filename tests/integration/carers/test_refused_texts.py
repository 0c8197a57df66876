"""What is refused at Twilio's doors, with which words, and how it is counted: a refused text may be a lost report."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.carers.inbound.intake import Intake, Spool
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.carers import ACCOUNT_SID, OTHER_TOKEN, Carers, Kestrel, as_json, carers
from tests.support.outside.twilio_posts import TYPE, counted, escaped, form_of, post, signed_bytes

OTHER_ACCOUNT, FURTHER_ACCOUNT = "AC" + "9" * 32, "AC" + "1" * 32


@pytest.fixture
async def two_accounts(database: Database, keyring: Keyring, tmp_path: Path, kestrel: Kestrel) -> AsyncIterator[Carers]:
    name = kestrel.document["authority"]["id"]
    further = f"{FURTHER_ACCOUNT} AC2"
    async with carers(
        database, keyring, tmp_path / "spool", authority=name, twilio_further_accounts=further
    ) as running:
        yield running


async def test_another_account_is_refused_though_its_signature_is_right(service: Carers, kestrel: Kestrel) -> None:
    with counted("inbound", "Another account", "twilio"):
        answer = await service.text(kestrel.phone("cat"), "MISSING", AccountSid=OTHER_ACCOUNT)
    assert (answer.status_code, as_json(answer)["field"]) == (403, "AccountSid")


async def test_of_two_accounts_one_may_not_hide_behind_the_other(service: Carers, kestrel: Kestrel) -> None:
    pairs = [*form_of(kestrel.phone("cat"), b"MISSING"), (b"AccountSid", OTHER_ACCOUNT.encode())]
    assert (await post(service, escaped(pairs), signed_bytes(pairs))).status_code == 403


@pytest.mark.parametrize("account", [ACCOUNT_SID, FURTHER_ACCOUNT, "AC2", None])
async def test_each_account_that_is_set_is_taken_and_so_is_a_signed_text_that_names_none(
    two_accounts: Carers, kestrel: Kestrel, account: str | None
) -> None:
    assert (await two_accounts.text(kestrel.phone("cat"), "MISSING", AccountSid=account)).status_code == 200


@pytest.mark.parametrize("one_header", [True, False])
@pytest.mark.parametrize("other", ["AAAA", None])
async def test_two_signatures_are_refused_though_one_is_right(
    service: Carers, kestrel: Kestrel, *, one_header: bool, other: str | None
) -> None:
    pairs = form_of(kestrel.phone("cat"), b"MISSING")
    both = (other or signed_bytes(pairs, OTHER_TOKEN), signed_bytes(pairs))
    with counted("inbound", "Several signatures", "twilio"):
        answer = await post(service, escaped(pairs), *([", ".join(both)] if one_header else both))
    assert (answer.status_code, as_json(answer)["field"]) == (400, "x-twilio-signature")


async def test_two_wrong_signatures_are_nobody_s_lost_report(service: Carers, kestrel: Kestrel) -> None:
    with counted("inbound", "Several signatures", "account"):
        answer = await post(service, escaped(form_of(kestrel.phone("cat"), b"MISSING")), "AAAA", "BBBB")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "whose"),
    [
        ({"token": "stolen"}, "account"),
        ({"token": "stolen", "AccountSid": OTHER_ACCOUNT}, "anybody"),
        ({"token": "stolen", "AccountSid": None}, "anybody"),
    ],
)
async def test_a_wrong_signature_is_counted_by_whether_it_names_our_account(
    service: Carers, kestrel: Kestrel, changes: dict[str, Any], whose: str
) -> None:
    """Only what strangers do not know may wake somebody at night."""
    with counted("inbound", "Not from Twilio", whose):
        assert (await service.text(kestrel.phone("cat"), "MISSING", **changes)).status_code == 403


@pytest.mark.parametrize(
    ("more", "field", "detail"),
    [
        ([(b"MessageSid", b"SM2")], "MessageSid", "MessageSid is there more than once."),
        ([(b"From", b"+447700900999")], "From", "From is there more than once."),
    ],
)
async def test_two_ids_or_senders_are_refused_by_name(
    service: Carers, kestrel: Kestrel, more: list[tuple[bytes, bytes]], field: str, detail: str
) -> None:
    pairs = form_of(kestrel.phone("cat"), b"MISSING") + more
    with counted("inbound", "Not a text", "twilio"):
        answer = await post(service, escaped(pairs), signed_bytes(pairs))
    assert (answer.status_code, as_json(answer)["field"], as_json(answer)["detail"]) == (400, field, detail)


async def test_an_id_that_no_index_holds_is_refused_by_name(service: Carers, kestrel: Kestrel) -> None:
    answer = await service.text(kestrel.phone("cat"), "MISSING", sid="SM" + "a" * 9000)
    assert (answer.status_code, as_json(answer)["field"]) == (400, "MessageSid")


async def test_a_text_without_its_sender_is_counted_as_lost(service: Carers, kestrel: Kestrel) -> None:
    with counted("inbound", "Not a text", "twilio"):
        await service.text(kestrel.phone("cat"), "MISSING", From=None)


async def test_what_can_be_kept_nowhere_and_what_our_code_fails_at_is_counted_as_lost(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_intake: Intake, _text: object) -> bool:
        return False

    def full(_spool: Spool, _text: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Intake, "_to_database", away)
    monkeypatch.setattr(Spool, "put", full)
    with counted("inbound", "Not now", "twilio"):
        assert (await service.text(kestrel.phone("cat"), "MISSING")).status_code == 503

    def broken(_spool: Spool, _text: object) -> None:
        raise ValueError

    monkeypatch.setattr(Spool, "put", broken)
    with counted("inbound", "Our fault", "twilio"):
        assert (await service.text(kestrel.phone("cat"), "MISSING")).status_code == 500
    with counted("inbound", "Our fault", "twilio"):
        assert (await service.call("choice", kestrel.phone("cat"), CallSid="CA7", Digits="1")).status_code == 500


async def test_garbage_is_anybody_s(service: Carers) -> None:
    with counted("inbound", "Body too large", "anybody"):
        await service.client.post("/texts/inbound", content=b"Body=" + b"a" * 70_000, headers=TYPE)
    with counted("inbound", "Not from Twilio", "anybody"):
        await service.client.post("/texts/inbound?\xff", content=b"\xff\xfe=%ff", headers=TYPE)
    with counted("status", "Not a form", "anybody"):
        await service.client.post("/texts/status", content=b"&".join([b"a=1"] * 300), headers=TYPE)


async def test_what_is_rightly_signed_is_counted_so_that_a_wrong_token_shows(service: Carers, kestrel: Kestrel) -> None:
    before = REGISTRY.get_sample_value("texts_signed_total") or 0
    await service.text(kestrel.phone("cat"), "MISSING")
    await service.text(kestrel.phone("cat"), "MISSING", token="stolen")
    assert REGISTRY.get_sample_value("texts_signed_total") == before + 1


SHOWS = """
from prometheus_client import generate_latest
from services.platform.delivery.sms_status.webhook import TwilioDoor
TwilioDoor("{door}", public_url="", tokens=tuple, accounts=())
print(generate_latest().decode())
"""


@pytest.mark.parametrize(
    ("door", "watched"),
    [
        (
            "inbound",
            {
                "twilio": ("Several signatures", "Another account", "Not a text", "Not a call", "Not now", "Our fault"),
                "notify": ("Not a callback", "Not now", "Our fault"),
                "account": ("Not from Twilio",),
            },
        ),
        (
            "status",
            {
                "twilio": ("Several signatures", "Another account", "Not a report"),
                "notify": ("Not a callback",),
                "account": ("Not from Twilio",),
            },
        ),
    ],
)
def test_what_alerts_is_counted_from_nought_when_the_service_starts(
    door: str, watched: dict[str, tuple[str, ...]]
) -> None:
    """Of a count that appears as 1, Prometheus sees no increase: the first refused text would wake nobody."""
    command = [sys.executable, "-c", SHOWS.format(door=door)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = {
        f'texts_refused_total{{door="{door}",reason="{reason}",whose="{whose}"}} 0.0'
        for whose, reasons in watched.items()
        for reason in reasons
    }
    assert {each for each in shown.splitlines() if each.startswith("texts_refused_total{")} == wanted
