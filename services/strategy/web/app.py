"""Mounts the pages behind the buttons of invitations and of mails about a discussion's record."""

from fastapi import FastAPI

from services.platform.delivery.links.pages import LinkPages, mount_pages
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.runtime.clocks import Clocks
from services.platform.store.transient_errors import new_web_app
from services.strategy.web.record_pages import RecordReading, RecordWriting
from services.strategy.web.reply_page import ReplyPage


def pages(links: Links, clocks: Clocks, replying: ReplyPage, writing: RecordWriting, reading: RecordReading) -> FastAPI:
    app = new_web_app("strategy")
    answers = {Purpose.REPLY: replying.answer, Purpose.RECORD: writing.answer, Purpose.READ: reading.answer}
    mount_pages(app, *(LinkPages(links, clocks, *each) for each in answers.items()))
    return app
