"""Shows the SLO: the other end accepts 99.5 % of urgent notices within 60 s. Notices are few, so each is counted."""

from infra.grafana.panel import Board, Panel, Row, nought_if, number

BUDGET = 0.005
RUNBOOK = "urgent-notice-promise"


def notices(window: str, verdict: str = "") -> str:
    judged = f', verdict="{verdict}"' if verdict else ""
    return f'sum(max by (service, verdict) (delivery_urgent_notices{{window="{window}"{judged}}}))'


def late(window: str) -> str:
    """The share that was late; nought if there were none, and empty if nobody has counted."""
    return f"{notices(window, 'late')} / ({notices(window)} > 0) or {nought_if(f'{notices(window)} == 0')}"


def burn(window: str) -> str:
    return f"({late(window)}) / {BUDGET}"


NOW = Row(
    "SLO: 99.5 % within 60 s",
    [
        number(
            "In time, 30 days",
            "Share of urgent notices that the other end accepted within 60 s. The target is 99.5 %.",
            f"1 - ({late('30d')})",
            RUNBOOK,
            unit="percentunit",
            base="red",
            limits=[(1 - BUDGET, "green")],
        ),
        number(
            "Budget left",
            "Share left of the 0.5 % that may be late in 30 days. Below zero, the target is missed.",
            f"1 - {burn('30d')}",
            RUNBOOK,
            unit="percentunit",
            base="red",
            limits=[(0, "orange"), (0.25, "green")],
        ),
        number("Notices, 30 days", "Urgent notices counted within 30 days.", notices("30d"), RUNBOOK),
        number(
            "Late, 30 days",
            "Those accepted after 60 s, given up, or not accepted yet.",
            notices("30d", "late"),
            RUNBOOK,
            limits=[(1, "orange")],
        ),
        number(
            "Late now",
            "Urgent notices over a minute old that the other end has not accepted. Traffic is low, so each one pages on its own.",
            "sum(max by (service) (delivery_urgent_unaccepted))",
            "urgent-notice-not-taken",
            limits=[(1, "red")],
        ),
        number(
            "Given up, last hour",
            "Urgent notices that were given up. The protocol moved to the next person; each one pages on its own.",
            "sum(max by (service) (delivery_urgent_failed))",
            "urgent-notice-given-up",
            limits=[(1, "red")],
        ),
    ],
)
BURN = Row(
    "How fast the budget burns",
    [
        Panel(
            "Burn rate",
            "1 means that the 30-day budget lasts exactly 30 days. Pages at 14.4 (over 1 h and 5 min) and at 6 (over 6 h and 30 min); a ticket at 1 (over 3 d and 6 h).",
            {window: burn(window) for window in ("5m", "30m", "1h", "6h", "3d")},
            RUNBOOK,
            limits=[(6, "orange"), (14.4, "red")],
            width=16,
        ),
        Panel(
            "Late, by service and window",
            "Late notices. For police, these are notices to forces; for carers and professionals, texts and mails.",
            'max by (service, window) (delivery_urgent_notices{verdict="late"})',
            RUNBOOK,
            "{{service}}, {{window}}",
            kind="bars",
        ),
        Panel(
            "Counted, by service",
            "Urgent notices counted in the last 6 hours and 3 days. When there are few, one late notice is a large share.",
            'sum by (service, window) (max by (service, window, verdict) (delivery_urgent_notices{window=~"6h|3d"}))',
            RUNBOOK,
            "{{service}}, {{window}}",
            kind="bars",
            width=12,
        ),
        Panel(
            "Time to acceptance",
            "Time from creating a notice to its acceptance by the other end, over the last hour, by channel (99th percentile).",
            "histogram_quantile(0.99, sum by (le, medium) (increase(delivery_accepted_seconds_bucket[1h])))",
            "urgent-notice-not-taken",
            "{{medium}}",
            unit="s",
            limits=[(60, "red")],
            width=12,
        ),
    ],
)
BOARD = Board(
    "slo",
    "SLO",
    "99.5 % of urgent notices must be accepted within 60 s. Counted in the database over exact windows, not estimated from rates. Exercises are left out.",
    [NOW, BURN],
    since="7d",
)
