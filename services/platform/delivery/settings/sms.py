"""Settings of services that text. A module of its own: whoever imports it loads Twilio."""

from collections.abc import Sequence

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.platform.delivery.channels.channel import TextWay
from services.platform.delivery.channels.sms import Tokens, TwilioWay
from services.platform.delivery.channels.text_ways import Texts, WayHealth
from services.platform.delivery.metrics import DoorName
from services.platform.delivery.settings.keys import KeySettings, OurAddress
from services.platform.delivery.sms_status.webhook import NotifyDoor, TwilioDoor
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import SecretFile, require_played, secret_path
from services.platform.store.unit_of_work import Store


def _require_token(text: str) -> str:
    if not text:
        raise ValueError("an empty token: without it neither texts nor signatures can be made")
    return text


class TextSettings(KeySettings):
    """`public_url` is this service's address as Twilio calls and signs it; a proxy in between may see other hosts and
    ports. `twilio_from` is Safe Return's number, E.164. `twilio_base_url` only where a sandbox plays Twilio.

    Without `twilio_auth_token` no signature can be checked, and the service does not start. While it is being changed
    Twilio may sign with `twilio_auth_token_alternate` too. `twilio_further_accounts`: others whose texts and reports
    are taken.

    `notify_...`: this service's own service at GOV.UK Notify, the second way. Without `notify_api_key` there is none.
    """

    twilio_account_sid: str = Field(description="the account at Twilio, which begins with AC")
    twilio_further_accounts: str = Field(
        default="",
        pattern=r"^\s*(AC\w+\s*)*$",
        description="further accounts at Twilio with blanks between, or left out",
    )
    twilio_from: str = Field(description="the number that texts come from, such as +447700900500")
    twilio_base_url: str | None = Field(
        default=None, validate_default=True, description="where a sandbox plays Twilio; else left out"
    )
    public_url: OurAddress
    twilio_auth_token: SecretStr = Field(min_length=1, description="the token of the account at Twilio")
    twilio_auth_token_alternate: SecretStr | None = None

    notify_template: str = Field(
        default="", description="the id of the template at GOV.UK Notify that holds ((message)) alone, or left out"
    )
    notify_number: str = Field(
        default="",
        pattern=r"^(\+\d{7,15})?$",
        description="the number at GOV.UK Notify, such as +447700900501, or left out",
    )
    notify_bearer: SecretStr = Field(default=SecretStr(""), description="the token that GOV.UK Notify's callbacks bear")
    notify_base_url: str | None = Field(default=None, description="where a sandbox plays GOV.UK Notify; else left out")
    notify_api_key: SecretStr = Field(
        default=SecretStr(""),
        description="an API key of GOV.UK Notify, with SAFE_RETURN_NOTIFY_TEMPLATE and the secret notify_bearer; or no file",
    )

    @field_validator("notify_api_key")
    @classmethod
    def _is_usable(cls, key: SecretStr, others: ValidationInfo) -> SecretStr:
        said = others.data
        if key.get_secret_value():
            require_played(said.get("notify_base_url") or "api.notifications.service.gov.uk", others)
            if not (said.get("notify_template") and said.get("notify_bearer")):
                raise PydanticCustomError("alone", "without the rest")
        return key

    @field_validator("twilio_base_url", "notify_base_url")
    @classmethod
    def _is_played(cls, url: str | None, others: ValidationInfo) -> str | None:
        if url is not None and not others.data.get("sandbox"):
            raise PydanticCustomError("beside_world", "a sandbox's")
        if url is not None or others.field_name == "twilio_base_url":
            require_played(url or "api.twilio.com", others)
        return url

    @property
    def twilio_tokens(self) -> Tokens:
        """As they are whenever they are asked for. An emptied alternate is dropped: anybody can sign with it."""
        name, alternate = "twilio_auth_token", self.twilio_auth_token_alternate or SecretStr("")
        first = SecretFile(self.twilio_auth_token.get_secret_value(), _require_token, secret_path(name))
        other = SecretFile(alternate.get_secret_value(), str, secret_path(f"{name}_alternate"))
        return lambda: tuple(filter(None, (first.value(), other.value())))

    @property
    def twilio_accounts(self) -> frozenset[str]:
        """Whose texts and reports are taken; texts go out by the first alone."""
        return frozenset({self.twilio_account_sid, *self.twilio_further_accounts.split()})

    def twilio_door(self, name: DoorName) -> TwilioDoor:
        return TwilioDoor(name, public_url=self.public_url, tokens=self.twilio_tokens, accounts=self.twilio_accounts)

    def notify_door(self, name: DoorName) -> NotifyDoor:
        return NotifyDoor(name, [self.notify_bearer.get_secret_value()])

    def texts(self, store: Store, clocks: Clocks, further: Sequence[TextWay] = (), *, reports: bool = True) -> Texts:
        """`further`: ways beside Twilio.

        `reports`: Twilio reports what became of each to `public_url`. Notify is told where at its own pages.
        """
        twilio = TwilioWay(
            account_sid=self.twilio_account_sid,
            tokens=self.twilio_tokens,
            number=self.twilio_from,
            public_url=self.public_url if reports else "",
            base_url=self.twilio_base_url,
        )
        return Texts(twilio, *further, health=WayHealth(store, clocks))
