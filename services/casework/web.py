"""Takes an agency's event: `POST /events`. The docstring of an endpoint is its description in OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework import metrics, policy
from services.casework.openapi import ROUTES
from services.casework.settings import CaseworkSettings
from services.casework.store import OtherContent, accept_event
from services.platform.delivery.webhook_signature import is_signed
from services.platform.register.organisations import Agency, agency_by_source
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import MESSAGE_BYTES, Problem, Strangers, body_within, media_type_of
from services.platform.store.encryption import Keyring
from services.platform.store.engine import new_web_app
from services.platform.store.query import EVERY
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.care_events import ChildTransferred
from services.safeguarding.identifiers import is_provisional

NOT_LIVE = (
    "an authority that is live: it takes exercises alone as yet, and nobody was told; ring police and the duty team"
)
MEDIA_TYPE = "application/cloudevents+json"
NOBODYS_SECRET = "whsec_" + "A" * 43 + "="
"""Checked if the source is unknown, so that the answer takes as long as for a wrong signature."""

STATUS = {
    policy.Defect.ENVELOPE: (HTTPStatus.BAD_REQUEST, "Not a CloudEvent"),
    policy.Defect.CONTENT: (HTTPStatus.UNPROCESSABLE_ENTITY, "Not as the event's contract wants it"),
    policy.Defect.NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "Not this agency's to say"),
}


class EventEndpoint:
    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring) -> None:
        self._store = store
        self._clocks = clocks
        self._keyring = keyring
        self._strangers = Strangers()

    async def take_event(self, request: Request) -> JSONResponse:
        """A CloudEvent in structured JSON, signed as Standard Webhooks with one of the agency's secrets."""
        if media_type_of(request) != MEDIA_TYPE:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a CloudEvent", f"The content type {MEDIA_TYPE} is needed."
            )
        body = await body_within(request, MESSAGE_BYTES)
        try:
            parsed = policy.parse(body)
            self._strangers.let_in(request, parsed.source)
            agency = await self._agency(parsed, body, request.headers)
            self._strangers.remember(request, parsed.source)
            event = policy.read(parsed, may_say=agency.types, now=self._clocks.story())
            trace = policy.trace_of(event.envelope)
            begins = trace != event.envelope.traceparent
            with spans.measure(event.kind.kind, trace, "SERVER" if begins else "CONSUMER"):
                child = await self._accept(agency, event)
        except policy.InvalidEvent as wrong:
            metrics.EVENTS.labels("-", wrong.wrong.value).inc()
            raise _problem(wrong) from None
        metrics.EVENTS.labels(event.kind.kind, "accepted").inc()
        answer = {"source": event.envelope.source, "id": event.envelope.id, "child": child}
        return JSONResponse(answer | {"identified": not is_provisional(child)}, status_code=HTTPStatus.ACCEPTED)

    async def _agency(self, parsed: policy.RawEvent, body: bytes, headers: Mapping[str, str]) -> Agency:
        async with self._store.read() as reader:
            agency = await reader.fetch(agency_by_source(self._keyring, parsed.source))
        secrets = (NOBODYS_SECRET,) if agency is None else agency.secrets
        if not is_signed(body, headers, secrets) or agency is None:
            metrics.EVENTS.labels("-", "not-authenticated").inc()
            detail = "The source is not known, or the signature (webhook-id, webhook-timestamp, webhook-signature) is not one of its own."
            raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail)
        return agency

    async def _accept(self, agency: Agency, event: policy.AgencyEvent) -> str:
        if not agency.live and not event.envelope.exercise:
            raise policy.InvalidEvent(policy.Defect.NOT_ALLOWED, "source", NOT_LIVE)
        story, wall = self._clocks.story(), self._clocks.wall()
        try:
            async with self._store.transaction(_seen_by(agency, event)) as uow:
                return await accept_event(uow, self._keyring, agency, event, story=story, wall=wall)
        except OtherContent:
            metrics.EVENTS.labels(event.kind.kind, "other-content").inc()
            detail = "This source has used this id for another event. A new event needs an id of its own."
            raise Problem(HTTPStatus.CONFLICT, "Same id, other content", detail, field="id") from None


def _seen_by(agency: Agency, event: policy.AgencyEvent) -> set[str]:
    """The agency's authority and the one to which a transfer moves the child, but never the word for all of them."""
    to = event.envelope.data.get("to") if event.kind is ChildTransferred else None
    return {agency.authority, str(to or agency.authority).replace("\x00", "")} - {EVERY}


def _problem(wrong: policy.InvalidEvent) -> Problem:
    status, title = STATUS[wrong.wrong]
    return Problem(status, title, f"Wanted: {wrong.wanted}", field=wrong.field or None)


def pages(
    store: Store, clocks: Clocks, settings: CaseworkSettings, options: Sequence[Callable[..., None]] = ()
) -> FastAPI:
    app, take_event = new_web_app("casework"), EventEndpoint(store, clocks, settings.keyring).take_event
    app.add_api_route("/events", take_event, methods=["POST"], status_code=HTTPStatus.ACCEPTED, **ROUTES["event"])
    for mount in options:
        mount(app, store, clocks, settings)
    return app
