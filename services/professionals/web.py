"""Where Twilio reports what became of a text."""

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.delivery.callbacks import status_route
from services.delivery.receipts import Receipts
from services.professionals.settings import ProfessionalsSettings
from services.runtime.problems import answer_with_problems
from services.store.failures import passes_by_itself

PASSING = (DBAPIError, PoolTimeoutError, OSError)


def pages(receipts: Receipts, settings: ProfessionalsSettings) -> FastAPI:
    app = FastAPI(title="Safe Return: professionals", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=PASSING, passes_by_itself=passes_by_itself)
    app.router.routes.append(status_route(receipts, public_url=settings.public_url, tokens=settings.twilio_tokens))
    return app
