"""Reads the professionals service's own settings."""

from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.settings.keys import ConsoleAddress


class ProfessionalsSettings(CorrespondenceSettings):
    console_url: ConsoleAddress = ""
    """Where mails to people on duty open the case. Empty: they say by which code the console finds it."""
