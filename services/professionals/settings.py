"""Holds the settings of professionals."""

from services.platform.delivery.mail_settings import MailSettings
from services.platform.delivery.sms_settings import TextSettings


class ProfessionalsSettings(TextSettings, MailSettings):
    pass
