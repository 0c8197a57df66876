"""Serves the page on which a newcomer plays everybody but Safe Return: phones, police desks, mailboxes, switches."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.scripts_api import show_call, show_mail, show_notice, show_text

_FOLDER = Path(__file__).parent
_NEWEST = 40


def page_routes(world: OutsideWorld) -> APIRouter:
    """Serve the page, and the one document that it asks for every second."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> FileResponse:
        return FileResponse(_FOLDER / "index.html")

    @router.get("/page/{name}")
    async def part(name: str) -> FileResponse:
        # Only these two: the name is never taken as a path.
        return FileResponse(_FOLDER / ("page.css" if name == "page.css" else "page.js"))

    @router.get("/page-state")
    async def state(phone: str = "") -> dict[str, Any]:
        texts, notices, mails = world.network.texts, world.desks.notices, world.mail_server.mails
        return {
            "own_number": world.config.own_number,
            "phones": [
                known.model_dump() | {"last": texts.last_number_of(known.number)}
                for known in world.people.phones.values()
            ],
            "thread": [show_text(n, text) for n, text in texts.since(0, phone)[-_NEWEST:]],
            "calls": [show_call(call) for call in reversed(world.calls.to(phone)[:_NEWEST])],
            "desks": [{"force": desk.force, "name": desk.name} for desk in world.desks.desks.values()],
            "notices": [show_notice(n, notice) for n, notice in notices.since(notices.last_number - _NEWEST)],
            "mailboxes": [mailbox.model_dump() for mailbox in world.correspondents.mailboxes.values()],
            "mails": [show_mail(n, mail) for n, mail in mails.since(mails.last_number - _NEWEST)],
            "behaviours": world.behaviours.model_dump(mode="json"),
        }

    return router
