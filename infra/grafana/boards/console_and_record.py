"""Shows operators sign-ins at the console, open pages, and the age of the newest anchor."""

from infra.grafana.panel import Panel, Row

CONSOLE = Row(
    "Console",
    [
        Panel(
            "Sign-ins",
            "Sign-in attempts within 15 minutes, by result. Held back: refused unchecked, after too many wrong passwords. Crowded: too many at once.",
            "sum by (result) (increase(console_sign_ins_total[15m]))",
            "sign-ins-held-back",
            "{{result}}",
        ),
        Panel(
            "Requests held back",
            "Requests of agencies, forces and importing systems within 15 minutes that were answered with 429 and not looked at. Stranger: nobody whom this process knew within the hour.",
            "sum by (service, who) (increase(requests_held_back_total[15m]))",
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
            "Time since the audit last recorded the heads of all chains. It does so every minute in which anything was recorded.",
            "time() - max(safe_return_audit_anchored_timestamp_seconds)",
            "audit-gap",
            "ago",
            unit="s",
        ),
    ],
)
