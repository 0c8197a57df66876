"""A row for operators: who signs in at the console, how many look at it, and whether the record is anchored."""

from infra.grafana.panel import Panel, Row

CONSOLE = Row(
    "Console",
    [
        Panel(
            "Sign-ins",
            "Attempts within 15 minutes, by what came of them. Held back: refused unheard, after too many wrong passwords. Crowded: too many at once.",
            "sum by (result) (increase(console_sign_ins_total[15m]))",
            "sign-ins-held-back",
            "{{result}}",
        ),
        Panel(
            "Pages open",
            "Pages in a browser that follow changes, a screen on a wall among them.",
            "sum(console_live_pages)",
            "standing-stale",
            "open",
        ),
        Panel(
            "Record anchored",
            "Seconds since the audit last fixed the heads of all chains. It does so every minute in which anything was recorded.",
            "time() - max(safe_return_audit_anchored_timestamp_seconds)",
            "audit-gap",
            "ago",
            unit="s",
        ),
    ],
)
