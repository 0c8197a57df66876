"""Puts the outside world together: network, people, desks, mailboxes, and the switches over them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from infra.sandbox.behaviours import Behaviours, DeskBehaviour
from infra.sandbox.calls import Calls
from infra.sandbox.config import SandboxConfig
from infra.sandbox.correspondents import Correspondents
from infra.sandbox.desks import Desks
from infra.sandbox.errands import Errands
from infra.sandbox.handover import Handover
from infra.sandbox.mailboxes import MailServer
from infra.sandbox.officers import Officers
from infra.sandbox.people import People
from infra.sandbox.phone_network import PhoneNetwork
from infra.sandbox.postmaster import Postmaster
from infra.sandbox.webhook_calls import SignedCaller

# Twilio's own limits: 5 s to connect, 15 s for an answer.
_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)


@dataclass(frozen=True)
class OutsideWorld:
    """Everything that the routes serve. Once `closing` is set, no caller is kept waiting any longer."""

    config: SandboxConfig
    behaviours: Behaviours
    network: PhoneNetwork
    calls: Calls
    people: People
    desks: Desks
    mail_server: MailServer
    correspondents: Correspondents
    officers: Officers
    closing: asyncio.Event


@asynccontextmanager
async def open_world(config: SandboxConfig) -> AsyncIterator[OutsideWorld]:
    """Open the outside world, its SMTP port included; on leaving, end every errand and connection of it."""
    behaviours = Behaviours(desks={desk.force: DeskBehaviour(acknowledges=desk.answers) for desk in config.desks})
    errands, closing = Errands(), asyncio.Event()
    async with aiohttp.ClientSession(timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=200)) as session:
        caller = SignedCaller(session, config.auth_token)
        network = PhoneNetwork(config, behaviours, caller, session, errands)
        mail_server, handover = MailServer(behaviours, closing), Handover(config.own_mailboxes)
        Postmaster(behaviours, mail_server, handover, errands)
        correspondents = Correspondents(config.mailboxes, mail_server, session, errands, handover)
        listening = await mail_server.listen(config.host, config.smtp_port)
        try:
            yield OutsideWorld(
                config=config,
                behaviours=behaviours,
                network=network,
                calls=Calls(config, behaviours, caller, errands),
                people=People(config.phones, network, errands),
                desks=Desks(config.desks, behaviours, session, errands),
                mail_server=mail_server,
                correspondents=correspondents,
                officers=Officers(correspondents, mail_server, session, errands),
                closing=closing,
            )
        finally:
            closing.set()
            listening.close()
            await errands.stop()
