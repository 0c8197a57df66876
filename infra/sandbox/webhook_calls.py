"""Sends Twilio's requests to a web application: signed, and repeated where the application does not take them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urldefrag
from xml.etree import ElementTree as ET

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

# `#rc=5&rp=all`: the first request and five retries, on any failure. Twilio allows 15 s for all of them together.
RETRY_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
TOTAL_SECONDS = 15.0
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
        pauses = RETRY_PAUSES if retries else ()
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                for pause in (*pauses, None):
                    attempt()
                    if answer := await self._post(url, form, token):
                        return answer
                    if pause is not None:
                        await asyncio.sleep(pause)
        except TimeoutError:
            pass
        return None

    async def _post(self, url: str, form: dict[str, str], token: str) -> Answer | None:
        address, _ = urldefrag(url)
        headers = {
            "X-Twilio-Signature": self._validator.compute_signature(address, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        exact = URL(address, encoded=True)  # what was signed is what is asked for, letter by letter
        try:
            async with self._session.post(exact, data=form, headers=headers, allow_redirects=False) as response:
                body = await response.read()
        except aiohttp.ClientError:
            return None
        return Answer(response.content_type, body) if response.ok else None
