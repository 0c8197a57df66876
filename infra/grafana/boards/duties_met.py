"""Shows the manager (S12) how many duties were met, by rule and by authority."""

from infra.grafana.panel import Board, Limits, Panel, Row, counted, nought_while_up, number, standing

OF = 'authority=~"$authority"'
KEPT = "duties_last_30_days"
NOBODY = 'reason="nobody-in-role"'
BETTER_HIGH: Limits = [(0.8, "orange"), (0.95, "green")]


def share_met(*by: str) -> str:
    """Of the duties that were not cancelled. An answer that lets a deed rest meets nothing."""
    met = standing(KEPT, *by, matching=f'{OF}, state=~"acknowledged|done"')
    owed = standing(KEPT, *by, matching=f'{OF}, state!="cancelled"')
    return f"({met}) / (({owed}) > 0)"


NOW = Row(
    "The last 30 days",
    [
        number(
            "Met",
            "Share of the duties that a person acknowledged, or whose deed is recorded. Cancelled duties are left out.",
            share_met(),
            "duty-unanswered",
            unit="percentunit",
            base="red",
            limits=BETTER_HIGH,
        ),
        number(
            "Unanswered now",
            "Duties whose last person has not answered.",
            standing(KEPT, matching=f'{OF}, state="overdue"'),
            "duty-unanswered",
            limits=[(1, "red")],
        ),
        number(
            "Median time to answer",
            "Time from the first message to the acknowledgement, in the slowest selected authority (median).",
            standing("duties_answer_seconds", matching=f'{OF}, quantile="0.5"', over="max"),
            "duty-unanswered",
            unit="s",
        ),
        number(
            "95th percentile to answer",
            "The same (95th percentile).",
            standing("duties_answer_seconds", matching=f'{OF}, quantile="0.95"', over="max"),
            "duty-unanswered",
            unit="s",
        ),
        number(
            "Cancelled",
            "Duties cancelled with a reason: the child was back, the report was withdrawn, or another duty replaced them.",
            standing(KEPT, matching=f'{OF}, state="cancelled"'),
            "duty-unanswered",
        ),
        number(
            "Nobody in the role",
            "Steps within the last 24 hours for which the directory named nobody. The next person is told at once; the rota has a gap.",
            f"{counted('protocol_duty_failures_total', matching=NOBODY, window='24h')} or {nought_while_up('protocol')}",
            "nobody-in-role",
            limits=[(1, "red")],
        ),
    ],
)
BY = Row(
    "By rule and by authority",
    [
        Panel(
            "Met, by authority",
            "Share of duties acknowledged by a person or done, by responsible authority.",
            share_met("authority"),
            "duty-unanswered",
            "{{authority}}",
            unit="percentunit",
            kind="bars",
            base="red",
            limits=BETTER_HIGH,
        ),
        Panel(
            "Duties by rule",
            "All duties of the last 30 days, by rule. docs/protocol.md explains each rule.",
            standing(KEPT, "rule", matching=OF),
            "duty-unanswered",
            "{{rule}}",
            kind="bars",
            height=14,
        ),
        Panel(
            "State, by rule",
            "Duties by rule and state. Open and accepted duties still wait for a person, unless the rule needs no answer.",
            standing(KEPT, "rule", "state", matching=OF),
            "duty-unanswered",
            "{{rule}}, {{state}}",
            kind="bars",
            height=14,
        ),
        Panel(
            "Time to answer, by authority",
            "Time from the first message to the acknowledgement (95th percentile).",
            standing("duties_answer_seconds", "authority", matching=f'{OF}, quantile="0.95"', over="max"),
            "duty-unanswered",
            "{{authority}}",
            unit="s",
            kind="bars",
        ),
        Panel(
            "Waiting now, by rule",
            "Duties that somebody has yet to answer.",
            standing("duties_waiting", "rule", "state", matching=f'{OF}, exercise="no"'),
            "duty-unanswered",
            "{{rule}}, {{state}}",
            kind="stack",
        ),
        Panel(
            "Failed steps, by reason",
            "Steps given up within the last day, by reason. The protocol moved to the next person.",
            counted("protocol_duty_failures_total", "reason", window="24h"),
            "urgent-notice-given-up",
            "{{reason}}",
            kind="bars",
        ),
        Panel(
            "Age of the register, by authority",
            "Time since the table that was not imported for longest came. Over 51 hours it warns.",
            standing(
                "register_age_seconds", "authority", matching=f'{OF}, table!~"forces|agencies|authority"', over="max"
            ),
            "register-stale",
            "{{authority}}",
            unit="s",
            kind="bars",
        ),
    ],
)
BOARD = Board(
    "duties-met",
    "Duties met",
    "For managers: how the protocol's duties are met, by rule and by authority (S12). Exercises are left out.",
    [NOW, BY],
    since="7d",
    chooses={"authority": KEPT},
)
