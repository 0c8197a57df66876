"""Strategy in the test's own process: its handlers, its SMTP port and its page, on a real PostgreSQL."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_string
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any
from uuid import uuid4

import aiosmtplib
import httpx
from icalendar import Calendar
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.sandbox.correspondents import accepted
from infra.sandbox.mailboxes import Mail
from services.platform.delivery.channels.channel import SendRequest
from services.platform.delivery.inbound_mail.mailbox import MailAnswers, MailListener
from services.platform.delivery.links import Links
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.duty.duties import StrategyInvite
from services.safeguarding.roles import Channel, Role, Wording
from services.strategy.discussions.service import DiscussionService
from services.strategy.handlers import Handlers
from services.strategy.invitations import EmailBuilder, InvitationSender, lock_discussions
from services.strategy.records import RecordService
from services.strategy.web import RecordReading, RecordWriting, Replies, ReplyPage, pages
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.histories.meetings import AT_ONCE, IN_FULL
from tests.support.in_process.delivery import Floor, PlayedMedium, eventually, received
from tests.support.in_process.register import authority, load
from tests.support.outside.mail import RELAY, vouched
from tests.support.tables import deliveries, outbox

MAILBOX = "safe-return@kestrel.example"
POLICE, SOCIAL, HEALTH = Role.POLICE_MISSING_COORDINATOR, Role.CHILD_SOCIAL_WORKER, Role.CHILD_HEALTH_PRACTITIONER
HELD_BY = {POLICE: "day", SOCIAL: "worker", HEALTH: "night"}


class AtNoon(Clocks):
    """A Tuesday in November."""

    now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def story(self) -> datetime:
        return self.now


@dataclass
class Strategy:
    floor: Floor
    handlers: Handlers
    discussing: DiscussionService
    medium: PlayedMedium
    document: dict[str, Any]
    ids: dict[str, str]
    web: httpx.AsyncClient
    port: int

    @property
    def child(self) -> str:
        return self.ids["C1"]

    async def hear(self, told: Any) -> None:
        names: dict[str, Any] = {
            "strategy.invite.v1": self.handlers.on_strategy_invite,
            "strategy-discussion.redated.v1": self.handlers.on_strategy_discussion_redated,
            "strategy-discussion.cancelled.v1": self.handlers.on_strategy_discussion_cancelled,
            "strategy-discussion.held.v1": self.handlers.on_strategy_discussion_held,
            "episode.changed.v1": self.handlers.on_episode_changed,
        }
        async with self.floor.store.transaction() as uow:
            await names[told.content.kind](told, uow)

    def invitation(self, role: Role, **about: Any) -> Any:
        name = self.document["authority"]["id"]
        wording = about.get("wording", Wording("strategy-discussion"))
        content = {
            "authority": name,
            "role": role,
            "channel": Channel.INVITATION,
            "wording": wording,
            "meets": {Wording("strategy-discussion"): AT_ONCE, Wording("full-meeting"): IN_FULL}.get(wording),
        }
        return received(StrategyInvite, child=self.child, **(content | about))

    async def invite(self, *roles: Role, **about: Any) -> list[Any]:
        told = [self.invitation(role, **about) for role in roles]
        for each in told:
            await self.hear(each)
        await self.sent(len(roles))
        return told

    async def sent(self, count: int) -> list[SendRequest]:
        """At least so many, and all others that were under way with them."""
        await eventually(lambda: len(self.medium.sent) >= count)
        await self.floor.idle()
        return self.medium.sent

    def address(self, role: Role) -> str:
        return f"{HELD_BY[role]}@kestrel.example"

    def newest(self, role: Role) -> EmailMessage:
        """The last mail to whoever holds the role."""
        [*_, last] = [each for each in self.medium.sent if each.recipient == self.address(role)]
        return self.read(last)

    @staticmethod
    def read(sending: SendRequest) -> EmailMessage:
        return message_from_string(sending.body, _class=EmailMessage, policy=modern)

    def acceptance(self, role: Role, mail: EmailMessage, **replaced: str) -> bytes:
        """As the sandbox's people write it; `replaced` changes the reply's bytes."""
        asked = Mail(MAILBOX, (self.address(role),), "", "", "", calendar_of(mail).to_ical())
        reply = accepted(asked, self.address(role))
        assert reply is not None
        raw = reply.as_bytes()
        for old, new in replaced.items():
            assert old.encode() in raw
            raw = raw.replace(old.encode(), new.encode())
        return raw

    async def accept(self, role: Role, mail: EmailMessage, **replaced: str) -> None:
        """By mail into the listener."""
        await self.post(self.acceptance(role, mail, **replaced))

    async def post(self, raw: bytes, to: str = MAILBOX, sender: str = "relay@kestrel.example") -> None:
        """The relay vouches for whoever is named as its sender."""
        await self.hand_over(vouched(raw), to, sender)

    async def hand_over(self, raw: bytes, to: str = MAILBOX, sender: str = "relay@kestrel.example") -> None:
        """As it is, whatever the relay has said of it."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            await client.sendmail(sender, [to], raw)

    async def said(self, kind: str) -> list[dict[str, Any]]:
        return await self.floor.facts_said(self.child, kind)

    async def stands(self) -> tuple[int, int, int]:
        """How many have acknowledged, have failed, and wait for a person to read them."""
        kinds = ("duty.acknowledged.v1", "duty.failed.v1", "text.needs-human.v1")
        acknowledged, failed, read = [len(await self.said(kind)) for kind in kinds]
        return acknowledged, failed, read

    async def said_of_unknown_children(self) -> list[dict[str, Any]]:
        """What a person is to read of children of whom nobody knows yet who they are."""
        async with self.floor.store.engine.connect() as connection:
            rows = await connection.scalars(select(outbox.c.envelope).where(outbox.c.key.like("provisional-%")))
            told = [json.loads(each) for each in rows]
        return [each["data"] for each in told if each["type"] == "text.needs-human.v1"]


