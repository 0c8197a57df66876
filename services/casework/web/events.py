"""`POST /events`: who it is, what it says, and the answer."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework import metrics
from services.casework.policy import agency_event
from services.casework.policy.agency_event import AgencyEvent, Parsed, Wrong, WrongEvent
from services.casework.store.event_intake import Moment, OtherContent, accept
from services.platform.delivery.webhook_signature import is_signed
from services.platform.register import agencies
from services.platform.register.agencies import Agency
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.runtime.limits import MESSAGE_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import is_provisional

MEDIA_TYPE = "application/cloudevents+json"
NOBODYS_SECRET = "whsec_" + "A" * 43 + "="
"""Checked against where the source is unknown, so that the answer takes as long as a wrong signature's."""

STATUS = {
    Wrong.ENVELOPE: (HTTPStatus.BAD_REQUEST, "Not a CloudEvent"),
    Wrong.CONTENT: (HTTPStatus.UNPROCESSABLE_ENTITY, "Not as the event's contract wants it"),
    Wrong.NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "Not this agency's to say"),
}


class EventsDoor:
    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring) -> None:
        self._store = store
        self._clocks = clocks
        self._keyring = keyring

    async def take(self, request: Request) -> JSONResponse:
        """Answers 202 when the event is durable. Raises Problem otherwise."""
        if media_type_of(request) != MEDIA_TYPE:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a CloudEvent", f"The content type {MEDIA_TYPE} is needed."
            )
        body = await body_within(request, MESSAGE_BYTES)
        try:
            parsed = agency_event.parse(body)
            agency = await self._agency(parsed, body, request.headers)
            event = agency_event.read(parsed, may_say=agency.types, now=self._clocks.story())
            child = await self._accept(agency, event)
        except WrongEvent as wrong:
            metrics.EVENTS.labels("-", wrong.wrong.value).inc()
            raise _problem(wrong) from None
        metrics.EVENTS.labels(event.kind.kind, "accepted").inc()
        answer = {"source": event.envelope.source, "id": event.envelope.id, "child": child}
        return JSONResponse(answer | {"identified": not is_provisional(child)}, status_code=HTTPStatus.ACCEPTED)

    async def _agency(self, parsed: Parsed, body: bytes, headers: Mapping[str, str]) -> Agency:
        async with self._store.reading.connect() as connection:
            agency = await agencies.of_source(connection, self._keyring, parsed.source)
        secrets = (NOBODYS_SECRET,) if agency is None else agency.secrets
        if not is_signed(body, headers, secrets) or agency is None:
            metrics.EVENTS.labels("-", "not-authenticated").inc()
            detail = "The source is not known, or the signature (webhook-id, webhook-timestamp, webhook-signature) is not one of its own."
            raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail)
        return agency

    async def _accept(self, agency: Agency, event: AgencyEvent) -> str:
        moment = Moment(self._clocks.story(), self._clocks.wall())
        try:
            async with self._store.transaction() as uow:
                return await accept(uow, self._keyring, agency, event, moment)
        except OtherContent:
            metrics.EVENTS.labels(event.kind.kind, "other-content").inc()
            detail = "This source has used this id for another event. A new event needs an id of its own."
            raise Problem(HTTPStatus.CONFLICT, "Same id, other content", detail, field="id") from None


def _problem(wrong: WrongEvent) -> Problem:
    status, title = STATUS[wrong.wrong]
    return Problem(status, title, f"Wanted: {wrong.wanted}", field=wrong.field or None)
