"""Settings of services that read personal columns, of those that text and of those that mail."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from services.platform.delivery.channels.email import EmailMedium, Relay
from services.platform.delivery.channels.sms import TextMedium
from services.platform.delivery.inbound_mail.smtp_server import MailListener, Takes
from services.platform.delivery.links.tokens import Links
from services.platform.delivery.sending.attempt import Prepare
from services.platform.delivery.sending.exercise_guard import block_real_recipients
from services.platform.runtime.settings import ExerciseAuthority, Port, Settings
from services.platform.store.encryption import Keyring, Keys

OUR_ADDRESS = "this service's address as it is reached from outside, such as https://safe-return.kestrel.example"


class KeySettings(Settings):
    """`master_key` and `phone_key`: secret files, each the base64 of 32 bytes. What was sent is forgotten after `retention_days`."""

    master_key: Keys
    phone_key: Keys
    retention_days: int = Field(
        default=400, ge=30, description="the number of days after which what was sent is forgotten, 30 at least"
    )
    exercise_authority: ExerciseAuthority = ""
    """Whose exercises are sent, since its force, numbers and mailboxes are our own. Others reach nobody outside a sandbox."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    def block_real_recipients(self, prepare: Prepare) -> Prepare:
        return block_real_recipients(prepare, sandbox=self.sandbox, exercise_authority=self.exercise_authority)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.master_key.get_secret_value(), self.phone_key.get_secret_value())


class TextSettings(KeySettings):
    """`public_url` is this service's address as Twilio calls and signs it; a proxy in between may see other hosts and ports.
    `twilio_from` is Safe Return's number, E.164. `twilio_base_url` only where a sandbox plays Twilio.

    Without `twilio_auth_token` no signature can be checked, and the service does not start. While it is being changed Twilio
    may sign with `twilio_auth_token_alternate` too. `twilio_further_accounts`: others whose texts and reports are taken.
    """

    twilio_account_sid: str = Field(description="the account at Twilio, which begins with AC")
    twilio_further_accounts: str = Field(
        default="",
        pattern=r"^\s*(AC\w+\s*)*$",
        description="further accounts at Twilio with blanks between, or left out",
    )
    twilio_from: str = Field(description="the number that texts come from, such as +447700900500")
    twilio_base_url: str | None = None
    public_url: str = Field(description=OUR_ADDRESS)
    twilio_auth_token: SecretStr = Field(min_length=1, description="the token of the account at Twilio")
    twilio_auth_token_alternate: SecretStr | None = None

    @property
    def twilio_tokens(self) -> tuple[str, ...]:
        """An alternate whose file was emptied is none: anybody can sign with the empty key."""
        both = (self.twilio_auth_token, self.twilio_auth_token_alternate)
        return tuple(each.get_secret_value() for each in both if each is not None and each.get_secret_value())

    @property
    def twilio_accounts(self) -> frozenset[str]:
        """Whose texts and reports are taken; texts go out by the first alone."""
        return frozenset({self.twilio_account_sid, *self.twilio_further_accounts.split()})

    def text_medium(self) -> TextMedium:
        return TextMedium(
            account_sid=self.twilio_account_sid,
            auth_token=self.twilio_auth_token.get_secret_value(),
            sender=self.twilio_from,
            public_url=self.public_url,
            base_url=self.twilio_base_url,
        )


class MailSettings(KeySettings):
    """The authority's relay. TLS is left out only where a sandbox is declared; DKIM is the relay's affair.

    `public_url` is this service's address as readers of its mails reach it; `link_key` (a secret file as `master_key` is)
    signs their links. `smtp_user` and `smtp_password` where the relay asks for them. `smtp_listen_port` is where the
    relay hands over mail to `smtp_from`, bounces among it; `smtp_listen_host` on which address. `smtp_authserv_id` is the name
    that the relay gives itself in Authentication-Results (RFC 8601): what it does not vouch for there is not believed.
    """

    public_url: str = Field(description=OUR_ADDRESS)
    smtp_host: str = Field(description="the mail relay, such as mail.kestrel.example")
    smtp_port: Port = Field(default=587, description="the mail relay's port, 1 to 65535")
    smtp_from: str = Field(
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="the mailbox that this service's mails come from, such as safe-return@kestrel.example",
    )
    smtp_user: str | None = None
    smtp_password: Annotated[SecretStr, Field(min_length=1)] | None = Field(
        default=None, description="the password at the mail relay; no file where it asks for none"
    )
    smtp_listen_host: str = "127.0.0.1"
    smtp_listen_port: Port = Field(description="the port where the mail relay hands over mail, 1 to 65535")
    smtp_authserv_id: str = Field(
        pattern=r"^[A-Za-z0-9.-]+$",
        description="the name that the mail relay gives itself in Authentication-Results, such as mx.kestrel.example",
    )
    link_key: Keys

    def mail_listener(self, takes: Takes) -> MailListener:
        listens = (self.smtp_listen_host, self.smtp_listen_port)
        return MailListener(*listens, self.smtp_from, takes, relay=self.smtp_authserv_id)

    @property
    def links(self) -> Links:
        return Links(self.link_key.get_secret_value(), self.public_url)

    def email_medium(self) -> EmailMedium:
        password = None if self.smtp_password is None else self.smtp_password.get_secret_value()
        relay = Relay(self.smtp_host, self.smtp_port, self.smtp_from, not self.sandbox, self.smtp_user, password)
        return EmailMedium(relay)
