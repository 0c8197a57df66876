"""Plays the people behind the mailboxes. Some answer by themselves: by the button of a mail, or to an invitation."""

import asyncio
import re
from email.message import EmailMessage

import aiohttp
from icalendar import Calendar, Event, vCalAddress

from infra.sandbox.config import Mailbox
from infra.sandbox.errands import Errands
from infra.sandbox.handover import Handover
from infra.sandbox.mailboxes import Mail, MailServer

SECONDS_TO_ANSWER = 1.0
TRIES = 5
_LINK = re.compile(r"https?://\S+/acknowledge/[\w.-]+")
_BUTTON = re.compile(r'<button name="(?P<name>[\w-]+)" value="(?P<value>[\w-]+)"')


class Correspondents:
    """Who reads which mailbox. Those who answer open the link, press the first button, and accept every invitation that
    comes from a mailbox of Safe Return's.
    """

    def __init__(
        self,
        mailboxes: tuple[Mailbox, ...],
        mail_server: MailServer,
        session: aiohttp.ClientSession,
        errands: Errands,
        handover: Handover,
    ) -> None:
        self.mailboxes = {mailbox.address: mailbox for mailbox in mailboxes}
        self._session, self._errands, self._handover = session, errands, handover
        mail_server.arrived.append(self._read)

    def set_answers(self, address: str, *, answers: bool) -> Mailbox:
        """Tell the reader of a mailbox to answer by themselves, or not to."""
        unnamed = Mailbox(address=address, name="Somebody")
        mailbox = self.mailboxes.get(address, unnamed).model_copy(update={"answers": answers})
        self.mailboxes[address] = mailbox
        return mailbox

    def _read(self, mail: Mail) -> None:
        for address in mail.recipients:
            if self._answers(address):
                self._errands.start(self._answer(address, mail))

    async def _answer(self, address: str, mail: Mail) -> None:
        await asyncio.sleep(SECONDS_TO_ANSWER)
        if not self._answers(address):
            return
        link = _LINK.search(mail.text)
        if mail.calendar and self._handover.takes(mail.sender):
            reply = accepted(mail, address)
            if reply is not None:
                await self._handover.post(reply.as_bytes(), address, mail.sender)
        elif link is not None:
            await self._press(link[0])

    async def _press(self, link: str) -> None:
        for _ in range(TRIES):
            async with self._session.get(link) as page:
                button = _BUTTON.search(await page.text())
            if button is None:
                return
            async with self._session.post(link, data={button["name"]: button["value"]}) as answer:
                if answer.ok:
                    return
            await asyncio.sleep(SECONDS_TO_ANSWER)

    def _answers(self, address: str) -> bool:
        mailbox = self.mailboxes.get(address)
        return mailbox is not None and mailbox.answers


def accepted(mail: Mail, address: str) -> EmailMessage | None:
    """The reply that a calendar program sends when its owner accepts. None for what is no request."""
    asked = Calendar.from_ical(mail.calendar)
    if str(asked.get("METHOD", "")) != "REQUEST":
        return None
    event = asked.walk("VEVENT")[0]
    calendar, answer, attendee = Calendar(), Event(), vCalAddress(f"mailto:{address}")
    attendee.params["PARTSTAT"] = "ACCEPTED"
    for name, value in {"prodid": "-//Safe Return sandbox//", "version": "2.0", "method": "REPLY"}.items():
        calendar.add(name, value)
    for name in ("UID", "SEQUENCE", "DTSTART", "DTEND", "DTSTAMP", "ORGANIZER", "SUMMARY"):
        if name in event:
            answer[name] = event[name]
    answer.add("attendee", attendee, encode=False)
    calendar.add_component(answer)
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = address, mail.sender, f"Accepted: {mail.subject}"
    reply.set_content("I accept.")
    reply.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    return reply
