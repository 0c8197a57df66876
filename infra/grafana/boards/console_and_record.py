"""Shows operators sign-ins at the console, open pages, and the age of what is kept elsewhere."""

from infra.grafana.panel import Panel, Row, counted, number

CONSOLE = Row(
    "Console",
    [
        Panel(
            "Sign-ins",
            "Sign-in attempts within 15 minutes, by result. Held back: refused unchecked, after too many wrong passwords. Crowded: too many at once.",
            counted("console_sign_ins_total", "result", window="15m"),
            "sign-ins-held-back",
            "{{result}}",
        ),
        Panel(
            "Requests held back",
            "Requests of agencies, forces and importing systems within 15 minutes that were answered with 429 and not looked at. Stranger: nobody whom this process knew within the hour.",
            counted("requests_held_back_total", "service", "who", window="15m"),
            "requests-held-back",
            "{{service}} {{who}}",
        ),
        Panel(
            "Pages open",
            "Browser pages that follow changes, including wall screens.",
            "sum(console_live_pages)",
            "standing-stale",
            "open",
        ),
        Panel(
            "Last anchor",
            "For how long what is recorded has been under no anchor. The audit fixes the heads of all chains every minute.",
            "time() - max(safe_return_audit_anchored_timestamp_seconds)",
            "audit-gap",
            "ago",
            unit="s",
            limits=[(300, "orange")],
        ),
    ],
)
ELSEWHERE = Row(
    "Elsewhere",
    [
        number(
            "Not elsewhere since",
            "How old the oldest commit can be that lies on this site alone.",
            "time() - max(backup_safe_timestamp_seconds) or min(cnpg_pg_stat_archiver_seconds_since_last_archival >= 0)",
            "backup-old",
            unit="s",
            limits=[(120, "orange"), (300, "red")],
        ),
        number(
            "Base backup",
            "Age of the newest base backup. One is made every day.",
            "time() - max(backup_base_timestamp_seconds or barman_cloud_cloudnative_pg_io_last_available_backup_timestamp)",
            "backup-old",
            unit="s",
            limits=[(129600, "red")],
        ),
        number(
            "Drill",
            "Time since somebody last restored the newest copy for practice.",
            "time() - max(backup_drill_timestamp_seconds > 0)",
            "backup-old",
            unit="s",
            limits=[(3024000, "red")],
        ),
        number(
            "Drill took",
            "How long that took, from nothing to a checked database.",
            "max(backup_drill_seconds > 0)",
            "backup-old",
            unit="s",
            limits=[(900, "orange")],
        ),
        number(
            "Erasures elsewhere",
            "Time since the list of what was erased was last known to lie elsewhere. It is compared each minute.",
            "time() - max(backup_destroyed_timestamp_seconds)",
            "backup-old",
            unit="s",
            limits=[(3600, "red")],
        ),
        number(
            "Anchor published",
            "Time since each place last took an anchor of the record. One is published each hour.",
            "time() - min(safe_return_audit_anchor_published_timestamp_seconds)",
            "backup-old",
            unit="s",
            limits=[(10800, "red")],
        ),
    ],
)
