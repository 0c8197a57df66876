"""Where the buttons of invitations, and of mails about a discussion's record, lead."""

from dataclasses import dataclass

from fastapi import FastAPI

from services.delivery import link_contract
from services.delivery.link_pages import LinkPages
from services.delivery.links import Purpose
from services.runtime.clocks import Clocks
from services.runtime.problems import answer_with_problems
from services.store.failures import OF_DATABASE, passes_by_itself
from services.strategy.answering import Answering
from services.strategy.record_pages import RecordReading, RecordWriting
from services.strategy.settings import StrategySettings


@dataclass(frozen=True)
class Behind:
    """What stands behind each kind of link."""

    answering: Answering
    writing: RecordWriting
    reading: RecordReading


def pages(behind: Behind, clocks: Clocks, settings: StrategySettings) -> FastAPI:
    app = FastAPI(title="Safe Return: strategy", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=OF_DATABASE, passes_by_itself=passes_by_itself)
    for purpose, page in (
        (Purpose.REPLY, behind.answering),
        (Purpose.RECORD, behind.writing),
        (Purpose.READ, behind.reading),
    ):
        links = LinkPages(settings.links, clocks, purpose, page.shows, page.acts)
        for opening in link_contract.openings(links):
            app.add_api_route(**opening)
    return app
