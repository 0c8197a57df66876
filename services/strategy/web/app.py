"""Mounts the pages behind the buttons of invitations and of mails about a discussion's record."""

from dataclasses import dataclass

from fastapi import FastAPI

from services.platform.delivery.links.openapi import mount_pages
from services.platform.delivery.links.pages import LinkPages
from services.platform.delivery.links.tokens import Purpose
from services.platform.runtime.clocks import Clocks
from services.platform.store.web import new_web_app
from services.strategy.settings import StrategySettings
from services.strategy.web.record_pages import RecordReading, RecordWriting
from services.strategy.web.reply_page import ReplyPage


@dataclass(frozen=True)
class Dependencies:
    """The page behind each kind of link."""

    replying: ReplyPage
    writing: RecordWriting
    reading: RecordReading


def pages(behind: Dependencies, clocks: Clocks, settings: StrategySettings) -> FastAPI:
    app = new_web_app("strategy")
    mount_pages(
        app,
        LinkPages(settings.links, clocks, Purpose.REPLY, behind.replying.answer),
        LinkPages(settings.links, clocks, Purpose.RECORD, behind.writing.answer),
        LinkPages(settings.links, clocks, Purpose.READ, behind.reading.answer),
    )
    return app
