"""Hands mail over to Safe Return's own mailboxes, as an authority's relay does, and repeats until it is taken."""

import asyncio
from collections.abc import Mapping

import aiosmtplib

from infra.sandbox.authentication import stamped

SECONDS_BETWEEN = 1.0
TRIES = 30


class Handover:
    """`ports` says at which each of Safe Return's mailboxes takes mail. Mail to any other is nobody's."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = {address.lower(): port for address, port in ports.items()}

    def takes(self, address: str) -> bool:
        """Say whether it is a mailbox of Safe Return's."""
        return address.lower() in self._ports

    async def post(self, mail: bytes, sender: str, recipient: str) -> None:
        """Give up after half a minute or a refusal for good. `sender` is the envelope's, empty for a bounce."""
        port, mail = self._ports.get(recipient.lower()), stamped(mail, sender)
        for _ in range(0 if port is None else TRIES):
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
            try:
                async with client:
                    await client.sendmail(sender, [recipient], mail)
            except aiosmtplib.SMTPResponseException as refusal:
                if refusal.code >= 500:
                    return
            except (aiosmtplib.SMTPException, OSError):
                pass
            else:
                return
            await asyncio.sleep(SECONDS_BETWEEN)