def from_convenor(strategy: Strategy, contract: Any, **about: Any) -> Any:
    told = received(child=strategy.child)
    content = contract(authority=strategy.document["authority"]["id"], **about)
    return type(told)(source="/authorities/x", id=str(uuid4()), subject=told.subject, time=told.time, content=content)


def calendar_of(mail: EmailMessage) -> Any:
    [*_, part] = mail.iter_parts()
    return Calendar.from_ical(part.get_content())


def event_of(mail: EmailMessage) -> Any:
    return calendar_of(mail).walk("VEVENT")[0]


@asynccontextmanager
async def running_strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    casework, engine = database.engine("casework"), database.engine("strategy")
    document = authority()
    for role, person in HELD_BY.items():
        line = next(each for each in document["directory"] if each["role"] == "child.social-worker")
        if role is not SOCIAL:
            child = "C1" if role is HEALTH else None
            document["directory"].append(line | {"role": str(role), "person": person, "child": child})
    ids = await load(casework, keyring, document, datetime.now(UTC))
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="withdrawn"))
    async with _started(engine, keyring, document, ids) as strategy:
        yield strategy
    await casework.dispose()
    await engine.dispose()


@asynccontextmanager
async def _started(
    engine: AsyncEngine, keyring: Keyring, document: dict[str, Any], ids: dict[str, str]
) -> AsyncIterator[Strategy]:
    clocks, medium = AtNoon(), PlayedMedium(name="email")
    store = Store(engine, origin=Origin("strategy", clocks))
    links = Links(b64encode(b"l" * 32).decode(), "http://strategy.example")
    inviting = InvitationSender(keyring, clocks, EmailBuilder(clocks, links, MAILBOX))
    loop = DeliveryLoop(
        "strategy", store, clocks, medium, keyring=keyring, prepare=inviting.prepare, locks=lock_discussions
    )
    discussing, port = DiscussionService(loop, clocks), free_port()
    replies = Replies(store, keyring, discussing, MailAnswers(keyring, clocks))
    listener = MailListener("127.0.0.1", port, MAILBOX, replies.take, relay=RELAY)
    recording = RecordService(clocks, discussing)
    writing, reading = RecordWriting(store, keyring, clocks, recording), RecordReading(store, keyring)
    app = pages(links, clocks, ReplyPage(store, discussing), writing, reading)
    web = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=links.public_url)
    await loop.start()
    await listener.start()
    try:
        handlers = Handlers(loop, clocks, discussing, recording)
        yield Strategy(Floor(loop, store, clocks), handlers, discussing, medium, document, ids, web, port)
    finally:
        await web.aclose()
        await listener.stop()
        await loop.stop()
