"""Plays the phone network as Twilio offers it: texts out to handsets, texts in to the application."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable

import aiohttp

from infra.sandbox.behaviours import Behaviours, Mode, current_mode
from infra.sandbox.config import SandboxConfig
from infra.sandbox.errands import Errands
from infra.sandbox.notify import Notify
from infra.sandbox.texts import Text, Texts
from infra.sandbox.webhook_calls import SignedCaller

SECONDS_TO_SEND = 0.05
SECONDS_TO_HANDSET = 0.15
SECONDS_OF_PATIENCE = 2.0
LANDLINE = 30006
VALIDITY_EXPIRED = 30036
_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_START = frozenset({"START", "YES", "UNSTOP"})
_STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)


class PhoneNetwork:
    """Takes texts from the API and from people's phones. Texts of one sender reach the application in order, singly."""

    def __init__(
        self,
        config: SandboxConfig,
        behaviours: Behaviours,
        caller: SignedCaller,
        session: aiohttp.ClientSession,
        errands: Errands,
    ) -> None:
        self.texts = Texts()
        self.opted_out: set[str] = set()
        self.arrived: list[Callable[[Text], None]] = []
        self._config, self._behaviours, self._caller, self._errands = config, behaviours, caller, errands
        self._waiting: dict[str, deque[Text]] = {}
        self.notify = Notify(self, behaviours, session, errands)

    def send(
        self, recipient: str, body: str, callback_url: str | None, validity_seconds: int, sender: str | None = None
    ) -> Text:
        """Accept a text to a handset; it is queued when this returns, and travels on its own."""
        sender = sender or self._config.own_number
        text = Text(sender, recipient, body, "outbound-api", "queued", callback_url, validity_seconds)
        self.texts.add(text)
        self._errands.start(self._deliver(text))
        return text

    def receive(self, sender: str, body: str, to: str | None = None) -> Text:
        """Take a text from somebody's phone to a number of ours; it is offered to the application on its own."""
        to = to or self._config.own_number
        service = next((each for each in self._config.notify if to in each.numbers), None)
        text = Text(sender, to, body, "inbound", "received", service=service)
        text.becomes("received")
        self.texts.add(text)
        if service is not None:
            self._errands.start(self.notify.forward(text, service))
            return text
        self._heed_keyword(sender, body)
        waiting = self._waiting.setdefault(sender, deque())
        waiting.append(text)
        if len(waiting) == 1:
            self._errands.start(self._hand_over(sender, waiting))
        return text

    def _heed_keyword(self, sender: str, body: str) -> None:
        keyword = body.strip().upper()
        if keyword in _STOP:
            self.opted_out.add(sender)
            self.texts.add(Text(self._config.own_number, sender, _STOPPED, "outbound-reply", "delivered"))
        elif keyword in _START:
            self.opted_out.discard(sender)

    async def _deliver(self, text: Text) -> None:
        network = self._behaviours.phone_network
        told = self._call_back(text, None)
        await asyncio.sleep(SECONDS_TO_SEND)
        if text.status == "canceled":
            return
        text.becomes("sent")
        told = self._call_back(text, told)
        to_handset = network.delay_seconds if current_mode(network) is Mode.SLOW else SECONDS_TO_HANDSET
        await asyncio.sleep(min(to_handset, text.validity_seconds))
        if network.delivery == "none":
            return
        if error := self._delivery_error(text, to_handset):
            text.becomes("undelivered", error)
        else:
            self.arrive(text)
        self._call_back(text, told)

    def arrive(self, text: Text) -> None:
        """Put a text on its handset; one of ours reads it as any text that comes in."""
        text.becomes("delivered")
        if text.recipient in self._config.own_numbers:
            self.receive(text.sender, text.body, text.recipient)
        for notice_arrival in self.arrived:
            notice_arrival(text)

    def _delivery_error(self, text: Text, seconds_to_handset: float) -> int | None:
        if seconds_to_handset > text.validity_seconds:
            return VALIDITY_EXPIRED
        if self._behaviours.phone_network.delivery == "undelivered":
            return self._behaviours.phone_network.error_code
        return LANDLINE if _is_landline(text.recipient) else None

    def _call_back(self, text: Text, after: asyncio.Task[None] | None) -> asyncio.Task[None] | None:
        """Tell the application of the status as it is now, once it has been told of the one before."""
        if text.callback_url is None:
            return None
        form = status_form(text, self._config.account_sid)
        return self._errands.start(self._tell_status(text, text.callback_url, form, after))

    async def _tell_status(
        self, text: Text, callback_url: str, form: dict[str, str], after: asyncio.Task[None] | None
    ) -> None:
        if after:
            await after
        answer = await self._caller.call(callback_url, form, str(uuid.uuid4()), attempt=text.count_attempt)
        text.answered = answer is not None

    async def _hand_over(self, sender: str, waiting: deque[Text]) -> None:
        while waiting:
            await self._offer(waiting[0])
            waiting.popleft()
        del self._waiting[sender]

    async def _offer(self, text: Text) -> None:
        """Offer a text to the webhook, then to the fallback, then, by a patient network, again until it is taken."""
        form, token = inbound_form(text, self._config.account_sid), str(uuid.uuid4())
        url, fallback_url, attempt = self._config.webhook_url, self._config.fallback_url, text.count_attempt
        answer = await self._caller.call(url, form, token, attempt=attempt)
        if answer is None and fallback_url:
            failed = {"ErrorCode": "11200", "ErrorUrl": url}
            answer = await self._caller.call(fallback_url, form | failed, token, attempt=attempt)
        while answer is None and self._behaviours.phone_network.patient:
            await asyncio.sleep(SECONDS_OF_PATIENCE)
            answer = await self._caller.call(url, form, token, retries=False, attempt=attempt)
        if answer and self._behaviours.phone_network.repeats:
            answer = await self._caller.call(url, form, token, attempt=attempt) or answer
        text.answered = answer is not None
        text.error_code = answer.twiml_error() if answer else 11200


def inbound_form(text: Text, account_sid: str) -> dict[str, str]:
    """Make the form that Twilio posts for a text from a person; places it does not know are sent blank, and signed."""
    places = {f"{end}{place}": "" for end in ("To", "From") for place in ("City", "State", "Zip")}
    ids = {"MessageSid": text.sid, "SmsSid": text.sid, "SmsMessageSid": text.sid, "AccountSid": account_sid}
    ends = {"From": text.sender, "To": text.recipient, "FromCountry": "GB", "ToCountry": "GB"}
    counts = {"NumMedia": str(len(text.pictures)), "NumSegments": str(text.segments)}
    return places | ids | ends | counts | {"Body": text.body, "SmsStatus": "received", "ApiVersion": "2010-04-01"}


def status_form(text: Text, account_sid: str) -> dict[str, str]:
    """Make the form of a status callback; `ErrorCode` is there only where there is an error."""
    ids = {"MessageSid": text.sid, "SmsSid": text.sid, "AccountSid": account_sid, "ApiVersion": "2010-04-01"}
    status = {"MessageStatus": text.status, "SmsStatus": text.status, "From": text.sender, "To": text.recipient}
    return ids | status | ({"ErrorCode": str(text.error_code)} if text.error_code else {})


def _is_landline(number: str) -> bool:
    """Say whether a United Kingdom number is a landline, which takes no texts."""
    return number.startswith(("+441", "+442"))
