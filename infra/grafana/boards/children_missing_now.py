"""Shows the duty manager who is missing now, for how long, and which children nobody has acknowledged."""

from infra.grafana.panel import Board, Panel, Row, number, share_under, standing

REAL = 'exercise="no", authority=~"$authority"'
OF_AUTHORITY = 'authority=~"$authority"'
MISSING = f'{REAL}, state=~"missing|located"'
AGES = ("under 1 h", "1 h to 24 h", "24 h to 72 h", "3 to 7 days", "7 to 28 days", "over 28 days")
"""As `gauges.yaml` names them."""

NOW = Row(
    "Now",
    [
        number(
            "Children not back",
            "Open episodes of children who are missing, or located but not back. The console lists them by code.",
            standing("episodes_open", matching=MISSING),
            "missing-child-unacknowledged",
            base="blue",
            limits=[(1, "orange")],
        ),
        number(
            "Unacknowledged",
            "Those that nobody at any agency has acknowledged. Acceptance by a system is not acknowledgement.",
            standing("episodes_unacknowledged", matching=REAL),
            "missing-child-unacknowledged",
            limits=[(1, "orange")],
        ),
        number(
            "Longest unacknowledged",
            "Time since the oldest of these was reported. Over 15 minutes it pages.",
            standing("episodes_unacknowledged_oldest_seconds", matching=REAL, over="max"),
            "missing-child-unacknowledged",
            unit="s",
            limits=[(300, "orange"), (900, "red")],
        ),
        number(
            "Duties unanswered",
            "Duties whose last person has not answered. Each one pages.",
            standing("duties_waiting", matching=f'{REAL}, state="overdue"'),
            "duty-unanswered",
            limits=[(1, "red")],
        ),
        number(
            "Missing over 72 hours",
            "Children not back three days or more after the report: the formal missing meeting is due.",
            standing("episodes_open", matching=f'{MISSING}, age=~"3 to 7 days|7 to 28 days|over 28 days"'),
            "missing-child-unacknowledged",
            limits=[(1, "red")],
        ),
        number(
            "Exercises open",
            "Open episodes that are practice. They are not counted anywhere else on this page.",
            standing("episodes_open", matching='exercise="yes", authority=~"$authority"'),
            "exercise-report-lost",
        ),
    ],
)
WHO = Row(
    "Who they are",
    [
        Panel(
            "By time since the report",
            "Open episodes by time since the report.",
            {age: standing("episodes_open", matching=f'{MISSING}, age="{age}"') for age in AGES},
            "missing-child-unacknowledged",
            kind="bars",
        ),
        Panel(
            "By authority",
            "Open episodes by responsible authority and state: missing, located, or returned with conditions still open.",
            standing("episodes_open", "authority", "state", matching=REAL),
            "missing-child-unacknowledged",
            "{{authority}}, {{state}}",
            kind="bars",
        ),
        Panel(
            "By cohort",
            "Unaccompanied, with a modern slavery concern, or both, according to the register. Unknown: the child is not in the register; the report goes out all the same.",
            standing("episodes_open", "cohort", matching=MISSING),
            "missing-child-unacknowledged",
            "{{cohort}}",
            kind="bars",
        ),
        Panel(
            "Not back, over time",
            "Children missing or located, by authority.",
            standing("episodes_open", "authority", matching=MISSING),
            "missing-child-unacknowledged",
            "{{authority}}",
            kind="stack",
            width=12,
        ),
        Panel(
            "Waiting for an answer",
            "Duties that somebody has yet to answer, by state. Open: no system has accepted the message yet.",
            standing("duties_waiting", "state", matching=REAL),
            "duty-unanswered",
            "{{state}}",
            kind="stack",
            width=12,
        ),
    ],
)
SPEED = Row(
    "How fast, last 24 hours",
    [
        Panel(
            "Report to police",
            "Story time from the report until the force's system accepts the notice: median and 95th percentile.",
            {
                "median": share_under("report_to_police_accepted_seconds", 0.5, matching=REAL),
                "p95": share_under("report_to_police_accepted_seconds", 0.95, matching=REAL),
            },
            "urgent-notice-not-taken",
            unit="s",
            limits=[(60, "red")],
            width=12,
        ),
        Panel(
            "Report to first acknowledgement",
            "Time from the report until the first person at any agency acknowledges: median and 95th percentile.",
            {
                "median": share_under("report_to_first_acknowledged_seconds", 0.5, matching=REAL),
                "p95": share_under("report_to_first_acknowledged_seconds", 0.95, matching=REAL),
            },
            "missing-child-unacknowledged",
            unit="s",
            limits=[(900, "red")],
            width=12,
        ),
    ],
)
RETURNS = Row(
    "After the return",
    [
        Panel(
            "Outstanding, by time since the return",
            "Returned children with an outstanding safe and well check, return interview or closure by police.",
            standing("return_clocks_running", "condition", "since", matching=OF_AUTHORITY),
            "return-clock-overdue",
            "{{condition}}, {{since}}",
            kind="bars",
            width=12,
        ),
        Panel(
            "Longest outstanding",
            "Time since the return of the child who has waited longest. A return interview is due within 72 hours.",
            standing("return_clock_oldest_seconds", "condition", matching=OF_AUTHORITY, over="max"),
            "return-clock-overdue",
            "{{condition}}",
            unit="s",
            limits=[(86400, "orange"), (259200, "red")],
            width=12,
        ),
    ],
)
BOARD = Board(
    "children-missing-now",
    "Children missing now",
    "Who is missing and for how long, which children nobody has acknowledged, and which checks are due for those who are back. No child is named here.",
    [NOW, WHO, SPEED, RETURNS],
    since="24h",
    chooses={"authority": "duties_last_30_days"},
)
