"""Says where docker-compose.yml has its secrets, and whose. Only the standard library: a backup needs no image."""

from pathlib import Path

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
FOLDER = Path(__file__).parents[2] / ".docker" / "secrets"
ADMINISTRATOR = "postgres"
PLAYED = {"kafka": "192.0.2.2", "postgres": "192.0.2.3"}
"""Where a service that plays the world may reach the engines (infra/docker/sandbox.yml)."""
