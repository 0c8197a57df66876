"""Holds the settings of professionals."""

from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings


class ProfessionalsSettings(TextSettings, MailSettings):
    pass
