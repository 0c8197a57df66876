"""Sends the automatic answers of a mailbox that has taken a mail: a bounce, or an out-of-office note.

What is for a mailbox of Safe Return's own is handed over as it is.
"""

import asyncio
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from infra.sandbox.behaviours import Behaviours, Mode
from infra.sandbox.errands import Errands
from infra.sandbox.handover import Handover
from infra.sandbox.mailboxes import Mail, MailServer


class Postmaster:
    """Reads nothing; answers for the mailboxes whose switch says so."""

    def __init__(self, behaviours: Behaviours, mail_server: MailServer, handover: Handover, errands: Errands) -> None:
        self._behaviours, self._handover, self._errands = behaviours, handover, errands
        mail_server.arrived.append(self._arrived)

    def _arrived(self, mail: Mail) -> None:
        for address in mail.recipients:
            behaviour = self._behaviours.mailbox(address)
            if behaviour.mode is Mode.BOUNCES:
                self._errands.start(self._answer(bounced(mail, address), "", mail.sender, behaviour.delay_seconds))
            elif behaviour.mode is Mode.AWAY:
                self._errands.start(self._answer(away(mail, address), address, mail.sender, behaviour.delay_seconds))
            elif self._handover.takes(address):
                self._errands.start(self._handover.post(mail.raw, mail.sender, address))

    async def _answer(self, answer: bytes, sender: str, recipient: str, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        await self._handover.post(answer, sender, recipient)


def bounced(mail: Mail, address: str) -> bytes:
    """Write the delivery status notification (RFC 3464) of a relay further on that could not deliver it."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = "Mail Delivery System <MAILER-DAEMON@mail.sandbox>"
    report["To"], report["Subject"] = mail.sender, "Undelivered Mail Returned to Sender"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(f"Your message could not be delivered to {address}. It was not read."))
    status = MIMEBase("message", "delivery-status")
    for fields in (
        {"Reporting-MTA": "dns; mail.sandbox"},
        {
            "Final-Recipient": f"rfc822; {address}",
            "Action": "failed",
            "Status": "5.1.1",
            "Diagnostic-Code": "smtp; 550 5.1.1 No such mailbox",
        },
    ):
        part = Message()
        for name, value in fields.items():
            part[name] = value
        status.attach(part)
    report.attach(status)
    report.attach(MIMEText(mail.headers, "rfc822-headers"))
    return report.as_bytes()


def away(mail: Mail, address: str) -> bytes:
    """Write the note that a mail program sends for somebody who is on leave."""
    note = EmailMessage()
    note["From"], note["To"], note["Subject"] = address, mail.sender, f"Automatic reply: {mail.subject}"
    note["In-Reply-To"], note["Auto-Submitted"] = mail.message_id, "auto-replied"
    note.set_content("I am on annual leave until Monday.")
    return note.as_bytes()
