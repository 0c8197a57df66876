"""Serves the outside world until it is closed: over HTTP and, given a port, over TLS that nobody should trust."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from infra.sandbox.app import build_app
from infra.sandbox.outside_world import OutsideWorld

ANOTHER_MACHINE = "desk.elsewhere.example"


class Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise SIGTERM again once it has stopped, and the exit code would be 143."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(world: OutsideWorld) -> None:
    """Until the world's `closing` is set. Ends the process where a port is in use."""
    app = build_app(world)
    with TemporaryDirectory() as folder:
        servers = [Server(_config(app, world.config.host, world.config.http_port))]
        if world.config.tls_port is not None:
            file = wrong_certificate(Path(folder))
            servers.append(Server(_config(app, world.config.host, world.config.tls_port, file)))
        serving = [asyncio.create_task(each.serve()) for each in servers]
        closing = asyncio.create_task(world.closing.wait())
        await asyncio.wait((closing, *serving), return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        for each in servers:
            each.should_exit = True
        await asyncio.gather(*serving)


def wrong_certificate(folder: Path) -> Path:
    """Key and certificate of another machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ANOTHER_MACHINE)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ANOTHER_MACHINE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "desk.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def _config(app: FastAPI, host: str, port: int, certificate: Path | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        backlog=4096,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=certificate,
    )
