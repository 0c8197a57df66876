"""Reads the settings that every service shares: environment variables `SAFE_RETURN_...`, and secrets from files.

Makes TLS contexts for whoever is vouched for by an authority that an operator has named.
"""

import os
import re
import ssl
from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from services.platform.runtime.logs import logger
from services.safeguarding.identifiers import EXERCISE_AUTHORITY

T = TypeVar("T")
SECRETS_DIR = "SAFE_RETURN_SECRETS_DIR"
LOOPBACK = r"/.*|(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?|::1"
PLAYED = IPv4Network("192.0.2.0/24")
"""Of RFC 5737, for examples alone: no real machine has such an address. Containers that play the world have them."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 in a container of the played network, it is that container's own addresses
Port = Annotated[int, Field(ge=1, le=65535)]
ExerciseAuthority = Annotated[
    str,
    Field(
        pattern=f"^({EXERCISE_AUTHORITY})?$",
        description="an authority whose id begins with `exercise`, such as exercise-north, or left out",
    ),
]


class SecretsUnread(Exception):
    """The folder of the secrets, or a file in it, cannot be read; the text says which."""


def is_loopback(place: str) -> bool:
    """Whether a host, an address with its port (or several, by commas) or a URL is on this machine.

    Of a database's URL, hosts may be in the query too; a path is a socket.
    """
    parts = urlsplit(place if "://" in place else f"//{place}")
    named = [parts.netloc.rpartition("@")[2], *parse_qs(parts.query).get("host", [])]
    hosts = [host for each in named for host in each.split(",") if host]
    return bool(hosts) and all(re.fullmatch(LOOPBACK, host) for host in hosts)


def is_played(place: str) -> bool:
    """Whether nobody real can be there: it is on this machine, or in containers that have addresses of PLAYED."""
    host = urlsplit(place if "://" in place else f"//{place}").hostname or ""
    try:
        return is_loopback(place) or ip_address(host) in PLAYED
    except ValueError:
        return False


def require_played(place: str, others: ValidationInfo) -> str:
    """A sandbox turns protections off, so nothing starts that would reach the real world beside it.

    Raises PydanticCustomError, which startup_errors explains.
    """
    database = others.data.get("database", "")
    listens_inside = place == EVERYWHERE and is_played(database) and not is_loopback(database)
    if others.data.get("sandbox") and not is_played(place) and not listens_inside:
        raise PydanticCustomError("beside_sandbox", "not on this machine, where SAFE_RETURN_SANDBOX plays the world")
    return place


def require_tls(database: str) -> str:
    """Beyond this machine the database shows who it is, and nobody between can pass a sign-in on. Raises as above."""
    said = parse_qs(urlsplit(database).query)
    if is_loopback(database) or (said.get("sslmode"), said.get("channel_binding")) == (["verify-full"], ["require"]):
        return database
    raise PydanticCustomError("in_clear", "no verified TLS")


Place = Annotated[str, AfterValidator(require_played)]
"""A host, an address with its port, or a URL."""


class EnvironmentSettings(BaseSettings):
    """Read once at start, but for what is held as a `SecretFile`. A missing or malformed setting raises pydantic's
    ValidationError, which names it; its `description` says what would be right (`runtime.startup_errors`). Where the
    secrets cannot be read, SecretsUnread is raised.

    A secret is a file of the setting's name in the folder `SAFE_RETURN_SECRETS_DIR`; each service has a folder of its
    own, so that none can read what it has no need of.
    """

    model_config = SettingsConfigDict(env_prefix="SAFE_RETURN_", extra="ignore", frozen=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get(SECRETS_DIR)
        if folder is None:
            return init_settings, env_settings
        _require_readable(Path(folder))
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=Path(folder), env_prefix="")
        return init_settings, secrets, env_settings


class KafkaSecurity(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SASL_SSL = "SASL_SSL"
    """TLS, with a user and a password."""
    SSL = "SSL"
    """TLS, with a certificate of this process's own."""


def _require_guarded(security: KafkaSecurity, others: ValidationInfo) -> KafkaSecurity:
    if security is KafkaSecurity.PLAINTEXT and not is_loopback(others.data.get("kafka", "localhost")):
        raise PydanticCustomError("in_clear", "no TLS")
    return security


class KafkaSettings(EnvironmentSettings):
    sandbox: bool = Field(default=False, description="1 where the outside world is played; else left out")
    """Declares that the outside world is played: only then may story time move and loopback addresses be called. First,
    since others are judged by it.
    """
    kafka: Place = Field(default="127.0.0.1:9092", description="the brokers' addresses, such as kafka:9092")
    kafka_security: Annotated[KafkaSecurity, AfterValidator(_require_guarded)] = Field(
        default=KafkaSecurity.PLAINTEXT,
        description="SASL_SSL or SSL; PLAINTEXT for brokers on this machine",
        validate_default=True,
    )
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca: Path | None = Field(default=None, description="a file with the certificates that vouch for Kafka, PEM")
    kafka_certificate: Path | None = Field(
        default=None, description="a file with this process's key and certificate, PEM"
    )


