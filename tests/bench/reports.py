"""Reports through a whole stack, and beside it through a peer, timed from the request's start to the desk."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from uuid import uuid4

import aiohttp
from kafka.admin import KafkaAdminClient, NewTopic
from twilio.request_validator import RequestValidator

from infra.local.settings.environment import SAFE_RETURN_NUMBER, account_sid, bare
from infra.local.settings.layout import ROOT
from infra.local.settings.secret_files import SecretFiles, token, webhook_secret
from infra.local.stack import Stack
from tests.bench.load import DeskLog, Spread, seconds, steadily
from tests.support.engines.ports import free_port
from tests.support.outside.world import World, towns_number

PEERS_FORCE = "southvale-police"
"""Not the town's. Its desk must answer nothing: Safe Return never heard of a peer's notice, and refuses each reply, over and over."""
PATIENCE_SECONDS = 90
STILL_SECONDS = 20
"""Beyond `PATIENCE_SECONDS`, for as long as desks go on hearing of more."""


class Reports:
    """One stack, its town, and the peers beside it, all on this machine at once; only one is loaded at a time."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, first_carer: int = 0) -> None:
        """Carers before `first_carer` have texted already: their notices would be taken for new ones."""
        self._stack, self._session = stack, session
        self._secrets = SecretFiles(stack.layout.secrets)
        self._desks = DeskLog(session, stack.endpoints["sandbox"])
        self._validator = RequestValidator(self._secrets.value("twilio_auth_token", token))
        self._next_carer = first_carer

    async def texts(self, count: int, a_second: float | None) -> Spread:
        """Carers text MISSING; the notice names the placement's telephone. Every duty is carried out meanwhile."""
        numbers = [towns_number(self._next_carer + each) for each in range(count)]
        self._next_carer += count
        begun = await steadily(lambda each: self.text_missing(numbers[each]), count, a_second)
        arrived = await self._arrivals(set(numbers), World.carers_numbers)
        return Spread.of([arrived[numbers[each]] - at for each, at in begun.items() if numbers[each] in arrived], count)

    async def peer(self, port: int, count: int, a_second: float | None) -> Spread:
        reports = [str(uuid4()) for _ in range(count)]

        async def send(each: int) -> None:
            async with self._session.post(f"http://127.0.0.1:{port}/reports", json={"report": reports[each]}) as answer:
                assert answer.status == 202, answer.status

        begun = await steadily(send, count, a_second)
        arrived = await self._arrivals(set(reports), lambda notice: [str(notice["id"])])
        return Spread.of([arrived[reports[each]] - at for each, at in begun.items() if reports[each] in arrived], count)

    async def silence_the_peers_desk(self) -> None:
        url = f"{self._stack.endpoints['sandbox']}/behaviours/desks/{PEERS_FORCE}"
        async with self._session.put(url, json={"acknowledges": False}) as answer:
            assert answer.ok, await answer.text()

    async def text_missing(self, number: str) -> None:
        form = {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": account_sid(self._secrets),
            "From": number,
            "To": SAFE_RETURN_NUMBER,
            "Body": "MISSING",
            "NumMedia": "0",
        }
        url = f"{self._stack.endpoints['carers']}/texts/inbound"
        headers = {"x-twilio-signature": self._validator.compute_signature(url, form)}
        async with self._session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def _arrivals(self, wanted: set[str], names: Callable[[dict[str, object]], list[str]]) -> dict[str, float]:
        arrived: dict[str, float] = {}
        read = 0
        until = time.monotonic() + PATIENCE_SECONDS
        while not wanted <= set(arrived) and time.monotonic() < until:
            await asyncio.sleep(0.3)
            await self._desks.read()
            for notice in self._desks.notices[read:]:
                for name in names(notice):
                    arrived.setdefault(name, seconds(notice["received_at"]))
            if len(self._desks.notices) > read:
                until = max(until, time.monotonic() + STILL_SECONDS)
            read = len(self._desks.notices)
        return arrived


class Peer:
    """A peer's process and its topics, of which there are as many as hops."""

    def __init__(self, stack: Stack, name: str, database: str | None, hops: int = 1) -> None:
        self.port = free_port()
        self.name = name
        kafka = f"127.0.0.1:{stack.ports['kafka']}"
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        topics = [f"peer-{name}-{hop}" for hop in range(hops)]
        admin.create_topics([NewTopic(topic, 12, 1) for topic in topics])
        admin.close()
        settings = {
            "PEER_KAFKA": kafka,
            "PEER_PORT": str(self.port),
            "PEER_TOPICS": " ".join(topics),
            "PEER_DESK": f"{stack.endpoints['sandbox']}/desks/{PEERS_FORCE}/notices",
            "PEER_SECRET": SecretFiles(stack.layout.secrets).value(PEERS_FORCE, webhook_secret),
        } | ({} if database is None else {"PEER_DATABASE": database})
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.peer"], cwd=ROOT, env=bare() | settings)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
