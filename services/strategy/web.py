"""Where the buttons of invitations, and of mails about a discussion's record, lead."""

from dataclasses import dataclass

from fastapi import FastAPI

from services.delivery import link_contract
from services.delivery.link_pages import LinkPages
from services.delivery.links import Purpose
from services.runtime.clocks import Clocks
from services.store.web import new_web_app
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
    app = new_web_app("strategy")
    for purpose, page in (
        (Purpose.REPLY, behind.answering),
        (Purpose.RECORD, behind.writing),
        (Purpose.READ, behind.reading),
    ):
        links = LinkPages(settings.links, clocks, purpose, page.shows, page.acts)
        for opening in link_contract.openings(links):
            app.add_api_route(**opening)
    return app
