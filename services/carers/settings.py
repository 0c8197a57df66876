"""Declares the settings of carers and of their stand-in, beside those of every service that texts."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.platform.delivery.settings.keys import OurAddress
from services.platform.delivery.settings.sms import TextSettings


class CarersSettings(TextSettings):
    spool_dir: Path = Field(
        description="a folder of this process's own, for texts that come while the database is away"
    )
    authority: str | None = Field(default=None, min_length=1, description="an authority's id, or left out")
    """Its duty team reads texts from unknown numbers. None: the register's first authority that is no exercise."""


class ResponderSettings(TextSettings):
    """The stand-in needs neither database nor bus. `public_url` is its own address, as Twilio calls and signs it. Its
    keys are its own.
    """

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
