"""Serves the JSON API for scripts, tests and the page: what happened outside, and the switches."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from infra.sandbox.behaviours import (
    DeskBehaviour,
    MailboxBehaviour,
    MailServerBehaviour,
    NotifyBehaviour,
    PhoneNetworkBehaviour,
)
from infra.sandbox.calls import Call
from infra.sandbox.config import PhoneNumber
from infra.sandbox.desks import Notice
from infra.sandbox.invitations import read_invitations
from infra.sandbox.mailboxes import Mail
from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.texts import Text


class TypedText(BaseModel):
    """What somebody types on a phone."""

    model_config = ConfigDict(populate_by_name=True)

    sender: PhoneNumber = Field(alias="from")
    to: PhoneNumber | None = None
    body: Annotated[str, Field(max_length=1600)]


class DialledCall(BaseModel):
    """What somebody does who rings our number."""

    model_config = ConfigDict(populate_by_name=True)

    sender: PhoneNumber = Field(alias="from")
    key: Annotated[str, Field(pattern="^[0-9*#]?$")] = ""
    speaks: bool = False


class Acknowledgement(BaseModel):
    """What an officer says on the page of a notice, beside name and collar number."""

    reference: Annotated[str, Field(min_length=1, max_length=120)] | None = None


class AnswerSwitch(BaseModel):
    """Whether whoever holds a phone, or reads a mailbox, answers by themselves."""

    answers: bool


def scripts_routes(world: OutsideWorld) -> APIRouter:
    """Serve phones, texts and notices."""
    router = APIRouter()

    @router.get("/phones")
    async def list_phones() -> list[dict[str, Any]]:
        return [phone.model_dump() for phone in world.people.phones.values()]

    @router.put("/phones/{number}")
    async def set_phone(number: PhoneNumber, switch: AnswerSwitch) -> dict[str, Any]:
        return world.people.set_answers(number, answers=switch.answers).model_dump()

    @router.post("/texts", status_code=202)
    async def type_text(typed: TypedText) -> dict[str, str]:
        return {"sid": world.network.receive(typed.sender, typed.body, typed.to).sid}

    @router.get("/texts")
    async def list_texts(number: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        # In a query a bare "+" means a space; whoever typed the URL meant the number.
        phone = number.replace(" ", "+") if number else None
        ours = world.config.own_numbers if phone is None else set()  # what we text to ourselves is nobody's
        found = world.network.texts.since(since, phone)
        return [show_text(n, text) for n, text in found if not {text.sender, text.recipient} <= ours]

    @router.get("/calls")
    async def list_calls(number: str | None = None) -> list[dict[str, Any]]:
        phone = number.replace(" ", "+") if number else None
        return [show_call(call) for call in reversed(world.calls.to(phone))]

    @router.post("/calls")
    async def ring(dialled: DialledCall) -> dict[str, Any]:
        return show_call(await world.calls.receive(dialled.sender, dialled.key, dialled.speaks))

    @router.get("/notices")
    async def list_notices(force: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        return [
            show_notice(n, notice) for n, notice in world.desks.notices.since(since) if force in {None, notice.force}
        ]

    @router.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return router


def mail_routes(world: OutsideWorld) -> APIRouter:
    """Serve mailboxes, mails, and the invitations among them."""
    router = APIRouter()

    @router.get("/mailboxes")
    async def list_mailboxes() -> list[dict[str, Any]]:
        return [mailbox.model_dump() for mailbox in world.correspondents.mailboxes.values()]

    @router.put("/mailboxes/{address}")
    async def set_mailbox(address: str, switch: AnswerSwitch) -> dict[str, Any]:
        return world.correspondents.set_answers(address, answers=switch.answers).model_dump()

    @router.post("/mailboxes/{address}/acknowledge")
    async def acknowledge(address: str, said: Acknowledgement) -> dict[str, bool]:
        taken = await world.officers.acknowledge(address, said.reference)
        if taken is None:
            raise HTTPException(404, "no officer reads this mailbox, or no notice has come to it")
        return {"taken": taken}

    @router.get("/mails")
    async def list_mails(since: int = 0) -> list[dict[str, Any]]:
        return [show_mail(n, mail) for n, mail in world.mail_server.mails.since(since)]

    @router.get("/invitations")
    async def list_invitations(since: int = 0) -> list[dict[str, Any]]:
        mails = world.mail_server.mails.since(since)
        return [
            {"mail": n, "to": list(mail.recipients), "received_at": _written(mail.received_at), **invitation}
            for n, mail in mails
            for invitation in read_invitations(mail)
        ]

    return router


def behaviour_routes(world: OutsideWorld) -> APIRouter:
    """Serve the switches. A PUT sets the whole switch: what it does not name goes back to its default."""
    router = APIRouter(prefix="/behaviours")

    @router.get("")
    async def show_behaviours() -> dict[str, Any]:
        return world.behaviours.model_dump(mode="json")

    @router.put("/desks/{force}")
    async def set_desk(force: str, behaviour: DeskBehaviour) -> DeskBehaviour:
        if force not in world.desks.desks:
            raise HTTPException(404, "there is no such desk")
        world.behaviours.desks[force] = behaviour
        return behaviour

    @router.put("/phone-network")
    async def set_phone_network(behaviour: PhoneNetworkBehaviour) -> PhoneNetworkBehaviour:
        world.behaviours.phone_network = behaviour
        return behaviour

    @router.put("/notify")
    async def set_notify(behaviour: NotifyBehaviour) -> NotifyBehaviour:
        world.behaviours.notify = behaviour
        return behaviour

    @router.put("/mail-server")
    async def set_mail_server(behaviour: MailServerBehaviour) -> MailServerBehaviour:
        world.behaviours.mail_server = behaviour
        return behaviour

    @router.put("/mailboxes/{address}")
    async def set_mailbox_behaviour(address: str, behaviour: MailboxBehaviour) -> MailboxBehaviour:
        world.behaviours.mailboxes[address.lower()] = behaviour
        return behaviour

    return router


def show_text(n: int, text: Text) -> dict[str, Any]:
    """Show a text to a script. `answered`: the webhook (for a text in) or the last callback (out) got a 2xx."""
    return {
        "n": n,
        "sid": text.sid,
        "from": text.sender,
        "to": text.recipient,
        "body": text.body,
        "direction": text.direction,
        "status": text.status,
        "segments": text.segments,
        "error_code": text.error_code,
        "at": _written(text.created_at),
        "attempts": text.attempts,
        "answered": text.answered,
        "way": "twilio" if text.service is None else "notify",
        "reference": text.reference,
    }


def show_call(call: Call) -> dict[str, Any]:
    """Show a call to a script: what the voice said, and how the call stands."""
    return {
        "sid": call.sid,
        "to": call.recipient,
        "says": call.says,
        "heard": call.heard,
        "status": call.status,
        "answered_by": call.answered_by,
        "at": _written(call.created_at),
    }


def show_notice(n: int, notice: Notice) -> dict[str, Any]:
    """Show a notice to a script, as the desk holds it."""
    return {
        "n": n,
        "force": notice.force,
        "id": notice.id,
        "verified": notice.verified,
        "received_at": _written(notice.received_at),
        "body": notice.body,
        "repeats": notice.repeats,
        "conflicts": notice.conflicts,
        "acknowledged": notice.acknowledged,
        "reference": notice.reference,
    }


def show_mail(n: int, mail: Mail) -> dict[str, Any]:
    """Show a mail to a script."""
    return {
        "n": n,
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "received_at": _written(mail.received_at),
    }


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
