"""Settings of services that mail. A module of its own: whoever imports it loads the mail libraries."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from services.platform.delivery.channels.email import EmailMedium, Relay
from services.platform.delivery.inbound_mail.mailbox import MailListener, Networks, Takes
from services.platform.delivery.links import Links
from services.platform.delivery.settings.keys import KeySettings, OurAddress
from services.platform.runtime.settings import Place, Port, is_loopback
from services.platform.store.encryption import Keys, key_file


def _split(given: str | Networks) -> list[str] | Networks:
    return given.split() if isinstance(given, str) else given


class MailSettings(KeySettings):
    """The authority's relay. TLS is left out only where a sandbox is declared; DKIM is the relay's affair.

    `public_url` is this service's address as readers of its mails reach it; `link_key` (a secret file as `master_key`
    is) signs their links. `smtp_user` and `smtp_password` where the relay asks for them. `smtp_listen_port` is where
    the relay hands over mail to `smtp_from`, bounces among it; `smtp_listen_host` on which address. `smtp_authserv_id`
    is the name that the relay gives itself in Authentication-Results (RFC 8601): what it does not vouch for there is
    not believed. Beyond loopback it listens with `smtp_listen_certificate` alone (a PEM file: key and chain), or where
    `smtp_listen_plain` says that something else keeps others out, as Docker's published ports do. The certificate shows
    who listens, not who hands over: `smtp_listen_networks` are those of the relays, and nobody else is heard.
    """

    public_url: OurAddress
    smtp_host: Place = Field(description="the mail relay, such as mail.kestrel.example")
    smtp_port: Port = Field(default=587, description="the mail relay's port, 1 to 65535")
    smtp_from: str = Field(
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="the mailbox that this service's mails come from, such as safe-return@kestrel.example",
    )
    smtp_user: str | None = None
    smtp_password: Annotated[SecretStr, Field(min_length=1)] | None = Field(
        default=None, description="the password at the mail relay; no file where it asks for none"
    )
    smtp_listen_certificate: FilePath | None = Field(
        default=None, description="a PEM file with the key and the certificates for STARTTLS"
    )
    smtp_listen_plain: bool = Field(default=False, description="1 where nobody but the relay reaches the port")
    smtp_listen_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="the mail relays' networks with blanks between, such as 10.20.0.5/32; left out where others are kept out",
    )
    smtp_listen_host: str = Field(
        default="127.0.0.1",
        description="127.0.0.1, or another address with SAFE_RETURN_SMTP_LISTEN_CERTIFICATE, "
        "or with SAFE_RETURN_SMTP_LISTEN_PLAIN=1 where nobody but the relay reaches it",
    )
    smtp_listen_port: Port = Field(description="the port where the mail relay hands over mail, 1 to 65535")
    smtp_authserv_id: str = Field(
        pattern=r"^[A-Za-z0-9.-]+$",
        description="the name that the mail relay gives itself in Authentication-Results, such as mx.kestrel.example",
    )
    link_key: Keys

    @field_validator("smtp_listen_host")
    @classmethod
    def _keeps_others_out(cls, host: str, others: ValidationInfo) -> str:
        said = others.data
        if not is_loopback(host) and not said.get("smtp_listen_plain") and said.get("smtp_listen_certificate") is None:
            raise PydanticCustomError("no_lock", "beyond this machine, without a certificate")
        return host

    def mail_listener(self, takes: Takes) -> MailListener:
        listens = (self.smtp_listen_host, self.smtp_listen_port)
        networks, certificate = self.smtp_listen_networks, self.smtp_listen_certificate
        relay = self.smtp_authserv_id
        return MailListener(*listens, self.smtp_from, takes, relay=relay, networks=networks, certificate=certificate)

    @property
    def links(self) -> Links:
        return Links(key_file("link_key", self.link_key), self.public_url)

    def email_medium(self) -> EmailMedium:
        password = None if self.smtp_password is None else self.smtp_password.get_secret_value()
        relay = Relay(self.smtp_host, self.smtp_port, self.smtp_from, not self.sandbox, self.smtp_user, password)
        return EmailMedium(relay)
