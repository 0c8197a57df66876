"""Answers whoever rings our number, for when texts fail: key 1 is a text MISSING, and a person hears a recording.

It asks the database nothing, so that a report is taken while the database is away, as a text is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response

from services.carers.inbound.intake import Intake, NotKept
from services.carers.messages import FOLDER, LANGUAGES
from services.carers.text import Text
from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import REPEATED, VOICE, Spoken, conversation_twiml
from services.platform.delivery.links.signed_forms import TwilioDoor, Whose
from services.platform.delivery.sms_status import webhook
from services.platform.register.directory import e164
from services.platform.runtime.clocks import Clocks
from services.wording import read_words

REPORT = "1"
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""What Twilio may give for the number of somebody who withholds it: ANONYMOUS and the like, on a telephone's keys. Or
it gives the word, or nothing.
"""
CALL = webhook.describe_form("call")


@dataclass(frozen=True)
class VoiceLine:
    """What the caller says or presses is kept before the next word is said. A repeat has no second effect."""

    intake: Intake
    clocks: Clocks
    public_url: str
    door: TwilioDoor

    def mount(self, app: FastAPI) -> None:
        for path, answer in (("inbound", self.greet), ("choice", self.choose), ("recording", self.record)):
            app.add_api_route(
                f"/calls/{path}",
                answer,
                methods=["POST"],
                response_class=Response,
                responses=webhook.TWILIO_REFUSED | webhook.SAID,
                openapi_extra=CALL,
            )

    async def greet(self, request: Request) -> Response:
        """Somebody rings. Without a key they are asked to speak."""
        await self.door.signed_form(request)
        keys, recording = self._url("choice"), self._url("recording")
        return _answer(_spoken("menu"), keys=keys, unpressed=_spoken("speak"), recording=recording)

    async def choose(self, request: Request) -> Response:
        """The caller has pressed a key."""
        said = await self._read(request, "CallSid", "Digits")
        if said["Digits"] != REPORT:
            return _answer(_spoken("speak"), recording=self._url("recording"))
        if await self._keep(said["CallSid"], said, "MISSING"):
            return _answer(_spoken("reported"), recording=self._url("recording"))
        return _answer(_spoken("not-kept"))

    async def record(self, request: Request) -> Response:
        """What the caller said."""
        said = await self._read(request, "RecordingSid", "RecordingUrl")
        kept = await self._keep(said["RecordingSid"], said, "", said["RecordingUrl"])
        return _answer(_spoken("recorded" if kept else "not-kept"))

    def _url(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}/calls/{path}{REPEATED}"

    async def _read(self, request: Request, *fields: str) -> dict[str, str]:
        form = (await self.door.signed_form(request)).fields
        for field in fields:
            if not form.get(field, "").strip():
                detail = f"{field} is missing."
                raise self.door.refusal(HTTPStatus.BAD_REQUEST, "Not a call", detail, field, Whose.TWILIO)
        return {field: form.get(field, "").replace("\x00", "").strip() for field in (*fields, "CallSid", "From", "To")}

    async def _keep(self, sid: str, said: Mapping[str, str], body: str, *recordings: str) -> bool:
        """False where neither the database nor the disk takes it: the caller is told to ring somebody else."""
        now, story, to = self.clocks.wall(), self.clocks.story(), e164(said["To"])
        try:
            await self.intake.take(
                Text(sid, _read_caller(said), body, recordings, received_at=now, story_at=story, to=to)
            )
        except NotKept:
            metrics.REFUSED.labels("inbound", "Not now", Whose.TWILIO).inc()
            return False
        except Exception:
            metrics.REFUSED.labels("inbound", "Our fault", Whose.TWILIO).inc()
            raise
        return True


def _read_caller(said: Mapping[str, str]) -> str:
    """Whoever withholds their number is somebody of their own at each call: two of them do not report one child."""
    number = e164(said["From"])
    is_given = number.startswith("+") and said["From"] not in WITHHELD
    return number if is_given else f"withheld {said['CallSid']}"


def _spoken(words: str) -> list[Spoken]:
    """In each language, since nobody knows yet who rings."""
    said = read_words(FOLDER / "calls.yaml")
    return [Spoken(said[language][words], f"{language}-GB", VOICE[language]) for language in LANGUAGES]


def _answer(says: Sequence[Spoken], **then: Any) -> Response:
    return Response(conversation_twiml(says, **then), media_type="text/xml")
