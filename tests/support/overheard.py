"""A story whose every secret is a word of its own, and all that others than those who need to know might read of it.

Those are: what is logged or printed, the labels of metrics, URLs, the subjects of mails, texts, and the bus.
"""

import io
import logging
import re
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import default as modern
from typing import Any
from urllib.parse import unquote_plus

import aiohttp
import httpx
import psycopg
import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import text

from services.platform.bus import message_processor
from services.platform.delivery.channels.channel import SendRequest
from services.platform.runtime import logs
from services.platform.runtime.logs import place
from services.platform.store.migrations.access import SERVICES
from services.platform.store.unit_of_work import UnitOfWork
from tests.support.engines.database import Database
from tests.support.in_process import carers, police, professionals, register, strategy

NAME, KNOWN_AS, STREET, LOOKS, FAMILY = "Xanthippe", "Zephyrine", "Wyvernhatch", "ocelot", "Thistlewood"
STATUS, REFERENCE, OFFICER = "asylum", "NP-4711-QX", {"name": "PC Fernsby", "collar_number": "NQ 9127"}
WORDS = f"bumblepuppy {NAME} of {STREET} Close has an appeal about {STATUS}, ring 07700 988777"
"""What somebody writes or says, with everything in it."""
SECRET = re.compile(
    rf"{NAME}|{KNOWN_AS}|{STREET}|{LOOKS}|{FAMILY}|{STATUS}|{REFERENCE}|Fernsby|NQ 9127|bumblepuppy|2011-03-04"
    r"|\b(?!safe-return@)[\w.]+@kestrel\.example"
    # A mobile of the story, however it is written, which neither our own two numbers nor a part of an id is.
    r"|(?<![\w.])(?:\+?44|0)7700 ?9(?!0050[01])\d{5}(?!\w)",
    re.IGNORECASE,
)
URL = re.compile(r"""https?://[^\s"'<>]+|(?:href|src|action)="(?!tel:|mailto:|data:)([^"]*)\"""")
KIND = re.compile(r'kind="[a-z0-9.-]+"')
"""A label may say it, as the bus does: how many messages there are of a kind says nothing of a child."""
AUTHORITY = register.authority


def authority(name: str | None = None) -> dict[str, Any]:
    document = AUTHORITY(name)
    for child in document["children"]:
        child |= {"name": f"{NAME} Quillfeather", "known_as": [KNOWN_AS], "description": f"an {LOOKS} coat"}
    for placement in document["placements"]:
        placement["address"] = f"77 {STREET} Close"
    for person in document["people"]:
        person["name"] = f"{person['reference'].title()} {FAMILY}"
    return document


@dataclass
class Overheard:
    printed: io.StringIO = field(default_factory=io.StringIO)
    held_back: list[str] = field(default_factory=list)
    """The errors that were logged, with their texts and causes: what the log would say if it said them."""
    urls: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def has_held_back(self, what: str = WORDS) -> bool:
        """Whether an error was logged since the last time whose text holds it."""
        said, self.held_back[:] = "".join(self.held_back), []
        return what in said

    def send(self, sent: Sequence[SendRequest]) -> None:
        """What a channel was given: mails, and texts."""
        for each in sent:
            mail = message_from_string(each.body, policy=modern)
            if mail["Subject"] is None:
                self.texts.append(each.body)
            else:
                self.subjects.append(str(mail["Subject"]))
            parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
            self.urls += [found[0] for part in parts for found in URL.finditer(part)]

    def leaks(self, database: Database) -> list[str]:
        """Each secret that anybody else could read, with where it stood."""
        bus = "\n".join(_envelopes(database))
        assert bus, "the story said something"
        ways = {
            "printed": self.printed.getvalue(),
            "labels": KIND.sub("", generate_latest(REGISTRY).decode()),
            "URLs": "\n".join(self.urls),
            "subjects": "\n".join(self.subjects),
            "texts": "\n".join(self.texts),
            "bus": bus,
        }
        plain = {way: unquote_plus(said) for way, said in ways.items()}
        found = [(way, said, each) for way, said in plain.items() for each in SECRET.finditer(said)]
        return [f"{way}: {said[max(0, each.start() - 80) : each.end() + 40]}" for way, said, each in found]


async def quoting(uow: UnitOfWork, *_: Any, **__: Any) -> Any:
    """In place of a write: PostgreSQL refuses a value, and quotes it in its error."""
    await uow.connection.execute(text("SELECT CAST(:said AS integer)"), {"said": WORDS})


@contextmanager
def overhearing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Overheard]:
    """The floors below log as in a process of their own, and each authority that they load has the story's secrets."""
    heard, root = Overheard(), logging.getLogger()
    before, handlers, level = structlog.get_config(), root.handlers[:], root.level
    for module in (carers, police, professionals, strategy):
        monkeypatch.setattr(module, "authority", authority)
    for module, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, hook, getattr(module, hook))  # put back what `configure` sets
    for module in (logs, message_processor):
        monkeypatch.setattr(module, "place", _noting(place, heard))
    monkeypatch.setattr(httpx.AsyncClient, "send", _watching(httpx.AsyncClient.send, heard))
    monkeypatch.setattr(aiohttp.ClientSession, "_request", _watching_aiohttp(aiohttp.ClientSession._request, heard))
    try:
        with redirect_stderr(heard.printed), redirect_stdout(heard.printed):
            logs.configure("test", None)
            yield heard
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(level)


def _noting(where: Callable[[BaseException], str], heard: Overheard) -> Callable[[BaseException], str]:
    def noted(error: BaseException) -> str:
        heard.held_back += traceback.format_exception(error)
        return where(error)

    return noted


def _watching(send: Callable[..., Awaitable[httpx.Response]], heard: Overheard) -> Callable[..., Any]:
    """Asked for by a browser or a service, answered with as the next place, or linked from a page."""

    async def watched(client: httpx.AsyncClient, request: httpx.Request, **how: Any) -> httpx.Response:
        answer = await send(client, request, **how)
        heard.urls += [str(request.url), answer.headers.get("location", "")]
        if answer.headers.get("content-type", "").startswith("text/html"):
            heard.urls += [found[0] for found in URL.finditer(answer.text)]
        return answer

    return watched


def _watching_aiohttp(ask: Callable[..., Awaitable[Any]], heard: Overheard) -> Callable[..., Any]:
    async def watched(session: Any, method: str, url: Any, **how: Any) -> Any:
        heard.urls.append(f"{url} {how.get('params') or ''}")
        return await ask(session, method, url, **how)

    return watched


def _envelopes(database: Database) -> Iterator[str]:
    """All that waits to be published or to fall due, whoever says it."""
    with psycopg.connect(database.admin_url) as connection:
        places = [f"{service}.outbox" for service in SERVICES] + ["deadlines.due"]
        for place in places:
            (is_there,) = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [place]).fetchone() or (False,)
            if is_there:
                rows = connection.execute(f"SELECT envelope FROM {place}")
                yield from (bytes(row[0]).decode() for row in rows)
