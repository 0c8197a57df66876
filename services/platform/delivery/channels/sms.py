"""Counts the segments of a text (GSM 03.38): a single segment arrives whole or not at all. Pure.

Sends texts through Twilio, and reads out by a call those that cannot be texted. No other module knows its library.

Twilio has no idempotency key: after a lost answer nobody knows whether the text went out. Then its own list is asked
for the exact body, which a code makes unique. If it is not there, it is sent again, marked as a possible repeat.

A call speaks the text itself, which holds nothing of a child, and takes the keys that answer it. What follows from
each of Twilio's errors stands in `twilio_errors.yaml`: try again, ring instead, or go on to the next person.
"""

import asyncio
import base64
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlparse
from xml.sax.saxutils import escape

import aiohttp
import yaml
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator, add_port, remove_port
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import WayName
from services.platform.runtime.logs import logger
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import FailureReason

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each takes two septets."""
GSM_SINGLE, GSM_JOINED = 160, 153
UCS2_SINGLE, UCS2_JOINED = 70, 67


def is_gsm(text: str) -> bool:
    return all(character in BASIC or character in EXTENSION for character in text)


def units(text: str) -> int:
    """Septets where the text is GSM 7-bit, UTF-16 code units where it is not."""
    if is_gsm(text):
        return sum(2 if character in EXTENSION else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """A two-septet character, or a surrogate pair, is never split over two segments."""
    gsm = is_gsm(text)
    if units(text) <= (GSM_SINGLE if gsm else UCS2_SINGLE):
        return 1
    room = GSM_JOINED if gsm else UCS2_JOINED
    count, used = 1, 0
    for character in text:
        size = units(character) if gsm else len(character.encode("utf-16-be")) // 2
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count


@dataclass(frozen=True, slots=True)
class Meaning:
    """`reason` None: it passes, try again. `operator`: only new settings, or a change to the account, mend it."""

    reason: FailureReason | None
    operator: bool = False
    by_voice: bool = False
    """A call may get through where a text does not."""

    @property
    def passes(self) -> bool:
        return self.reason is None


KINDS = {
    "passes": Meaning(None),
    "passes-with-help": Meaning(None, operator=True),
    "no-such-number": Meaning("no-address"),
    "not-by-text": Meaning("undeliverable", by_voice=True),
    "not-reached-our-fault": Meaning("undeliverable", operator=True, by_voice=True),
    "opted-out": Meaning("opted-out"),
}
WRITTEN: dict[str, dict[int, str]] = yaml.load(
    Path(__file__).with_name("twilio_errors.yaml").read_text(), yaml.CSafeLoader
)
MEANINGS = {code: KINDS[kind] for kind, codes in WRITTEN.items() for code in codes}


NOTIFY = {
    "permanent-failure": KINDS["not-by-text"],
    "temporary-failure": KINDS["not-by-text"],
    "technical-failure": KINDS["passes"],
}
"""By the status that GOV.UK Notify gives a text that did not arrive."""


def meaning(code: int | None, status: int | None = None) -> Meaning:
    """Of a code that is not in the table the HTTP status decides: a refusal is one, anything else may pass."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status is not None and 400 <= status < 500 and status not in {408, 425, 429}:
        return KINDS["not-reached-our-fault"]
    return KINDS["passes"]


