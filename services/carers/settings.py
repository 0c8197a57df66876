"""What carers is told at its start, beside what every service is."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.delivery.settings import KeySettings


class CarersSettings(KeySettings):
    twilio_account_sid: str
    twilio_auth_token: SecretStr = Field(min_length=1)
    """Without it no signature can be checked, and the service does not start."""
    twilio_alternate_token: SecretStr | None = None
    """The other token while they are being changed: Twilio may sign with either."""
    twilio_from: str
    """Safe Return's number, E.164."""
    twilio_base_url: str | None = None
    """Only where a sandbox plays Twilio."""
    public_url: str
    """Where Twilio reaches this service; what it signs. A proxy in between may see other hosts and ports."""
    spool_dir: Path
    authority: str | None = None
    """Whose duty team reads texts from numbers that nobody knows. Without it, the first of the register."""

    @property
    def tokens(self) -> tuple[str, ...]:
        both = (self.twilio_auth_token, self.twilio_alternate_token)
        return tuple(each.get_secret_value() for each in both if each is not None and each.get_secret_value())
