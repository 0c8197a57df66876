"""Declares the settings of the stand-in, which needs neither database nor bus."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.platform.delivery.settings.keys import OurAddress
from services.platform.delivery.settings.sms import TextSettings


class ResponderSettings(TextSettings):
    """`public_url` is the stand-in's own address, as Twilio calls and signs it. Its keys are its own."""

    database_password: SecretStr = SecretStr("none is used")
    twilio_from: str = ""
    spool_dir: Path = Field(description="a folder of the stand-in's own, for texts that it keeps")
    hands_over_to: OurAddress = Field(
        description="the address of carers as Twilio calls it, such as https://safe-return.kestrel.example"
    )
    """The texts travel there."""
    duty_line: str = Field(
        pattern=r"^\+\d{7,15}$",
        description="the duty team's number that callers are put through to, such as +441214960000",
    )