WELSH = re.compile(
    r"\b(?:perygl|ffoniwch|atebwch|tecstiwch|ymarfer|heddlu|yr|yn|wedi|cofnodwyd|dyletswydd|plentyn|gofalwyr)\b",
    re.IGNORECASE,
)
"""Every Welsh text of ours has one of these words, no English one has any (tests/unit/delivery/test_voice.py)."""
CODE = re.compile(r"\b(?=[2-9BCDFGHJKMNPQRSTVWXZ]*[BCDFGHJKMNPQRSTVWXZ])([2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")
VOICE = {"en": "Polly.Amy", "cy": "Polly.Gwyneth"}
WORDS = yaml.load(Path(__file__).with_name("voice.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
OF_CONTROL_ROOM = re.compile(r"(?:EXERCISE\. )?Safe Return: (\w{5}) opens")
"""The code that opens a notice: no text went before the call."""
NAMES = "Bravo Charlie Delta Foxtrot Golf Hotel Juliett Kilo Mike November Papa Quebec Romeo Sierra Tango Victor Whiskey X-ray Zulu"
LETTERS = {name[0].upper(): name for name in NAMES.split()}
MOST_CHARACTERS = 1700
"""As XML writes them. Twilio takes no more than 4,000 of TwiML in a request, in which they stand twice."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """`locale` and `voice` as Twilio names them."""

    words: str
    locale: str
    voice: str


def spoken(body: str, *, menu: bool = False) -> Spoken:
    """`menu`: with the keys that answer it, which a long text does not push out."""
    language = "cy" if WELSH.search(body) else "en"
    code = OF_CONTROL_ROOM.match(body)
    said = (
        f"{WORDS[language]['opening']} {_spelt(body)}"
        if code is None
        else f"{WORDS['en']['code']} {_say_code(code[1], body)}"
    )
    words, keys = said, f" {WORDS[language]['menu']}" if menu else ""
    while len(escape(words + keys)) > MOST_CHARACTERS:
        words = words[:-1]
    return Spoken(words + keys, f"{language}-GB", VOICE[language])


def answered(body: str, answer: str) -> Spoken:
    """What is said to whoever has pressed a key in the call of this text."""
    language = "cy" if WELSH.search(body) else "en"
    return Spoken(WORDS[language][answer], f"{language}-GB", VOICE[language])


def _say_code(code: str, body: str) -> str:
    """As control rooms say it, twice: Mike, Kilo, 7, Victor, 2."""
    said = ", ".join(LETTERS.get(letter, letter) for letter in code)
    return _spelt(body.replace(code, f"{said}. I say again: {said}. It", 1))


def _spelt(body: str) -> str:
    """Codes letter by letter, 999 and 101 as they are said. A link is nothing to hear."""
    spelt = CODE.sub(lambda found: ", ".join(found[1]), re.sub(r" https?://\S+", ".", body))
    return re.sub(r"\b(999|101)\b", lambda found: " ".join(found[1]), spelt)


LANE = "texts"
"""One destination: the provider. A failure of one number is not a failure of the lane."""
AT_ONCE = 16
TOTAL_SECONDS = 10.0
URGENT_VALIDITY_SECONDS = 300
"""A text that the network could not hand over by then is reported as not delivered, and the next person is told."""
STRANGERS_ANSWER_WITHIN = timedelta(seconds=URGENT_VALIDITY_SECONDS)
"""Later than this no automatic answer goes to a phone that may be a child's: somebody else may hold it (S61)."""
RINGS_SECONDS = 45
WAITS_SECONDS = 10
"""For a key, once everything is said."""
RECORDS_SECONDS = 180
REPEAT_MARK = "(Repeat?) "
LOOKED_THROUGH = 50
FAILED_STATUSES = frozenset({"failed", "undelivered", "canceled"})
NOT_OURS = frozenset({21212, 21606, 21659, 21660})
"""Twilio's errors where the account does not have the number that a text was to go out by."""
REPEATED = "#rc=5&rp=all&rt=5000"
"""To the end of a URL that we give Twilio: five retries on any failure, also where no answer comes within 5 s. Without
it Twilio tries once more, and only where it could not connect. It neither sends nor signs the fragment.
"""
CALL_EVENTS = ("initiated", "answered", "completed")
Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]
Tokens: TypeAlias = Callable[[], Sequence[str]]
"""Of our account, as they are now: we send by the first, and Twilio signs by any."""
LOST = (TwilioException, aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""After any of these nobody knows whether Twilio has it."""
CLOCKS_DIFFER = timedelta(seconds=5)
"""Twilio gives the time of a call in whole seconds, by its own clock. No more is allowed: an earlier call may be
another delivery's, and a missed call is worse than one that rings twice.
"""


def signature_is_valid(url: str, form: Mapping[str, Any], signature: str | None, tokens: Sequence[str]) -> bool:
    """Whether Twilio sent this form to `url`, the configured public one with its query. Blank fields count; `form` may
    be a multidict. `tokens`: the primary one and, during a change, the alternate.
    """
    return bool(signature) and any(RequestValidator(token).validate(url, form, signature) for token in tokens)


def signature_of(url: str, form: Mapping[str, str], token: str) -> str:
    """Twilio's own of this form, as our stand-in makes it for texts that it hands over."""
    return str(RequestValidator(token).compute_signature(url, form))


def bytes_are_signed(url: str, pairs: Pairs, signature: str, tokens: Sequence[str]) -> bool:
    """As `signature_is_valid`, over the bytes as they came."""
    parts = urlparse(url)
    said = b"".join(name + value for name, value in sorted(set(pairs)))
    good = [
        base64.b64encode(hmac.digest(token.encode(), each.encode() + said, "sha1"))
        for token in tokens
        for each in (remove_port(parts), add_port(parts))
    ]
    return any(hmac.compare_digest(each, signature.encode()) for each in good)


def status_callback(public_url: str, delivery: Any) -> str:
    return f"{public_url.rstrip('/')}/texts/status?delivery={delivery}{REPEATED}"


def keys_callback(public_url: str, delivery: Any) -> str:
    return f"{public_url.rstrip('/')}/calls/keys?delivery={delivery}{REPEATED}"


def twiml(body: str, keys: str | None = None) -> str:
    """The words of a call: the text, twice."""
    return conversation_twiml([spoken(body, menu=keys is not None)] * 2, keys=keys)


def conversation_twiml(
    says: Sequence[Spoken],
    *,
    keys: str | None = None,
    recording: str | None = None,
    unpressed: Sequence[Spoken] = (),
    dial: str | None = None,
) -> str:
    """What a call says. `keys`: where a key goes that is pressed meanwhile; without a key, `unpressed` is said next.
    `recording`: where the other's words then go. `dial`: the number that the call is then passed on to.
    """
    response = VoiceResponse()
    asked = response if keys is None else response.gather(num_digits=1, timeout=WAITS_SECONDS, action=keys)
    for verb, said in ((asked, says), (response, unpressed)):
        for each in said:
            verb.pause(length=1)
            verb.say(each.words, language=each.locale, voice=each.voice)
    if recording is not None:
        response.record(action=recording, max_length=RECORDS_SECONDS, play_beep=True)
    if dial is not None:
        response.dial(dial)
    return str(response)


def text_twiml(*bodies: str) -> str:
    """Texts that answer one, in the response itself."""
    response = MessagingResponse()
    for body in bodies:
        response.message(body)
    return str(response)


class TwilioWay:
    """`number` is our own (E.164). `base_url` only where a sandbox plays Twilio. An empty `public_url`: nothing is
    reported of what was sent.
    """

    way: WayName = "twilio"

    def __init__(
        self, *, account_sid: str, tokens: Tokens, number: str, public_url: str, base_url: str | None = None
    ) -> None:
        self._account_sid, self._tokens = account_sid, tokens
        self.number, self._public_url, self._base_url = number, public_url, base_url
        self._http: _TwilioHttp | None = None
        self._by_token: dict[str, Any] = {}

    async def start(self) -> None:
        self._http = _TwilioHttp(timeout=TOTAL_SECONDS)
        self._by_token.clear()  # theirs was closed by `stop`

    @property
    def _client(self) -> Any:
        """A client with the token as it is now."""
        token = self._tokens()[0]
        if token not in self._by_token:
            made = Client(self._account_sid, token, http_client=self._http)
            if self._base_url is not None:
                made.api.base_url = self._base_url
            self._by_token = {token: made}
        return self._by_token[token]

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def ring(self, sending: SendRequest) -> SendResult:
        """Reads a text out."""
        if sending.uncertain and (found := await self._look_up_call(sending)) is not None:
            return found
        calling = self._client.calls.create_async(
            to=sending.recipient,
            from_=self.number,
            twiml=twiml(sending.body, keys_callback(self._public_url, sending.id) if sending.of_duty else None),
            timeout=RINGS_SECONDS,
            machine_detection="Enable",
            **self._report(sending, status_callback_event=list(CALL_EVENTS)),
        )
        return replace(await _result_of(calling), medium="voice")

    async def _look_up_call(self, sending: SendRequest) -> SendResult | None:
        """Calls carry no code: any call to that number since then counts as the one whose answer was lost."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                calls = await self._client.calls.list_async(to=sending.recipient, limit=LOOKED_THROUGH)
        except (*LOST, _Throttled):
            return SendResult(AttemptResult.UNKNOWN, medium="voice")
        earliest = sending.created_at - CLOCKS_DIFFER
        for call in calls:
            if call.date_created is None or call.date_created >= earliest:
                return SendResult(AttemptResult.ACCEPTED, 200, provider_id=call.sid, medium="voice")
        return None

    async def text(self, sending: SendRequest, sender: str | None) -> SendResult:
        texting = self._client.messages.create_async(
            to=sending.recipient,
            from_=sender or self.number,
            body=sending.body,
            **self._report(sending),
            **({"validity_period": URGENT_VALIDITY_SECONDS} if sending.urgent else {}),
        )
        return await _result_of(texting)

    async def delete_copy(self, sid: str) -> bool:
        """Deletes what Twilio keeps of a text with its pictures, of a call or of a recording. False: not now."""
        kinds = {"CA": self._client.calls, "RE": self._client.recordings}
        one = kinds.get(sid[:2], self._client.messages)(sid)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                if sid[:2] not in kinds and (await one.fetch_async()).num_media != "0":
                    for picture in await one.media.list_async():
                        await picture.delete_async()
                await one.delete_async()
        except TwilioRestException as refusal:
            return bool(refusal.status == HTTPStatus.NOT_FOUND)
        except (*LOST, _Throttled):
            return False
        return True

    def _report(self, sending: SendRequest, **more: Any) -> dict[str, Any]:
        """Where Twilio reports what became of it."""
        return {"status_callback": status_callback(self._public_url, sending.id)} | more if self._public_url else {}

    async def look_up(self, sending: SendRequest) -> SendResult | None:
        """None where Twilio does not have it. Unknown where Twilio cannot be asked."""
        bodies = {sending.body, REPEAT_MARK + sending.body}
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                texts = await self._client.messages.list_async(to=sending.recipient, limit=LOOKED_THROUGH)
        except (*LOST, _Throttled):
            return SendResult(AttemptResult.UNKNOWN)
        earliest = sending.created_at - timedelta(minutes=1)
        for text in texts:
            if text.body in bodies and (text.date_created is None or text.date_created >= earliest):
                return _read_found(text)
        return None


async def _result_of(sending: Awaitable[Any]) -> SendResult:
    """What Twilio makes of a text or call."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            taken = await sending
    except _Throttled as throttled:
        return SendResult(AttemptResult.RETRY, 429, retry_after=throttled.retry_after)
    except TwilioRestException as refusal:
        return _read_refusal(refusal)
    except aiohttp.ClientConnectorError:
        return SendResult(AttemptResult.RETRY)
    except LOST:
        return SendResult(AttemptResult.UNKNOWN)
    return SendResult(AttemptResult.ACCEPTED, 201, provider_id=taken.sid)


def _read_found(text: Any) -> SendResult | None:
    if text.status not in FAILED_STATUSES:
        return SendResult(AttemptResult.ACCEPTED, 200, provider_id=text.sid)
    means = meaning(text.error_code)
    return None if means.passes else SendResult(AttemptResult.REFUSED, text.error_code, reason=means.reason)


def _read_refusal(refusal: TwilioRestException) -> SendResult:
    """A 5xx without Twilio's own code comes from something in between: whether the text went out, nobody knows."""
    if refusal.status >= 500 and not refusal.code:
        return SendResult(AttemptResult.UNKNOWN, refusal.status)
    means = meaning(refusal.code, refusal.status)
    if means.operator:
        metrics.OPERATOR.labels("text").inc()
        logger().error("texts cannot go out until the settings or the account are mended", status=refusal.code)
    result = AttemptResult.RETRY if means.passes else AttemptResult.REFUSED
    not_ours = refusal.code in NOT_OURS
    return SendResult(result, refusal.code, means.reason, by_voice=means.by_voice, not_by_sender=not_ours)


class _Throttled(Exception):
    def __init__(self, retry_after: timedelta | None) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


class _TwilioHttp(AsyncTwilioHttpClient):  # type: ignore[misc]
    """Raises `_Throttled` with Retry-After, which the library's exception does not carry. Writes the credentials'
    header itself, since aiohttp deprecates the class that the library uses for it.
    """

    async def request(self, method: str, url: str, **rest: Any) -> Response:
        auth = rest.pop("auth", None)
        headers = dict(rest.pop("headers", None) or {})
        if auth is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        rest.pop("timeout", None)
        response = await super().request(method, url, headers=headers, **rest)
        if response.status_code == 429:
            asked = response.headers.get("Retry-After", "")
            raise _Throttled(timedelta(seconds=int(asked)) if asked.isdecimal() else None)
        return response
