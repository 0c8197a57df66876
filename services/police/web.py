"""The force's door."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.police.web_contract import ANSWERS, REPLY
from services.police.web_replies import RepliesDoor
from services.runtime.problems import answer_with_problems
from services.store.failures import passes_by_itself

PASSING = (DBAPIError, PoolTimeoutError, OSError)


def pages(door: RepliesDoor) -> FastAPI:
    app = FastAPI(title="Safe Return: police", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=PASSING, passes_by_itself=passes_by_itself)

    @app.post("/forces/{force_id}/replies", status_code=HTTPStatus.ACCEPTED, responses=ANSWERS, openapi_extra=REPLY)
    async def take_reply(force_id: str, request: Request) -> JSONResponse:
        """An acknowledgement, a reference, a grade, news: signed as Standard Webhooks with a reply secret of the force's."""
        return await door.take(request, force_id)

    return app
