"""Holds the settings of strategy."""

from services.platform.delivery.mail_settings import MailSettings


class StrategySettings(MailSettings):
    pass
