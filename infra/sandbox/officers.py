"""Plays control rooms without an API: an officer opens the page behind a mail, and says who has it."""

import asyncio
import re

import aiohttp

from infra.sandbox.config import Mailbox, Officer
from infra.sandbox.correspondents import Correspondents
from infra.sandbox.errands import Errands
from infra.sandbox.mailboxes import Mail, MailServer

SECONDS_TO_READ = 1.0
TRIES = 5
_LINK = re.compile(r"https?://\S+/notices/[\w.~-]+")
_ASKS_WHO = re.compile(r'<input[^>]* name="collar"')


class Officers:
    """They acknowledge by themselves if their mailbox answers, and when told to: as a person does, on the page."""

    def __init__(
        self, correspondents: Correspondents, mail_server: MailServer, session: aiohttp.ClientSession, errands: Errands
    ) -> None:
        self._correspondents, self._mails = correspondents, mail_server.mails
        self._session, self._errands = session, errands
        mail_server.arrived.append(self._read)

    async def acknowledge(self, address: str, reference: str | None) -> bool | None:
        """Acknowledge the newest notice in this mailbox: whether the page took it. None: no officer, or no notice."""
        mailbox = self._correspondents.mailboxes.get(address)
        links = [link for _, mail in self._mails.since(0) if address in mail.recipients and (link := _link_of(mail))]
        if mailbox is None or mailbox.officer is None or not links:
            return None
        return await self._press(links[-1], mailbox.officer, reference)

    def _read(self, mail: Mail) -> None:
        link = _link_of(mail)
        for address in mail.recipients:
            mailbox = self._correspondents.mailboxes.get(address)
            if link is not None and mailbox is not None and mailbox.officer is not None and mailbox.answers:
                self._errands.start(self._answer(mailbox, mailbox.officer, link))

    async def _answer(self, mailbox: Mailbox, officer: Officer, link: str) -> None:
        for _ in range(TRIES):
            await asyncio.sleep(SECONDS_TO_READ)
            still = self._correspondents.mailboxes.get(mailbox.address, mailbox)
            if not still.answers or await self._press(link, officer, None):
                return

    async def _press(self, link: str, officer: Officer, reference: str | None) -> bool:
        """Fill in the form of the notice's cover, which needs no code: true once the page no longer asks who it is."""
        try:
            async with self._session.get(link) as envelope:
                if not envelope.ok or _ASKS_WHO.search(await envelope.text()) is None:
                    return False
            said = {"answer": "have-it", "name": officer.name, "collar": officer.collar_number}
            async with self._session.post(link, data=said | ({"reference": reference} if reference else {})) as thanks:
                return thanks.ok and _ASKS_WHO.search(await thanks.text()) is None
        except (aiohttp.ClientError, TimeoutError):
            return False


def _link_of(mail: Mail) -> str | None:
    found = _LINK.search(mail.text)
    return None if found is None else found[0]
