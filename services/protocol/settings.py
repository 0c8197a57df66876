"""Settings of the protocol service."""

from pathlib import Path

from services.platform.runtime.settings import Settings


class ProtocolSettings(Settings):
    protocol_dir: Path | None = None
    """Folder of the authorities' own protocol files. None: the default rules hold for every authority."""
