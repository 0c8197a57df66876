"""PostgreSQL as compose sets it: over TLS, to the right server alone, with a sign-in that nobody between can pass on.

The wheel's PostgreSQL has no TLS, so the server is Debian's; the certificates are compose's own.
"""

import asyncio
import os
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from infra.docker.certificates import Authority
from infra.postgres.place import Place
from infra.postgres.server import Server
from tests.support.engines.ports import free_port

BINARIES = Path("/usr/lib/postgresql/15/bin")
POSTGRES = "postgresql://postgres:of-postgres"
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
pytestmark = pytest.mark.skipif(
    not BINARIES.exists(), reason="needs a PostgreSQL with TLS: apt-get install postgresql-15"
)


@dataclass
class Guarded:
    server: Server
    folder: Path
    authority: Authority

    def url(
        self, *, host: str = "localhost", port: int | None = None, ca: str = "ca.pem", binding: str = "require"
    ) -> str:
        return (
            f"{POSTGRES}@{host}:{port or self.server.port}/postgres"
            f"?sslmode=verify-full&sslrootcert={self.folder / ca}&channel_binding={binding}"
        )


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    login = "postgres" if os.geteuid() == 0 else None
    with TemporaryDirectory() as name:
        folder, authority = Path(name), Authority.make()
        place = Place(BINARIES, folder / "files" / "files", login)
        folder.chmod(0o755)
        place.reachable.mkdir()
        place.own(place.reachable)
        for file, content in {
            "ca.pem": authority.certificate,
            "other.pem": Authority.make().certificate,
            "tls.pem": authority.issue("postgres", "localhost"),
            "between.pem": authority.issue("postgres", "localhost"),
        }.items():
            (folder / file).write_text(content)
            (folder / file).chmod(0o600)
            place.own(folder / file)
        server = Server(place, free_port(), "of-postgres")
        (folder / "password").write_text("of-postgres")
        making = [
            "-D",
            str(place.files),
            "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "--username=postgres",
        ]
        subprocess.run([str(BINARIES / "initdb"), *making], user=login, cwd="/", check=True, capture_output=True)
        tls = ("-c", "ssl=on", "-c", f"ssl_cert_file={folder / 'tls.pem'}", "-c", f"ssl_key_file={folder / 'tls.pem'}")
        running = subprocess.Popen([*server.command, *tls], user=login, stderr=subprocess.DEVNULL)
        try:
            _wait_for(Guarded(server, folder, authority))
            yield Guarded(server, folder, authority)
        finally:
            running.terminate()
            running.wait(90)


def _wait_for(guarded: Guarded) -> None:
    for _ in range(600):
        with suppress(psycopg.OperationalError):
            psycopg.connect(guarded.url()).close()
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not start")


async def _signed_in(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).fetchone()
        return row == (True,)


async def test_a_service_reaches_its_database_over_tls_and_no_other_server(guarded: Guarded) -> None:
    assert await _signed_in(guarded.url())
    for wrong in (guarded.url(ca="other.pem"), guarded.url(host="127.0.0.1")):
        with pytest.raises(psycopg.OperationalError, match=r"certificate|signature"):
            await _signed_in(wrong)


async def test_nobody_between_passes_a_sign_in_on_though_their_certificate_is_trusted(guarded: Guarded) -> None:
    async with _somebody_between(guarded) as port:
        assert await _signed_in(guarded.url(port=port, binding="disable")), "so much is the binding worth"
        with pytest.raises(psycopg.OperationalError, match="SCRAM"):
            await _signed_in(guarded.url(port=port))


@asynccontextmanager
async def _somebody_between(guarded: Guarded) -> AsyncIterator[int]:
    """Speaks TLS to both sides, and reads all that is said."""
    to_client, to_server = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(cafile=guarded.folder / "ca.pem"),
    )
    to_client.load_cert_chain(guarded.folder / "between.pem")

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(SSL_REQUEST))
        writer.write(b"S")
        await writer.start_tls(to_client)
        behind, onward = await asyncio.open_connection("127.0.0.1", guarded.server.port)
        onward.write(SSL_REQUEST)
        await behind.readexactly(1)
        await onward.start_tls(to_server, server_hostname="localhost")
        with suppress(ConnectionError, ssl.SSLError):
            await asyncio.gather(_pass_on(reader, onward), _pass_on(behind, writer))

    async with await asyncio.start_server(meet, "localhost", 0) as listening:
        yield int(listening.sockets[0].getsockname()[1])


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(4096):
        writer.write(content)
        await writer.drain()
    writer.close()
