"""Sends texts through GOV.UK Notify (https://docs.notifications.service.gov.uk/rest-api.html).

Notify finds a text by our reference, which is the delivery's id, so after a lost answer it can say for sure. Its own
client is not used: it blocks, and needs a package of which there is no wheel. Tests hold what plays Notify against it.
"""

from typing import Any
from uuid import UUID

import httpx
import jwt

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import WayName
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.safeguarding.duty.decisions import AttemptResult

REAL = "https://api.notifications.service.gov.uk"
WITHIN = httpx.Timeout(10.0, connect=5.0)
UUID_LETTERS = 36
FAILED = {"permanent-failure", "temporary-failure"}
NOT_SENT = "technical-failure"
"""Notify's provider never had it."""
DAILY_LIMIT = "TooManyRequestsError"
LATER = {401, 403, 429}
NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError)
"""Raised by an answer that is not as published, as by one of a proxy's: Notify may have taken the text."""


class NotifyWay:
    """`api_key` ends in the ids of service and key, as Notify shows it. `template` is one of Notify's that holds
    `((message))` alone. `base_url` only where a sandbox plays Notify.
    """

    way: WayName = "notify"

    def __init__(self, *, api_key: str, template: str, number: str = "", base_url: str | None = None) -> None:
        self._service, self._secret = api_key[-2 * UUID_LETTERS - 1 : -UUID_LETTERS - 1], api_key[-UUID_LETTERS:]
        self._template, self.number, self._base_url = template, number, base_url or REAL
        self._http: Any = None

    async def start(self) -> None:
        self._http = httpx.AsyncClient(base_url=self._base_url, timeout=WITHIN, trust_env=False)

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def text(self, sending: SendRequest, sender: str | None) -> SendResult:
        asked = {
            "phone_number": sending.recipient,
            "template_id": self._template,
            "personalisation": {"message": sending.body},
            "reference": str(sending.id),
        }
        if sender is not None:
            asked["sms_sender_id"] = sender
        try:
            answer = await self._http.post("/v2/notifications/sms", json=asked, headers=self._signed())
            return _read_answer(answer.status_code, answer.json())
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return SendResult(AttemptResult.RETRY)
        except (httpx.HTTPError, *NOT_UNDERSTOOD):
            return SendResult(AttemptResult.UNKNOWN)

    async def look_up(self, sending: SendRequest) -> SendResult | None:
        asked = {"template_type": "sms", "reference": str(sending.id)}
        try:
            answer = await self._http.get("/v2/notifications", params=asked, headers=self._signed())
            found = answer.raise_for_status().json()["notifications"]
            had = [each for each in found if each["status"] != NOT_SENT]
            if any(each["status"] in FAILED for each in had):
                return SendResult(AttemptResult.REFUSED, reason="undeliverable")
            return SendResult(AttemptResult.ACCEPTED, 200, provider_id=_id_of(had[0])) if had else None
        except (httpx.HTTPError, *NOT_UNDERSTOOD):
            return SendResult(AttemptResult.UNKNOWN)

    async def ask_template(self) -> httpx.Response:
        """What Notify says of our template. Raises httpx.HTTPError."""
        answer: httpx.Response = await self._http.get(f"/v2/template/{self._template}", headers=self._signed())
        return answer

    def _signed(self) -> dict[str, str]:
        """For 30 s."""
        token = jwt.encode({"iss": self._service, "iat": Clocks().own()}, self._secret, "HS256")
        return {"Authorization": f"Bearer {token}"}


def _id_of(said: Any) -> str:
    return str(UUID(said["id"]))


def _read_answer(status: int, said: Any) -> SendResult:
    """Of recipient and sender Notify says which it is; whatever else it refuses, only a change of settings mends."""
    if status == 201:
        return SendResult(AttemptResult.ACCEPTED, 201, provider_id=_id_of(said))
    if status >= 500 or status < 400:
        return SendResult(AttemptResult.UNKNOWN, status)
    first = (said.get("errors") or [{}])[0]
    message = str(first.get("message"))
    of_recipient = first.get("error") == "ValidationError" and message.startswith("phone_number")
    of_sender = message.startswith("sms_sender_id")
    if not (of_recipient or of_sender) and (status != 429 or first.get("error") == DAILY_LIMIT):
        metrics.OPERATOR.labels("text").inc()
        logger().error("GOV.UK Notify takes no texts until the settings or the service are mended", status=status)
    if status in LATER:
        return SendResult(AttemptResult.RETRY, status)
    return SendResult(AttemptResult.REFUSED, status, "undeliverable", by_voice=True, not_by_sender=of_sender)
