"""What professionals is told at its start, beside what every service is."""

from services.delivery.settings import TextSettings


class ProfessionalsSettings(TextSettings):
    pass
