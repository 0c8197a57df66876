"""Says who is in the outside world, and where it reaches Safe Return. `make run` writes it, once a clone."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Phone(BaseModel):
    """A phone that the page shows. Any other number works as well: it belongs to somebody nobody has named."""

    model_config = ConfigDict(frozen=True)

    number: PhoneNumber
    name: str
    role: Literal["carer", "staff", "child", "stranger"]
    children: tuple[str, ...] = ()
    answers: bool = False


class Desk(BaseModel):
    """A force's control room: the secrets that it accepts notices under, and the one that it signs its replies with."""

    model_config = ConfigDict(frozen=True)

    force: str
    name: str
    secrets: tuple[str, ...]
    reply_url: str
    reply_secret: str
    notices_url: str | None = None
    """Where it comes for its notices, if nothing can reach it from outside."""
    answers: bool = True


class Officer(BaseModel):
    """Who reads the mailbox of a control room without an API."""

    model_config = ConfigDict(frozen=True)

    name: str
    collar_number: str


class Mailbox(BaseModel):
    """A mailbox that the page shows. Mail to any other address is taken as well, and nobody reads it."""

    model_config = ConfigDict(frozen=True)

    address: str
    name: str
    answers: bool = False
    officer: Officer | None = None


class NotifyService(BaseModel):
    """A service at GOV.UK Notify: the ids in its API key and of its template, its number, the URLs of its callbacks.

    `senders`: further numbers of its own, by the id of the text message sender.
    """

    model_config = ConfigDict(frozen=True)

    service_id: str
    secret: str
    template_id: str
    number: PhoneNumber
    bearer: str
    received_bearer: str
    receipts_url: str | None = None
    received_url: str | None = None
    senders: dict[str, PhoneNumber] = {}

    @property
    def api_key(self) -> str:
        """As Notify shows it, once."""
        return f"safe_return-{self.service_id}-{self.secret}"

    @property
    def numbers(self) -> set[str]:
        return {self.number, *self.senders.values()}


class SandboxConfig(BaseModel):
    """The whole cast. `from` is Safe Return's own number; URLs are those that Twilio and the forces would call."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")]
    auth_token: str
    own_number: PhoneNumber = Field(alias="from")
    further_numbers: tuple[PhoneNumber, ...] = ()
    """Authorities' own, of the same account at Twilio."""
    notify: tuple[NotifyService, ...] = ()
    webhook_url: str
    fallback_url: str | None = None
    voice_url: str | None = None
    """Where Twilio asks what to say to somebody who rings our number."""
    phones: tuple[Phone, ...] = ()
    desks: tuple[Desk, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    host: str = "127.0.0.1"
    """Where it listens: in a container, everywhere."""
    http_port: int
    tls_port: int | None = None
    """Where the desks are served over TLS as well, with the certificate of another machine, which nobody has signed."""
    smtp_port: int
    own_mailboxes: dict[str, int] = {}
    """Safe Return's own, and the port at which each takes what the relay hands over."""

    @property
    def own_numbers(self) -> set[str]:
        """Every number at which Safe Return is texted."""
        at_notify = {number for service in self.notify for number in service.numbers}
        return {self.own_number, *self.further_numbers, *at_notify}


def read_config(path: Path) -> SandboxConfig:
    """Read the cast from a JSON file. Raises OSError, or pydantic's ValidationError naming each wrong field."""
    return SandboxConfig.model_validate_json(path.read_bytes())
