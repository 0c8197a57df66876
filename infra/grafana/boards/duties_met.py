"""The manager's view (S12): how duties are kept, by rule and by authority."""

from infra.grafana.panel import Board, Panel, Row, number, standing

OF = 'authority=~"$authority"'
KEPT = "duties_last_30_days"


def share(matching: str, *by: str) -> str:
    """Of the duties that did not fall away."""
    met = standing(KEPT, *by, matching=f'{OF}, state="{matching}"').removesuffix(" or vector(0)")
    owed = standing(KEPT, *by, matching=f'{OF}, state!="cancelled"').removesuffix(" or vector(0)")
    return f"({met}) / ({owed})"


NOW = Row(
    "The last 30 days",
    [
        number(
            "Acknowledged",
            "Of the duties that did not fall away, the share that a person has acknowledged.",
            share("acknowledged"),
            "duty-overdue",
            unit="percentunit",
        ),
        number(
            "Overdue now",
            "Duties that went to their last human and are still unanswered.",
            standing(KEPT, matching=f'{OF}, state="overdue"'),
            "duty-overdue",
            limits=[(1, "red")],
        ),
        number(
            "Half answered within",
            "From the first telling to the acknowledgement: half of the duties stayed under this, in the slowest authority chosen.",
            standing("duties_answer_seconds", matching=f'{OF}, quantile="0.5"', over="max"),
            "duty-overdue",
            unit="s",
        ),
        number(
            "95 in 100 answered within",
            "The same, of 95 in 100 duties.",
            standing("duties_answer_seconds", matching=f'{OF}, quantile="0.95"', over="max"),
            "duty-overdue",
            unit="s",
        ),
        number(
            "Fell away",
            "Duties cancelled with a reason: the child was back, the report was withdrawn, another duty took their place.",
            standing(KEPT, matching=f'{OF}, state="cancelled"'),
            "duty-overdue",
        ),
        number(
            "Nobody in the role",
            "Tellings within the last 24 hours for which the directory named nobody. The next person is told at once; the rota has a hole.",
            'sum(increase(protocol_duty_failures_total{reason="nobody-in-role"}[24h])) or vector(0)',
            "nobody-in-role",
            limits=[(1, "red")],
        ),
    ],
)
BY = Row(
    "By rule and by authority",
    [
        Panel(
            "Acknowledged, by authority",
            "The share of duties that a person has acknowledged, by responsible authority.",
            share("acknowledged", "authority"),
            "duty-overdue",
            "{{authority}}",
            unit="percentunit",
            kind="bars",
        ),
        Panel(
            "Duties by rule",
            "All duties of the last 30 days, by the rule that made them. What a rule asks stands in docs/protocol.md.",
            standing(KEPT, "rule", matching=OF),
            "duty-overdue",
            "{{rule}}",
            kind="bars",
            height=14,
        ),
        Panel(
            "How they stand, by rule",
            "By rule and state. Open and accepted still wait for a person, unless the rule asks for no answer.",
            standing(KEPT, "rule", "state", matching=OF),
            "duty-overdue",
            "{{rule}}, {{state}}",
            kind="bars",
            height=14,
        ),
        Panel(
            "Answered within, by authority",
            "What 95 in 100 duties stayed under, from the first telling to the acknowledgement.",
            standing("duties_answer_seconds", "authority", matching=f'{OF}, quantile="0.95"', over="max"),
            "duty-overdue",
            "{{authority}}",
            unit="s",
            kind="bars",
        ),
        Panel(
            "Waiting now, by rule",
            "Duties that somebody has still to answer.",
            standing("duties_waiting", "rule", "state", matching=f'{OF}, exercise="no"'),
            "duty-overdue",
            "{{rule}}, {{state}}",
            kind="stack",
        ),
        Panel(
            "Tellings that came to nothing",
            "Tellings of which no further attempt is made, by why, over the last day. The protocol went on to the next person.",
            "sum by (reason) (increase(protocol_duty_failures_total[24h]))",
            "urgent-notice-given-up",
            "{{reason}}",
            kind="bars",
        ),
    ],
)
BOARD = Board(
    "duties-met",
    "Duties met",
    "For managers: how the duties of the protocol are kept, by rule and by authority (S12). Exercises are left out.",
    [NOW, BY],
    since="7d",
    chooses={"authority": KEPT},
)