class TopicSettings(KafkaSettings):
    kafka_replication: int = Field(default=1, ge=1, description="on how many brokers each message is kept, such as 3")
    kafka_min_in_sync: int = Field(
        default=1, ge=1, description="on how many of them it is before it counts as published, such as 2"
    )


class Settings(KafkaSettings):
    database: Annotated[Place, AfterValidator(require_tls)] = Field(
        default="postgresql://127.0.0.1:5432/safe_return",
        pattern=r"^postgresql://\S+$",
        description="the place of the database, such as postgresql://127.0.0.1:5432/safe_return, without user and password;"
        " beyond this machine with ?sslmode=verify-full&sslrootcert=FILE&channel_binding=require",
    )
    """Without user and password: the login role is the service's name."""
    database_password: SecretStr = Field(min_length=1, description="the password of this service's role in PostgreSQL")
    database_connections: int = Field(
        default=8, ge=2, description="the most connections to PostgreSQL that this process may hold, 2 at least"
    )
    published_kept_hours: int = Field(
        default=72, ge=1, description="how long messages are kept that Kafka has acknowledged, 72 hours if left out"
    )
    """Longer than it may take until a lost disk, or a Kafka that was made anew, is noticed."""
    http_host: Place = Field(default="127.0.0.1", description="the address to listen on, such as 127.0.0.1")
    """In a container: 0.0.0.0, behind a network of its own."""
    http_port: Port = Field(description="the port that this service listens on, 1 to 65535")
    version: str = Field(default="development", description="what runs, such as 0.2.0")
    drain_seconds: float = Field(
        default=0, ge=0, le=7, description="how long it goes on after it was told to stop, 0 to 7 seconds, or left out"
    )
    """Until whoever passes requests on has heard that it stops (`/health/accepting`)."""
    slot: int | None = Field(
        default=None, ge=0, description="0 for a service's first process, 1 for its second, or left out"
    )
    """This process's stable identity among its replicas. None where processes come and go (autoscaling)."""
    metrics_network: IPv4Network = Field(
        default=IPv4Network("127.0.0.0/8"), description="the network that may read /metrics, such as 10.83.0.0/24"
    )


class SigningKeys(EnvironmentSettings):
    """The service's own private key, and the public keys of all: two of a service while one replaces the other."""

    signing_key: SecretStr = Field(
        min_length=1, description="the key with which this service signs, 32 bytes as base64"
    )
    bus_keys: str = Field(
        min_length=1, description="the public key of each service: a line `service key`, key as base64"
    )
    retired_keys: str = Field(
        default="", description="those of before, by which the record is verified, and nothing else"
    )

    @property
    def all_keys(self) -> str:
        return f"{self.bus_keys}\n{self.retired_keys}"


def _require_readable(folder: Path) -> None:
    try:
        for file in folder.iterdir():
            if file.is_file():
                file.open("rb").close()
    except OSError as error:
        raise SecretsUnread(
            f"{SECRETS_DIR} names {folder}: {error.filename} cannot be read ({error.strerror})"
        ) from None


class SecretFile(Generic[T]):
    """A secret, read again when its file changes; empty if that is gone. While it cannot be, the one before stays."""

    def __init__(self, text: str, read: Callable[[str], T], file: Path | None = None) -> None:
        """`file` None: `text` holds for good. Raises ValueError as `read` does."""
        self._read, self._file, self._mark = read, file, _mark(file)
        self._value = read(text)

    def value(self) -> T:
        if self._file is not None and (mark := _mark(self._file)) != self._mark:
            self._mark = mark
            try:
                self._value = self._read("" if mark is None else self._file.read_text())
            except (OSError, ValueError) as error:
                logger().error(
                    "a changed secret cannot be used; the one before stays in use", name=self._file.name, exc_info=error
                )
        return self._value


def secret_path(name: str) -> Path | None:
    """Where the secret of a setting lies, if secrets lie in files here."""
    folder = os.environ.get(SECRETS_DIR)
    return None if folder is None else Path(folder) / name


def _mark(file: Path | None) -> tuple[int, int] | None:
    """Changes with the file and with its content. None: there is no file."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def trusting(*, cafile: Path | None = None, cadata: str | None = None) -> ssl.SSLContext:
    """Trusts the named authority alone, or the public ones if none is named.

    Since Python 3.13 a certificate without key identifiers is refused. Private authorities issue such ones, Strimzi's
    too (its issue 11375): theirs are taken. Who signed, for whom and until when is verified all the same.
    """
    context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    if cafile is not None or cadata is not None:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
