"""The promise: 99.5 % of urgent notices are taken by the other end within 60 s. Counted by notice, since there are few."""

from infra.grafana.panel import Board, Panel, Row, number

BUDGET = 0.005
RUNBOOK = "urgent-notice-promise"


def notices(window: str, verdict: str = "") -> str:
    judged = f', verdict="{verdict}"' if verdict else ""
    return f'sum(max by (service, verdict) (delivery_urgent_notices{{window="{window}"{judged}}}))'


def late(window: str) -> str:
    """The share that was late; nought where there were none."""
    return f"{notices(window, 'late')} / ({notices(window)} > 0) or vector(0)"


def burn(window: str) -> str:
    return f"({late(window)}) / {BUDGET}"


NOW = Row(
    "The promise: 99.5 % within 60 s",
    [
        number(
            "Kept, 30 days",
            "Share of urgent notices that the other end took within 60 s. The promise is 99.5 %.",
            f"1 - ({late('30d')})",
            RUNBOOK,
            unit="percentunit",
        ),
        number(
            "Budget left",
            "Of the 0.5 % that may be late in 30 days, how much is left. Below nought the promise is broken.",
            f"1 - {burn('30d')}",
            RUNBOOK,
            unit="percentunit",
        ),
        number("Notices, 30 days", "Urgent notices judged within 30 days.", notices("30d"), RUNBOOK),
        number(
            "Late, 30 days",
            "Of these, taken after 60 s, given up, or not taken yet.",
            notices("30d", "late"),
            RUNBOOK,
            limits=[(1, "orange")],
        ),
        number(
            "Late now",
            "Urgent notices over a minute old that nobody has taken. Traffic is low, so each one pages by itself.",
            "sum(max by (service) (delivery_urgent_unaccepted))",
            "urgent-notice-not-taken",
            limits=[(1, "red")],
        ),
        number(
            "Given up, last hour",
            "Urgent notices that were given up on. The protocol went on to the next person; each one pages by itself.",
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
            "1: the 30 days' budget lasts exactly 30 days. Pages at 14.4 (over 1 h and 5 min) and at 6 (over 6 h and 30 min); a ticket at 1 (over 3 d and 6 h).",
            {window: burn(window) for window in ("5m", "30m", "1h", "6h", "3d")},
            RUNBOOK,
            limits=[(6, "orange"), (14.4, "red")],
            width=16,
        ),
        Panel(
            "Late, by service and window",
            "Notices that were late. Police's are notices to forces; carers' and professionals' are texts and mails.",
            'max by (service, window) (delivery_urgent_notices{verdict="late"})',
            RUNBOOK,
            "{{service}}, {{window}}",
            kind="bars",
        ),
        Panel(
            "Judged, by service",
            "Urgent notices of the last day and week that were judged at all: with few, one late notice is a large share.",
            'sum by (service, window) (max by (service, window, verdict) (delivery_urgent_notices{window=~"6h|3d"}))',
            RUNBOOK,
            "{{service}}, {{window}}",
            kind="bars",
            width=12,
        ),
        Panel(
            "How long until taken",
            "From putting a notice to the other end's having taken it, last hour, by channel: 99 in 100 stayed under this.",
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
    "99.5 % of urgent notices are taken within 60 s. Counted in the database over exact windows, not guessed from rates; exercises left out.",
    [NOW, BURN],
    since="7d",
)
