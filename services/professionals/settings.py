"""Holds the settings of professionals."""

from services.platform.delivery.settings import MailSettings, TextSettings


class ProfessionalsSettings(TextSettings, MailSettings):
    pass
