"""Makes secrets once a clone: a folder for each service, a file for each secret, readable by their owner alone."""

import hmac
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

READS_PERSONAL_WORDS = frozenset({"casework", "carers", "police", "strategy", "professionals", "console"})
TEXTS = frozenset({"carers", "professionals", "police"})
MAILS = frozenset({"police", "strategy", "professionals"})
"""Their mails hold links, each signed."""
RETIRED = "retired_keys"
"""The public halves of signing keys that were dropped, a line each as in `bus_keys`."""


def key() -> str:
    """32 random bytes, base64: an AES-256, HMAC or private Ed25519 key."""
    return b64encode(secrets.token_bytes(32)).decode()


def public_key(private: str) -> str:
    """The public half of an Ed25519 key, base64."""
    return b64encode(Ed25519PrivateKey.from_private_bytes(b64decode(private)).public_key().public_bytes_raw()).decode()


def webhook_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def own_key(service: str, keys: str) -> str:
    """The service's own key, made from each of `keys`: no service can work out another's."""
    own = (hmac.digest(b64decode(each), service.encode(), "sha256") for each in keys.split())
    return "\n".join(b64encode(each).decode() for each in own)


def token() -> str:
    """32 hexadecimal digits, the shape of a Twilio auth token and of our passwords."""
    return secrets.token_hex(16)


def identifier() -> str:
    """The shape of GOV.UK Notify's ids."""
    return str(uuid4())


def notify_key() -> str:
    """An API key of GOV.UK Notify: its name, the service's id and the secret."""
    return f"safe_return-{uuid4()}-{uuid4()}"


class SecretFiles:
    """`made` holds every value once; the services' folders hold those that each may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def made(self) -> Path:
        return self._folder / "made"

    def value(self, name: str, make: Callable[[], str]) -> str:
        """The secret of that name, made the first time it is asked for."""
        file = self.made / name
        if not file.exists():
            write(file, make())
        return file.read_text()

    def folder_of(self, service: str) -> Path:
        """What SAFE_RETURN_SECRETS_DIR names for this service."""
        return self._folder / service

    def database_password(self, role: str) -> str:
        return self.value(f"database-{role}", token)

    def signing_key(self, service: str) -> str:
        """The one with which it signs now."""
        return self._signing_keys(service)[0]

    def _signing_keys(self, service: str) -> list[str]:
        """Two while one replaces the other."""
        return self.value(f"signing_key-{service}", key).split()

    def deal(self, services: Iterable[str]) -> None:
        """Gives each service its own secrets, and no other's; and all of them the public keys of all."""
        services = tuple(services)
        signing = {service: self._signing_keys(service) for service in services}
        bus_keys = "".join(f"{service} {public_key(each)}\n" for service, keys in signing.items() for each in keys)
        for service in services:
            self._give(service, "database_password", self.database_password(service))
            self._give(service, "signing_key", signing[service][0])
            self._give(service, "bus_keys", bus_keys)
            self._give_if_kept(service, RETIRED)
            if service in READS_PERSONAL_WORDS:
                self._give(service, "master_key", self.value("master_key", key))
                self._give(service, "phone_key", self.value("phone_key", key))
                self._give_if_kept(service, "hsm_pin")
                self._give_if_kept(service, "aws_credentials")
            if service in TEXTS:
                self._give(service, "twilio_auth_token", self.value("twilio_auth_token", token))
                self._give_if_kept(service, "twilio_auth_token_alternate")
                self._give_if_kept(service, "notify_api_key", f"notify_api_key-{service}")
                self._give_if_kept(service, "notify_bearer", f"notify_bearer-{service}")
            if service in MAILS:
                self._give_if_kept(service, "smtp_user")
                self._give_if_kept(service, "smtp_password")
                self._give(service, "link_key", own_key(service, self.value("link_key", key)))
            if service == "console":
                self._give_if_kept(service, "sign_in_providers")
                self._give(service, "pack_key", self.value("pack_key", key))

    def play_notify(self) -> None:
        """Makes the keys that the sandbox's GOV.UK Notify gives each service that texts."""
        for service in TEXTS:
            self.value(f"notify_api_key-{service}", notify_key)
            self.value(f"notify_bearer-{service}", token)

    def _give_if_kept(self, service: str, name: str, made: str | None = None) -> None:
        """For a secret that we cannot make: given for as long as `made` has it."""
        file = self.made / (made or name)
        if file.exists():
            self._give(service, name, file.read_text())
        else:
            (self.folder_of(service) / name).unlink(missing_ok=True)

    def _give(self, service: str, name: str, value: str) -> None:
        file = self.folder_of(service) / name
        if not file.exists() or file.read_text() != value:
            write(file, value)


def write(file: Path, value: str) -> None:
    """Readable by its owner alone, and whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(value)
    draft.replace(file)
