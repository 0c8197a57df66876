"""Listens on SMTP for mail that the authority's relay hands over to a service's own mailbox.

Handles bounces, absences and answers to mails, the same for every service that mails.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from aiosmtpd.smtp import SMTP
from prometheus_client import Counter

from services.platform.delivery.channels.channel import MAIL_TO
from services.platform.delivery.events import failed
from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, fallback_readings, read_mail, spelt
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.problems import MAIL_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.engine import is_transient
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId

TAKEN = "250 2.0.0 Taken"
LATER = "451 4.3.0 Not now, try again"
NO_RELAY = "421 4.7.1 Mail is taken from our relay alone"
"""It passes, so that a relay whose network was set wrongly keeps the mail."""
MOST_SESSIONS = 32
"""Each may hold a mail in memory. The oldest ends for a new one: a relay repeats what it could not hand over."""
SILENT_SECONDS = 30
SESSION_SECONDS = 120

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]
Takes: TypeAlias = Callable[[ReadMail], Awaitable[str]]
"""Handles and commits a mail, then returns the outcome in a word. If it raises, it has done nothing."""


class BoundedSession(SMTP):
    """aiosmtpd's session, which by itself lasts as long as its client says something every five minutes."""

    _running: ClassVar[dict["BoundedSession", asyncio.TimerHandle]] = {}

    def __init__(self, handler: Any, networks: Networks, **options: Any) -> None:
        """Speaks with clients from `networks` alone; from anywhere, if there are none."""
        super().__init__(handler, **options)
        self._networks = networks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self in self._running:  # STARTTLS makes the connection again
            super().connection_made(transport)
            return
        peer = transport.get_extra_info("peername")  # None of a client that is gone already
        if self._networks and (peer is None or not self._is_relay(str(peer[0]))):
            _send_away(transport)
            return
        super().connection_made(transport)
        self._running[self] = self.loop.call_later(SESSION_SECONDS, self.end)
        if len(self._running) > MOST_SESSIONS:
            next(iter(self._running)).end()

    def connection_lost(self, error: Exception | None) -> None:
        self._forget()
        super().connection_lost(error)

    def end(self) -> None:
        self._forget()
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _is_relay(self, address: str) -> bool:
        if not self._networks or any(ip_address(address) in each for each in self._networks):
            return True
        logger().warning("mail was refused: no relay of ours is at that address", name=address)
        return False

    def _forget(self) -> None:
        if (ends := self._running.pop(self, None)) is not None:
            ends.cancel()


def _send_away(transport: asyncio.BaseTransport) -> None:
    transport.set_protocol(asyncio.Protocol())  # nothing that it says is read
    if isinstance(transport, asyncio.WriteTransport):
        transport.write(f"{NO_RELAY}\r\n".encode())
    transport.close()


def tls_of(certificate: Path) -> ssl.SSLContext:
    """`certificate` is a PEM file with the key and the chain. Raises OSError (ssl.SSLError) if it holds neither."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


class MailListener:
    """A part. Takes mail for one address and no other; answers 250 when its effects are committed.

    After a transient error the relay is asked to repeat the mail. A mail that fails for another reason is for a person
    to read.
    """

    def __init__(
        self,
        host: str,
        port: int,
        mailbox: str,
        takes: Takes,
        *,
        relay: str,
        networks: Networks = (),
        certificate: Path | None = None,
    ) -> None:
        """`relay` is the name (authserv-id) that our relay gives itself in Authentication-Results: whoever may hand
        over mail may write it, so with `networks` only clients there may. With a certificate, no mail is taken before
        STARTTLS.
        """
        self._tls = None if certificate is None else tls_of(certificate)
        self._address, self._mailbox, self._takes, self._relay = (host, port), mailbox.lower(), takes, relay
        self._networks = networks
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Replicas on one machine share the port."""
        self._server = await asyncio.get_running_loop().create_server(self._greet, *self._address, reuse_port=True)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def _greet(self) -> asyncio.BaseProtocol:
        return BoundedSession(
            self,
            self._networks,
            hostname="safe-return",
            data_size_limit=MAIL_BYTES,
            enable_SMTPUTF8=True,
            timeout=SILENT_SECONDS,
            tls_context=self._tls,
            require_starttls=True,
            loop=asyncio.get_running_loop(),
        )

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.strip().lower() != self._mailbox:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        try:
            made = await self._handle(envelope.original_content or b"", (envelope.mail_from or "").strip("<>"))
        except Exception as error:  # noqa: BLE001 the relay keeps the mail and tries again
            if not is_transient(error):
                logger().error("a mail could not be taken", exc_info=error)
            return LATER
        logger().info("a mail was taken", result=made)
        return TAKEN

    async def _handle(self, raw: bytes, envelope_sender: str) -> str:
        """Tries simpler readings after a permanent failure: the relay would repeat the mail, then give up, and nobody
        would hear of the answer.
        """
        read = await asyncio.to_thread(read_mail, raw, envelope_sender, self._relay)
        logger().info(
            "a mail was read" if read.authenticated else "a mail was read that the relay does not vouch for",
            result=str(read.kind),
        )
        *more, least = fallback_readings(read)
        for mail in more:
            try:
                return await self._takes(mail)
            except Exception as error:
                if is_transient(error):
                    raise
                logger().error("a mail could not be taken as it is", exc_info=error)
        return await self._takes(least)


