"""Declares the metrics of the archive. Moments are in Unix time, and 0 before the first."""

from prometheus_client import CollectorRegistry, Gauge


class Gauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.base_at = Gauge(
            "backup_base_timestamp_seconds", "When the newest base backup was finished", registry=registry
        )
        self.safe_at = Gauge(
            "backup_safe_timestamp_seconds", "Whatever was committed before this lies elsewhere too", registry=registry
        )
        self.drill_at = Gauge("backup_drill_timestamp_seconds", "When a drill last succeeded", registry=registry)
        self.drill_seconds = Gauge("backup_drill_seconds", "How long that drill took to restore", registry=registry)
        self.listed_at = Gauge(
            "backup_destroyed_timestamp_seconds",
            "Whatever was erased before this is on the list there",
            registry=registry,
        )
        self.outdated = Gauge(
            "backup_outdated_files",
            "Files there that should have been removed when the newest base was made",
            registry=registry,
        )
