"""Webhooks as a force's machine meets them: signatures, refusals, hostile networks. The published library verifies."""

import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook

from services.platform.delivery.channels import webhook
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.webhook import (
    CheckedResolver,
    ForbiddenDestination,
    WebhookClients,
    WebhookMedium,
    read_answer,
    signed,
)
from services.safeguarding.duty.decisions import AttemptResult
from tests.support.addresses import FORBIDDEN
from tests.support.in_process.delivery import sending
from tests.support.in_process.register import OTHER_SECRET, SECRET
from tests.support.outside.desk import (
    Answering,
    FaultyDesk,
    cut,
    endless,
    faulty_desk,
    hang,
    reset,
    silent_door,
    stall,
    status,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
async def desk() -> AsyncIterator[FaultyDesk]:
    async with faulty_desk(SECRET) as running:
        yield running


@pytest.fixture
async def medium() -> AsyncIterator[WebhookMedium]:
    started = WebhookMedium(sandbox=True)
    await started.start()
    yield started
    await started.stop()


async def test_a_notice_arrives_with_its_exact_bytes_and_a_signature_that_the_published_library_verifies(
    desk: FaultyDesk, medium: WebhookMedium
) -> None:
    notice = sending(desk.url, body='{"child": "Zoë 😀", "n": 1.0}')
    answer = await medium.send(notice)
    assert answer == SendResult(AttemptResult.ACCEPTED, 204)
    assert desk.received[0].verified
    assert desk.received[0].id == str(notice.id)
    assert desk.received[0].body == notice.body.encode()


async def test_it_is_signed_by_the_machines_own_clock(desk: FaultyDesk, medium: WebhookMedium) -> None:
    """Nobody outside goes by the database's, which may be the wrong one."""
    await medium.send(replace(sending(desk.url), now=NOW))
    assert desk.received[0].verified


@pytest.mark.parametrize("held", [SECRET, OTHER_SECRET])
async def test_during_a_rotation_either_secret_verifies(medium: WebhookMedium, held: str) -> None:
    async with faulty_desk(held) as desk:
        await medium.send(sending(desk.url, secrets=(SECRET, OTHER_SECRET)))
        assert desk.received[0].verified


async def test_a_desk_with_another_secret_does_not_verify(medium: WebhookMedium) -> None:
    async with faulty_desk(OTHER_SECRET) as desk:
        await medium.send(sending(desk.url))
        assert not desk.received[0].verified


def test_a_time_with_another_zone_signs_the_same_moment() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    assert signed("msg", "{}", (SECRET,), elsewhere) == signed("msg", "{}", (SECRET,), NOW)
    assert signed("msg", "{}", (SECRET,), NOW)["webhook-signature"] == Webhook(SECRET).sign("msg", NOW, "{}")


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_2xx_alone_is_taken(code: int) -> None:
    assert read_answer(code, {}, NOW).result is AttemptResult.ACCEPTED


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_passes_is_tried_again(code: int) -> None:
    assert read_answer(code, {}, NOW).result is AttemptResult.RETRY


@pytest.mark.parametrize("code", [300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422, 451])
def test_every_other_answer_is_a_refusal_at_once(code: int) -> None:
    answer = read_answer(code, {}, NOW)
    assert (answer.result, answer.reason) == (AttemptResult.REFUSED, "refused")


def test_an_endpoint_that_is_gone_says_so() -> None:
    assert read_answer(410, {}, NOW).reason == "gone"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta()),
        ("Tue, 24 Nov 2026 12:00:45 GMT", timedelta(seconds=45)),
        ("Tue, 24 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("99999999999", timedelta(days=1)),
        ("9" * 59, None),
        ("9" * 5000, None),
        ("\u00b2", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2030 00:00:00 +999999999999", None),
        ("Mon, 01 Jan 2030 99:00:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +1200", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(value: str, expected: timedelta | None) -> None:
    assert read_answer(503, {"retry-after": value}, NOW).retry_after == expected


async def test_a_redirect_is_refused_and_not_followed(desk: FaultyDesk, medium: WebhookMedium) -> None:
    desk.answers = [status(307, location=f"{desk.url}/elsewhere")]
    assert (await medium.send(sending(desk.url))).result is AttemptResult.REFUSED
    assert len(desk.received) == 1


async def test_an_overloaded_desk_says_when_to_come_back(desk: FaultyDesk, medium: WebhookMedium) -> None:
    desk.answers = [status(429, retry_after="7")]
    assert await medium.send(sending(desk.url)) == SendResult(
        AttemptResult.RETRY, 429, retry_after=timedelta(seconds=7)
    )


@pytest.mark.parametrize("lost", [reset, hang])
async def test_where_the_answer_is_lost_nobody_knows_whether_the_desk_has_the_notice(
    desk: FaultyDesk, medium: WebhookMedium, monkeypatch: pytest.MonkeyPatch, lost: Answering
) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.5)
    desk.answers = [lost]
    answer = await medium.send(sending(desk.url))
    assert answer == SendResult(AttemptResult.UNKNOWN)
    assert answer.lane_fails
    assert desk.received[0].verified


@pytest.mark.parametrize(("code", "result"), [(200, AttemptResult.ACCEPTED), (503, AttemptResult.RETRY)])
@pytest.mark.parametrize("breaks_off", [stall, cut])
async def test_a_status_is_the_answer_whatever_becomes_of_the_words_that_follow_it(
    desk: FaultyDesk,
    medium: WebhookMedium,
    monkeypatch: pytest.MonkeyPatch,
    breaks_off: Callable[[int], Answering],
    code: int,
    result: AttemptResult,
) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.5)
    desk.answers = [breaks_off(code)]
    assert await medium.send(sending(desk.url)) == SendResult(result, code)


async def test_where_no_connection_comes_about_in_time_nothing_was_sent(
    medium: WebhookMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a firewall that drops what it does not like: here a machine that never answers the greeting of TLS."""
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 0.3)
    async with silent_door() as port:
        answer = await medium.send(sending(f"https://127.0.0.1:{port}/notices"))
    assert answer == SendResult(AttemptResult.RETRY)


async def test_a_name_that_cannot_be_looked_up_is_tried_again() -> None:
    assert await send_by_name("https://police.example/notices", NoNames()) == SendResult(AttemptResult.RETRY)


async def test_a_desk_that_talks_without_end_is_listened_to_for_20_kilobytes(
    desk: FaultyDesk, medium: WebhookMedium
) -> None:
    desk.answers = [endless]
    assert (await medium.send(sending(desk.url))).result is AttemptResult.ACCEPTED


async def test_nobody_at_home_is_tried_again(medium: WebhookMedium) -> None:
    assert (await medium.send(sending("http://127.0.0.1:9/notices"))).result is AttemptResult.RETRY


async def test_after_a_fault_the_next_notice_goes_through(desk: FaultyDesk, medium: WebhookMedium) -> None:
    desk.answers = [reset, endless, status(500)]
    for _ in range(3):
        await medium.send(sending(desk.url))
    assert (await medium.send(sending(desk.url))).result is AttemptResult.ACCEPTED


HOSTILE = [
    *((each,) for each in FORBIDDEN),
    ("93.184.216.34", "127.0.0.1"),
    ("2606:4700:4700::1111", "169.254.169.254"),
    ("10.0.0.8", "93.184.216.34"),
]
"""What a name's server answers: each address of the table, and one of them beside a public one."""


class NoNames(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        raise socket.gaierror(socket.EAI_AGAIN, "name server away")

    async def close(self) -> None: ...


class HostileNames(AbstractResolver):
    """Answers each look-up of a name with the next of its addresses, as a rebinding attacker's server would."""

    def __init__(self, *addresses: tuple[str, ...]) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for each in found
        ]

    async def close(self) -> None: ...


async def send_by_name(url: str, names: AbstractResolver, *, sandbox: bool = False) -> SendResult:
    medium = WebhookMedium(sandbox=sandbox, resolver=CheckedResolver(sandbox=sandbox, names=names))
    await medium.start()
    try:
        return await medium.send(sending(url))
    finally:
        await medium.stop()


def test_the_table_against_a_hostile_resolver_has_at_least_sixty_cases() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("addresses", HOSTILE, ids=lambda each: " ".join(each) or "nothing")
async def test_a_name_that_stands_for_an_address_inside_is_refused_at_once(addresses: tuple[str, ...]) -> None:
    answer = await send_by_name("https://police.example/notices", HostileNames(addresses))
    assert answer == SendResult(AttemptResult.REFUSED, reason="refused")


async def test_a_name_is_looked_up_once_so_that_what_was_checked_is_what_is_connected_to(desk: FaultyDesk) -> None:
    names = HostileNames(("127.0.0.1",), ("169.254.169.254",))
    port = desk.url.rsplit(":", maxsplit=1)[1].split("/", maxsplit=1)[0]
    answer = await send_by_name(f"http://localhost:{port}/notices", names, sandbox=True)
    assert answer.result is AttemptResult.ACCEPTED
    assert names.asked == 1


async def test_a_second_connection_is_checked_anew() -> None:
    async with faulty_desk(SECRET) as desk:
        desk.answers = [reset]
        names = HostileNames(("127.0.0.1",), ("10.0.0.8",))
        medium = WebhookMedium(sandbox=True, resolver=CheckedResolver(sandbox=True, names=names))
        await medium.start()
        port = desk.url.rsplit(":", maxsplit=1)[1].split("/", maxsplit=1)[0]
        url = f"http://localhost:{port}/notices"
        assert (await medium.send(sending(url))).result is AttemptResult.UNKNOWN
        assert (await medium.send(sending(url))).result is AttemptResult.REFUSED
        await medium.stop()


@pytest.mark.parametrize(
    "url", ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "http://police.example/", "https://[::1]/"]
)
async def test_an_address_in_disguise_is_never_looked_up(url: str) -> None:
    names = HostileNames(("93.184.216.34",))
    assert (await send_by_name(url, names)).result is AttemptResult.REFUSED
    assert names.asked == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127。0。0。1"])
async def test_a_socket_is_checked_again_before_it_connects_whatever_the_client_takes_a_host_for(host: str) -> None:
    """The URL's own check is left out here: nothing is looked up for what the client itself takes for an address."""
    async with faulty_desk(SECRET) as desk:
        clients = WebhookClients(CheckedResolver(sandbox=False), total_seconds=5)
        url = desk.url.replace("127.0.0.1", host)
        with pytest.raises(ForbiddenDestination):
            await clients.of(url).post(url, content=b"{}")
        await clients.close()
        assert desk.received == []