ESCALATES: dict[MailKind, Literal["undeliverable", "away"]] = {MailKind.BOUNCED: "undeliverable", MailKind.AWAY: "away"}
"""Kinds of mail after which the next person is told, and the reason given."""
OVER = frozenset({State.ACKNOWLEDGED, State.WITHDRAWN, State.FAILED})
UNAUTHENTICATED = "We cannot be sure that this email comes from the person it names. Nothing in it has been recorded. Please ask them."
SEVERAL = "This email answers several of ours, which are not about the same child. It may be about any of them."


@dataclass(frozen=True)
class Mailbox:
    """Takes each mail in a transaction of its own. `made_of` returns what it was taken for, which `mails` counts."""

    store: Store
    made_of: Callable[[UnitOfWork, ReadMail], Awaitable[str]]
    mails: Counter

    async def take(self, mail: ReadMail) -> str:
        """Commits before it returns."""
        async with self.store.transaction() as uow:
            made = await self.made_of(uow, mail)
        self.mails.labels(made).inc()
        return made


@dataclass(frozen=True)
class MailAnswers:
    """Everything within the caller's transaction."""

    keyring: Keyring
    clocks: Clocks

    async def goes_on(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Has the next person told, unless somebody has answered already. A person who is away may still answer.

        Anybody can forge a bounce, so it never stops anything: a delivery that has not been sent cannot have bounced,
        and one that may not have arrived is still sent on. One that is being sent ends with this attempt if it is
        accepted (`record_result`). The caller has checked whether an absence is believed.
        """
        held = None if mail.refers_to is None else await deliveries.lock(uow, mail.refers_to)
        if held is None or held[0].duty is None or held[1] is State.WAITING:
            return f"{mail.kind}-of-nothing"
        delivery, state = held
        if state in OVER:
            return f"{mail.kind}-late"
        ends = state is not State.UNKNOWN
        leads_on = failed(uow, delivery, ESCALATES[mail.kind], delivery.person, given_up=ends)
        uow.publish(leads_on, subject=delivery.child, cause=delivery)
        if ends:
            after = State.UNKNOWN if state is State.SENDING else State.FAILED
            await deliveries.end(uow, delivery.id, after, self.clocks.wall())
        return str(mail.kind)

    async def is_believed(self, uow: UnitOfWork, mail: ReadMail) -> bool:
        """An absence is believed from the person who was told. A person reads any other that still matters."""
        if mail.kind is not MailKind.AWAY or mail.refers_to is None:
            return True
        held = await deliveries.lock(uow, mail.refers_to)
        return held is None or held[1] in OVER or await self._is_theirs(uow, mail, held[0])

    async def made_of(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Handles a mail that answers one telling, and returns the outcome. A person reads what somebody wrote. A
        stranger's mail is left alone.
        """
        if mail.kind in ESCALATES and await self.is_believed(uow, mail):
            return await self.goes_on(uow, mail)
        if mail.kind not in {MailKind.PERSONAL, MailKind.AWAY}:
            return str(mail.kind)
        told = await self.told(uow, mail)
        if told is None:
            return "stranger"
        delivery, duty = told
        doubts = ("" if mail.authenticated else UNAUTHENTICATED, await self._several(uow, mail, delivery))
        return await self.to_a_person(
            uow,
            "\n\n".join(filter(None, (*doubts, f"From {mail.sender}", mail.words))),
            child=delivery.child,
            authority=duty.authority,
            said_by=delivery.person if await self._is_theirs(uow, mail, delivery) else None,
            exercise=delivery.exercise,
            trace=delivery.trace,
        )

    async def _is_theirs(self, uow: UnitOfWork, mail: ReadMail, delivery: Delivery) -> bool:
        """Whether it comes from the address that the telling went to: anybody who has the mail can answer it."""
        address = await deliveries.recipient_of(uow.connection, self.keyring, delivery)
        return mail.authenticated and address is not None and spelt(address.removeprefix(MAIL_TO)) == mail.sender

    async def _several(self, uow: UnitOfWork, mail: ReadMail, first: Delivery) -> str:
        others = [await deliveries.find(uow.connection, each) for each in mail.also_named]
        return SEVERAL if any(each is not None and each.child != first.child for each in others) else ""

    async def told(self, uow: UnitOfWork, mail: ReadMail) -> tuple[Delivery, Duty] | None:
        """The telling that its headers say it answers."""
        delivery = None if mail.refers_to is None else await deliveries.find(uow.connection, mail.refers_to)
        return None if delivery is None or delivery.duty is None else (delivery, delivery.duty)

    async def to_a_person(
        self,
        uow: UnitOfWork,
        text: str,
        *,
        child: ChildId,
        authority: AuthorityId,
        said_by: PersonId | None,
        exercise: bool,
        trace: str | None,
    ) -> str:
        """Keeps the text, encrypted, and tells the duty line that there is something to read."""
        at = self.clocks.story()
        kept = await words.keep(uow, self.keyring, about=child, words=text, said_by=said_by, at=at)
        needs = TextNeedsHuman(
            authority=authority, words=(kept,), said_by=said_by, channel="mail", reason="not-understood"
        )
        uow.publish(needs, subject=child, at=at, exercise=exercise, trace=trace)
        return "needs-human"
