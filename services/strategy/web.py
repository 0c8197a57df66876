"""Where the button of an invitation leads."""

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.delivery import link_contract
from services.delivery.link_pages import LinkPages
from services.delivery.links import Purpose
from services.runtime.clocks import Clocks
from services.runtime.problems import answer_with_problems
from services.store.failures import passes_by_itself
from services.strategy.answering import Answering
from services.strategy.settings import StrategySettings

PASSING = (DBAPIError, PoolTimeoutError, OSError)


def pages(answering: Answering, clocks: Clocks, settings: StrategySettings) -> FastAPI:
    app = FastAPI(title="Safe Return: strategy", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=PASSING, passes_by_itself=passes_by_itself)
    links = LinkPages(settings.links, clocks, Purpose.REPLY, answering.shows, answering.acts)
    for opening in link_contract.openings(links):
        app.add_api_route(**opening)
    return app
