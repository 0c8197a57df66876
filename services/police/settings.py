"""What police is told at its start, beside what every service is."""

from services.delivery.settings import KeySettings


class PoliceSettings(KeySettings):
    pass
