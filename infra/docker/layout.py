"""Says where docker-compose.yml has its secrets, and whose. Only the standard library: a backup needs no image."""

from pathlib import Path

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
FOLDER = Path(__file__).parents[2] / ".docker" / "secrets"
ADMINISTRATOR = "postgres"
