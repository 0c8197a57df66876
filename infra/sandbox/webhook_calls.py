"""Sends Twilio's requests to a web application: signed, and repeated where the application does not take them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urldefrag
from xml.etree import ElementTree as ET

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

RETRY_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
# Twilio allows so long for all of them together.
TOTAL_SECONDS = 15.0
# What a URL says in its fragment: retries, on what failures, and milliseconds for connection and answer.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
DEFAULTS = {"rc": "1", "rp": "ct", "ct": "5000", "rt": "15000"}
_XML = frozenset({"text/xml", "application/xml", "text/html"})


@dataclass(frozen=True)
class Answer:
    """What the application answered with 2xx."""

    content_type: str
    body: bytes

    def twiml_error(self) -> int | None:
        """Name what Twilio would log about this answer: 12300 (not XML), 12100 (does not parse), or None."""
        if not self.body.strip():
            return None
        if self.content_type not in _XML:
            return 12300
        try:
            ET.fromstring(self.body)  # noqa: S314 - from the service under test, on loopback
        except ET.ParseError:
            return 12100
        return None


class SignedCaller:
    """Posts a form to an application as Twilio does, signed over the URL without its fragment."""

    def __init__(self, session: aiohttp.ClientSession, auth_token: str) -> None:
        self._session = session
        self._validator = RequestValidator(auth_token)

    async def call(
        self,
        url: str,
        form: dict[str, str],
        token: str,
        *,
        retries: bool = True,
        attempt: Callable[[], None] = lambda: None,
    ) -> Answer | None:
        """Post until a 2xx comes or the attempts or 15 s are spent: then None. `attempt` is told of each request."""
        address, fragment = urldefrag(url)
        overrides = DEFAULTS | dict(parse_qsl(fragment))
        pauses = RETRY_PAUSES[: int(overrides["rc"])] if retries else ()
        policy = set(overrides["rp"].split(","))
        within = aiohttp.ClientTimeout(sock_connect=int(overrides["ct"]) / 1000, sock_read=int(overrides["rt"]) / 1000)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                for pause in (*pauses, None):
                    attempt()
                    answer = await self._post(address, form, token, within)
                    if isinstance(answer, Answer):
                        return answer
                    if pause is None or not policy & {answer, "all"}:
                        return None
                    await asyncio.sleep(pause)
        except TimeoutError:
            pass
        return None

    async def _post(
        self, address: str, form: dict[str, str], token: str, within: aiohttp.ClientTimeout
    ) -> Answer | str:
        """Answer, or the failure's name as a retry policy has it."""
        headers = {
            "X-Twilio-Signature": self._validator.compute_signature(address, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        exact = URL(address, encoded=True)  # what was signed is what is asked for, letter by letter
        try:
            async with self._session.post(
                exact, data=form, headers=headers, allow_redirects=False, timeout=within
            ) as response:
                body = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return "ct"
        except aiohttp.ClientError:
            return "rt"
        if response.status < HTTPStatus.BAD_REQUEST:
            return Answer(response.content_type, body)
        return "4xx" if response.status < HTTPStatus.INTERNAL_SERVER_ERROR else "5xx"
