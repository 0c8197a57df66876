"""Holds the settings of strategy."""

from services.platform.delivery.settings.mail import MailSettings


class StrategySettings(MailSettings):
    pass
