"""What is asked of PostgreSQL before a mail can be written is asked together: round trips are half of what a mail costs."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from services.platform.delivery.links import Links
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.digests import DigestGrouping
from services.professionals.sender import MailSender
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel
from services.strategy.invitations import EmailBuilder, InvitationSender
from tests.support.engines.database import Database
from tests.support.in_process.delivery import received
from tests.support.in_process.professionals import running_by_mail
from tests.support.in_process.strategy import MAILBOX, POLICE, SOCIAL, running_strategy

LINKS = Links(b64encode(b"l" * 32).decode(), "http://mails.example")


@asynccontextmanager
async def counted(uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """A line for each round trip of this transaction: several statements sent at once are one."""
    trips, pipeline = list[str](), psycopg.AsyncConnection.pipeline
    own, raw = uow.connection.sync_connection, await uow.connection.get_raw_connection()

    def counting(connection: Any) -> Any:
        trips.extend(["several"] * (connection is raw.driver_connection))
        return pipeline(connection)

    def note(*of: Any) -> None:
        trips.append(of[2])

    event.listen(own, "before_cursor_execute", note)
    with monkeypatch.context() as patched:
        patched.setattr(psycopg.AsyncConnection, "pipeline", counting)
        yield trips
    event.remove(own, "before_cursor_execute", note)


class _Counted(Exception):
    """Rolls back: the delivery itself is in no table, which only its group would mind."""


async def test_a_mail_to_a_professional_is_prepared_in_two(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And in one more where others wait for the same reader, however many those are."""
    async with running_by_mail(database, keyring) as by_mail:
        store, clocks = by_mail.floor.store, by_mail.floor.clocks
        sender = MailSender(keyring, clocks, LINKS, MAILBOX, DigestGrouping(keyring, clocks))

        async def trips() -> int:
            about: dict[str, Any] = {"authority": by_mail.authority, "role": SOCIAL, "channel": Channel.EMAIL}
            told = received(ProfessionalNotify, child=by_mail.ids["C1"], **about)
            with suppress(_Counted):
                async with store.transaction() as uow:
                    delivery = Delivery.of(told, lane="mail", now=clocks.wall())
                    async with counted(uow, monkeypatch) as seen:
                        assert isinstance(await sender.prepare(uow, delivery), PreparedMessage)
                    raise _Counted
            return len(seen)

        await trips()  # the duty line is then known for a moment
        assert await trips() == 2
        for _ in range(3):
            await by_mail.tell(urgent=False)
        assert await trips() == 3


async def test_what_goes_in_a_mail_of_the_same_transaction_needs_no_trip(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mails begin together: the second of a reader has the first one's mail, though neither is written yet."""
    async with running_by_mail(database, keyring) as by_mail:
        store, clocks = by_mail.floor.store, by_mail.floor.clocks
        sender = MailSender(keyring, clocks, LINKS, MAILBOX, DigestGrouping(keyring, clocks))
        first, second = [Delivery.of(await by_mail.tell(urgent=False), lane="mail", now=clocks.wall()) for _ in "ab"]
        async with store.transaction() as uow:
            mail = await sender.prepare(uow, first)
            async with counted(uow, monkeypatch) as seen:
                goes_along = await sender.prepare(uow, second) == mail
        assert (goes_along, seen) == (True, [])


async def test_an_invitation_is_prepared_in_one(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_strategy(database, keyring) as strategy:
        store, clocks = strategy.floor.store, strategy.floor.clocks
        inviting = InvitationSender(keyring, clocks, EmailBuilder(clocks, LINKS, MAILBOX))
        seen: list[str] = []
        for told in await strategy.invite(POLICE, SOCIAL):
            async with store.transaction() as uow:
                delivery = Delivery.of(told, lane="mail", now=clocks.wall())
                async with counted(uow, monkeypatch) as seen:
                    assert isinstance(await inviting.prepare(uow, delivery), PreparedMessage)
        assert len(seen) == 1
