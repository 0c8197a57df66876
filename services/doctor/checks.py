"""Defines a check: green with a sentence, or red with the cause and its page. With it, an address is reached."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30.0


class Broken(Exception):
    """A check is red; the text is the cause, without a secret or a word about a child."""


@dataclass(frozen=True)
class Finding:
    check: str
    said: str
    page: str = ""
    """Where it is said how to mend it. Empty: all is well."""

    @property
    def good(self) -> bool:
        return not self.page

    def __str__(self) -> str:
        return (
            f"green  {self.check}: {self.said}" if self.good else f"RED    {self.check}: {self.said}. See {self.page}"
        )


@dataclass(frozen=True)
class Check:
    """`attempt` returns what was found, or raises Broken. It may take `patience` seconds."""

    name: str
    page: str
    attempt: Callable[[], Awaitable[str]]
    patience: float = PATIENCE_SECONDS

    async def finding(self) -> Finding:
        try:
            async with asyncio.timeout(self.patience):
                return Finding(self.name, await self.attempt())
        except Broken as why:
            return Finding(self.name, str(why), self.page)
        except TimeoutError:
            return Finding(self.name, f"no answer within {self.patience:.0f} s", self.page)
        except Exception as error:  # noqa: BLE001 - its text may hold anything
            return Finding(self.name, f"could not be tried ({type(error).__name__})", self.page)


def operating(section: str) -> str:
    """A section, or a step, that bears this name in the operators' guide."""
    return f"docs/operating.md, {section}"


async def findings(checks: Iterable[Check]) -> list[Finding]:
    """In the order of the checks, which are made at once."""
    return list(await asyncio.gather(*(each.finding() for each in checks)))


WARNS_DAYS = 14
"""As DoorCertificateEnding: a certificate that is renewed by itself is renewed before."""
DAY_SECONDS = 24 * 60 * 60


async def reach(url: str, now: float, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> str:
    """Connects, asks nothing, and closes. `now` is wall time in seconds. Raises Broken."""
    parts = urlsplit(url)
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Broken(f"no DNS server knows the name {host}") from None
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context() if encrypted else None)
    except ssl.SSLCertVerificationError as error:
        raise Broken(f"{host} shows a certificate that does not hold: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Broken(f"{host} does not speak TLS with us: {error.reason}") from None
    except OSError as error:
        raise Broken(f"nothing answers at {host}, port {port} ({error.strerror or type(error).__name__})") from None
    certificate = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(OSError):  # they may have hung up before us
        await writer.wait_closed()
    if not certificate:
        return f"{host} answers, without TLS"
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - now) / DAY_SECONDS)
    if days < WARNS_DAYS:
        raise Broken(f"the certificate of {host} ends in {days} days")
    return f"{host} answers by TLS; its certificate holds for {days} days"


def require_near(now: float, theirs: float, whose: str, allowed: float, gone: float = 0.0) -> str:
    """`theirs` was told at some time within the `gone` seconds before `now`. Raises Broken."""
    apart = max(now - gone - theirs, theirs - now, 0.0)
    if apart > allowed:
        raise Broken(f"this machine's clock and that of {whose} are {apart:.0f} s apart: one of them is wrong")
    return f"within {allowed:.0f} s of that of {whose}"
