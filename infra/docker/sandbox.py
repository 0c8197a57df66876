"""Plays the outside world for whoever tries Safe Return in containers, in its own image: `{play | example}`.

`play` serves phones, police desks and mail until it is told to stop. `example` makes the accounts, the forces and the
registers of the example authorities, as `make run` does, and prints who may sign in. Both are made for one machine, and
find here what they expect there: a way to each service and to the database at 127.0.0.1.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.exc import OperationalError

from infra.docker.layout import FOLDER
from infra.local.example import authority, operators, organisations
from infra.local.settings.secret_files import SecretFiles
from infra.sandbox.__main__ import play
from infra.sandbox.config import SandboxConfig
from services.platform.runtime.commands import explain_error
from services.platform.runtime.settings import EVERYWHERE

OWN_ADDRESS = "192.0.2.4"
"""At which the services reach it: infra/docker/sandbox.yml gives it."""
PUBLISHED = {"console": 8100, "casework": 8101, "carers": 8102, "police": 8104, "strategy": 8105, "professionals": 8106}
"""Where docker-compose.yml publishes each service, for browsers, and what `.env` has for its public URL."""
MAILS = {"strategy": 2525, "professionals": 2526, "police": 2527}
PORTS = {
    **PUBLISHED,
    "sandbox": 8200,
    "sandbox-tls": 8201,
    "smtp": 1025,
    "postgres": 5432,
    "replies": MAILS["strategy"],
    "answers": MAILS["professionals"],
    "bounces": MAILS["police"],
}
SERVICES_OWN = ("SAFE_RETURN_SECRETS_DIR", "SAFE_RETURN_HTTP_HOST", "SAFE_RETURN_HTTP_PORT")
"""Settings of the image from which the sandbox's is made."""
WAYS = (
    *((port, service, 8080) for service, port in PUBLISHED.items()),
    *((port, service, 2525) for service, port in MAILS.items()),
    (5432, "postgres", 5432),
)


@asynccontextmanager
async def _ways() -> AsyncIterator[None]:
    """Leads each port of this container's own 127.0.0.1 to where Compose has what it stands for."""
    async with AsyncExitStack() as opened:
        for port, host, there in WAYS:
            await opened.enter_async_context(await asyncio.start_server(_lead_to(host, there), "127.0.0.1", port))
        yield


def _lead_to(host: str, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer), return_exceptions=True)

    return lead


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()


def cast(secrets: SecretFiles) -> SandboxConfig:
    """Who is in the world. Texts go by Twilio alone."""
    said = authority.cast(secrets, PORTS, at=OWN_ADDRESS)
    account = {"account_sid": os.environ["SAFE_RETURN_TWILIO_ACCOUNT_SID"], "host": EVERYWHERE, "notify": []}
    return SandboxConfig.model_validate(said | account)


async def _play(secrets: SecretFiles) -> None:
    async with _ways():
        await play(cast(secrets))


async def _enter_example(secrets: SecretFiles) -> None:
    async with _ways():
        await asyncio.to_thread(operators.make, secrets, PORTS)
        given = authority.organisations(secrets, PORTS, OWN_ADDRESS)
        await asyncio.to_thread(organisations.enter, secrets, PORTS, given)
        await asyncio.to_thread(authority.load, secrets, PORTS)
    for each in operators.every(secrets):
        print(f"{each.sign_in:15} {each.password}   {each.what}")


def main(arguments: list[str]) -> int:
    deeds = {"play": _play, "example": _enter_example}
    if len(arguments) != 1 or arguments[0] not in deeds:
        print(__doc__, file=sys.stderr)
        return 2
    for each in SERVICES_OWN:
        os.environ.pop(each, None)
    try:
        asyncio.run(deeds[arguments[0]](SecretFiles(FOLDER)))
    except OperationalError as error:
        print(
            "\n".join(explain_error(error) or ["PostgreSQL went away"]),
            "Start it first: docker compose up --wait",
            sep="\n",
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
