"""The carers service as a process of its own, with a PostgreSQL of its own, no Kafka and no phone network; and the phones that text to it as Twilio does."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
from twilio.request_validator import RequestValidator

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.signatures import BUS_KEYS, KEYS

TOKEN = "a-token"
MASTER_KEY, PHONE_KEY = b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode()
PAUSES_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Before Twilio's first try and the five more that `#rc=5&rp=all` asks for."""


class CarersProcess:
    """`start` brings it up again under the same identity, with the same spool. Replicas share `port`."""

    def __init__(
        self, database: Database, folder: Path, *, slot: int = 0, port: int | None = None, profile: Path | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/texts/inbound"
        self.spool = folder / f"spool-{slot}"
        self._log = folder / f"carers-{slot}.log"
        settings = {
            "DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
            "DATABASE_PASSWORD": f"{database.password}-carers",
            "KAFKA": "127.0.0.1:1",
            "HTTP_PORT": str(self.port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "SLOT": str(slot),
            "SANDBOX": "1",
            "MASTER_KEY": MASTER_KEY,
            "PHONE_KEY": PHONE_KEY,
            "SIGNING_KEY": KEYS["carers"],
            "BUS_KEYS": BUS_KEYS,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM": "+447700900500",
            "TWILIO_BASE_URL": "http://127.0.0.1:9",
            "SPOOL_DIR": str(self.spool),
        }
        self._environment = bare() | {f"SAFE_RETURN_{name}": value for name, value in settings.items()}
        self._profiled = () if profile is None else ("-m", "cProfile", "-o", str(profile))
        self._starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._starts += 1
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._profiled, "-m", "services", "run", "carers"],
                cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.wait(90)

    def wait_until_it_runs(self, within_seconds: float = 270) -> None:
        """By its own log, since its port answers for its replicas too. Raises AssertionError where it does not come up."""
        until = time.monotonic() + within_seconds
        while self._log.read_bytes().count(b"the service runs") < self._starts:
            assert self.process is not None
            assert self.process.poll() is None, "carers ended"
            assert time.monotonic() < until, "carers did not come up"
            time.sleep(0.05)

    @property
    def spooled(self) -> int:
        return len(list(self.spool.glob("*.text")))


@dataclass
class Phones:
    """Texts as Twilio posts them, signed. A text that was not answered 200 is posted again, and is lost after the last try."""

    session: aiohttp.ClientSession
    url: str
    validator: RequestValidator

    @classmethod
    def on(cls, session: aiohttp.ClientSession, url: str) -> "Phones":
        return cls(session, url, RequestValidator(TOKEN))

    def form(self, number: str, body: str) -> dict[str, str]:
        sid = f"SM{uuid4().hex}"
        return {"MessageSid": sid, "From": number, "To": "+447700900500", "Body": body, "NumMedia": "0"}

    def signed(self, form: dict[str, str]) -> dict[str, str]:
        return {"x-twilio-signature": self.validator.compute_signature(self.url, form)}

    async def post(self, form: dict[str, str], headers: dict[str, str]) -> bool:
        """Whether it was answered 200: from then on it must not be lost."""
        try:
            async with self.session.post(
                self.url, data=form, headers=headers, timeout=aiohttp.ClientTimeout(15)
            ) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def text(self, number: str, body: str) -> tuple[str, bool]:
        """The text's id, and whether it was taken at one of Twilio's tries."""
        form = self.form(number, body)
        headers = self.signed(form)
        for pause in PAUSES_SECONDS:
            await asyncio.sleep(pause)
            if await self.post(form, headers):
                return form["MessageSid"], True
        return form["MessageSid"], False
