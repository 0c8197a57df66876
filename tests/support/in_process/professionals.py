"""Professionals by mail, in the test's own process, on a real PostgreSQL: what goes out, and the pages behind its links."""

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default as modern
from typing import Any

import httpx
from sqlalchemy import update
from starlette.applications import Starlette

from services.platform.delivery.inbound_mail.mailbox import MailAnswers, Mailbox
from services.platform.delivery.links import LinkPages, Links, Purpose
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Origin, Store
from services.professionals import metrics
from services.professionals.digests import DigestGrouping, lock_readers
from services.professionals.handlers import Handlers, Replies
from services.professionals.recipients import Deputies
from services.professionals.sender import GroupedMail, MailSender, Sender, TextSender
from services.professionals.web.acknowledge_page import AcknowledgePage
from services.professionals.web.deed_form import DeedForms
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, PlayedMedium, eventually, received
from tests.support.in_process.register import authority, load
from tests.support.in_process.strategy import AtNoon
from tests.support.tables import deliveries

LINKS = Links(b64encode(b"l" * 32).decode(), "http://professionals.example")
MAILBOX = "safe-return@kestrel.example"


@dataclass
class ByMail:
    floor: Floor
    handlers: Handlers
    mail: PlayedMedium
    text: PlayedMedium
    authority: str
    ids: dict[str, str]
    web: httpx.AsyncClient
    mailbox: Mailbox

    async def tell(self, **about: Any) -> Any:
        content = {"authority": self.authority, "role": Role.CHILD_SOCIAL_WORKER, "channel": Channel.EMAIL} | about
        told = received(ProfessionalNotify, child=content.pop("child", self.ids["C1"]), **content)
        async with self.floor.store.transaction() as uow:
            await self.handlers.on_professional_notify(told, uow)
        return told

    async def link(self) -> str:
        await eventually(lambda: self.mail.sent)
        written: Any = message_from_string(self.mail.sent[-1].body, policy=modern)
        plain = written.get_body(("plain",)).get_content()
        [link] = re.findall(r"http://professionals\.example/acknowledge/[\w.-]+", plain)
        return str(link)

    def message_id(self) -> str:
        return str(message_from_string(self.mail.sent[-1].body, policy=modern)["Message-ID"])

    async def said(self, kind: str) -> list[Any]:
        """Also what waits its minute."""
        rows = Query(
            "SELECT envelope FROM deadlines.due WHERE child = %(child)s AND cancelled_at IS NULL AND fired_at IS NULL",
            {"child": self.ids["C1"]},
            all_rows,
        )
        async with self.floor.store.read() as reader:
            held = [json.loads(bytes(row.envelope)) for row in await reader.fetch(rows)]
        said = await self.floor.facts_said(self.ids["C1"], kind)
        return [*said, *(each["data"] for each in held if each["type"] == kind)]


@asynccontextmanager
async def running_by_mail(
    database: Database, keyring: Keyring, *, lines: Iterable[dict[str, Any]] = ()
) -> AsyncIterator[ByMail]:
    """`lines` of the directory, beside those of every authority."""
    casework, engine = database.engine("casework"), database.engine("professionals")
    document, clocks = authority(), AtNoon()
    document["directory"].extend(lines)
    store = Store(engine, origin=Origin("professionals", clocks))
    ids = await load(casework, keyring, document, datetime.now(UTC))
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="withdrawn"))
    links = LINKS
    sender = Sender(
        TextSender(keyring, clocks, links), MailSender(keyring, clocks, links, MAILBOX, DigestGrouping(keyring, clocks))
    )
    text, mail = PlayedMedium(name="text"), PlayedMedium(name="email")
    loop = DeliveryLoop(
        "professionals",
        store,
        clocks,
        text,
        keyring=keyring,
        prepare=sender.prepare,
        locks=lock_readers,
        others=[GroupedMail(mail, store)],
    )
    acknowledging = AcknowledgePage(store, clocks, Deputies(loop, keyring, clocks), DeedForms(keyring, clocks, links))
    alone = replace(acknowledging, alone=True)
    pages = LinkPages(links, clocks, Purpose.ACKNOWLEDGE, acknowledging.answer)
    of_one = LinkPages(links, clocks, Purpose.DEED, alone.answer, alone.find)
    transport = httpx.ASGITransport(Starlette(routes=[pages.route(), of_one.route()]))
    await loop.start()
    async with httpx.AsyncClient(transport=transport, base_url=links.public_url) as web:
        mailbox = Mailbox(store, Replies(MailAnswers(keyring, clocks)).made_of, metrics.MAILS_IN)
        handlers, name = Handlers(loop, clocks), document["authority"]["id"]
        yield ByMail(Floor(loop, store, clocks), handlers, mail, text, name, ids, web, mailbox)
    await loop.stop()
    await casework.dispose()
    await engine.dispose()
