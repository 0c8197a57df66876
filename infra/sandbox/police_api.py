"""Serves a control room's API: it takes notices, and lets a script act as the person at the desk."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from infra.sandbox.behaviours import Mode, current_mode, hold
from infra.sandbox.outside_world import OutsideWorld


class Reply(BaseModel):
    """What a person at the desk says about a notice, beyond the acknowledgement that the desk gives by itself."""

    notice: Annotated[str, Field(min_length=1)]
    type: Literal["police.acknowledged", "police.reference-given", "police.risk-graded", "police.closed"]
    reference: str | None = None
    reference_kind: Literal["incident", "missing-person", "information-only"] | None = None
    grade: Literal["high", "medium", "low", "no-apparent-risk"] | None = None


def police_routes(world: OutsideWorld) -> APIRouter:
    """Serve every desk of the sandbox."""
    router = APIRouter(prefix="/desks/{force}")

    @router.post("/notices")
    async def take_notice(request: Request, force: str) -> Response:
        _known_force(world, force)
        behaviour = world.behaviours.desks[force]
        mode = current_mode(behaviour)
        if mode is Mode.SLOW:
            await asyncio.sleep(behaviour.delay_seconds)
        elif mode is Mode.FAILING:
            return Response(status_code=behaviour.status)
        elif mode is Mode.SILENT:
            await hold(request, world.closing)
            return Response(status_code=503)
        notice = world.desks.take(force, await request.body(), request.headers)
        if not notice.verified:
            return JSONResponse({"detail": "the signature is wrong, missing or too old"}, 401)
        if mode is Mode.HANG:
            return StreamingResponse(_never_ending(world.closing), 200)
        return Response(status_code=204)

    @router.post("/replies", status_code=202)
    async def reply(force: str, told: Reply) -> dict[str, str]:
        _known_force(world, force)
        notice = world.desks.find(force, told.notice)
        if notice is None:
            raise HTTPException(404, "this desk holds no such notice")
        world.desks.reply(notice, told.type, **told.model_dump(exclude={"notice", "type"}, exclude_none=True))
        return {"notice": notice.id, "type": told.type}

    return router


def _known_force(world: OutsideWorld, force: str) -> None:
    if force not in world.desks.desks:
        raise HTTPException(404, "there is no such desk")


async def _never_ending(closing: asyncio.Event) -> AsyncIterator[bytes]:
    yield b" "
    await closing.wait()
