"""For the duty manager: who is missing now, for how long, and of whom nobody has yet said that they have it."""

from infra.grafana.panel import Board, Panel, Row, number, share_under, standing

REAL = 'exercise="no", authority=~"$authority"'
OF_AUTHORITY = 'authority=~"$authority"'
MISSING = f'{REAL}, state=~"missing|located"'

NOW = Row(
    "Now",
    [
        number(
            "Children not back",
            "Open episodes of children who are missing, or located and not yet back. The console names them by code.",
            standing("episodes_open", matching=MISSING),
            "missing-child-unacknowledged",
        ),
        number(
            "Nobody has it",
            "Of these, episodes of which no person of any agency has said that they have it. Taken by a machine is not acknowledged.",
            standing("episodes_unacknowledged", matching=REAL),
            "missing-child-unacknowledged",
            limits=[(1, "orange")],
        ),
        number(
            "Longest without anybody",
            "How long ago the longest of those was reported. Over 15 minutes it pages.",
            standing("episodes_unacknowledged_oldest_seconds", matching=REAL, over="max"),
            "missing-child-unacknowledged",
            unit="s",
            limits=[(300, "orange"), (900, "red")],
        ),
        number(
            "Duties overdue",
            "Duties told to their last human, who has not answered. Each one pages.",
            standing("duties_waiting", matching=f'{REAL}, state="overdue"'),
            "duty-overdue",
            limits=[(1, "red")],
        ),
        number(
            "Missing over 72 hours",
            "Children not back three days after the report, or longer: the formal missing meeting is due.",
            standing("episodes_open", matching=f'{MISSING}, age=~"3 to 7 days|7 to 28 days|over 28 days"'),
            "missing-child-unacknowledged",
            limits=[(1, "red")],
        ),
        number(
            "Exercises open",
            "Open episodes that are practice. They are counted nowhere else on this page.",
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
            "Open episodes by how long ago the child was reported. A bar that moves to the right is a child still missing.",
            standing("episodes_open", "age", matching=MISSING),
            "missing-child-unacknowledged",
            "{{age}}",
            kind="bars",
        ),
        Panel(
            "By authority",
            "Open episodes by responsible authority, whether missing, located or returned with conditions still open.",
            standing("episodes_open", "authority", "state", matching=REAL),
            "missing-child-unacknowledged",
            "{{authority}}, {{state}}",
            kind="bars",
        ),
        Panel(
            "By cohort",
            "Unaccompanied, with a modern slavery concern, or both, as the register says. Unknown: the child is not in the register, and is reported all the same.",
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
            "Duties that somebody has still to answer, by where they stand. Open: nobody's system has taken it yet.",
            standing("duties_waiting", "state", matching=REAL),
            "duty-overdue",
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
            "From the report to police",
            "From the report to the force's system having taken the notice, in story time: half, and 95 in 100, stayed under this.",
            {
                "half": share_under("report_to_police_accepted_seconds", 0.5, matching=REAL),
                "95 in 100": share_under("report_to_police_accepted_seconds", 0.95, matching=REAL),
            },
            "urgent-notice-not-taken",
            unit="s",
            limits=[(60, "red")],
            width=12,
        ),
        Panel(
            "From the report to the first person",
            "From the report to the first person, of whichever agency, who said that they have it.",
            {
                "half": share_under("report_to_first_acknowledged_seconds", 0.5, matching=REAL),
                "95 in 100": share_under("report_to_first_acknowledged_seconds", 0.95, matching=REAL),
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
            "Still to happen, by time since the return",
            "Returned children for whom a safe and well check, a return interview or police's closing is outstanding.",
            standing("return_clocks_running", "condition", "since", matching=OF_AUTHORITY),
            "return-clock-overdue",
            "{{condition}}, {{since}}",
            kind="bars",
            width=12,
        ),
        Panel(
            "Longest outstanding",
            "Time since the longest return of those for whom it has still to happen. A return interview is owed within 72 hours.",
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
    "Who is missing, for how long, of whom nobody has said that they have it, and what is owed to those who are back. No child is named here.",
    [NOW, WHO, SPEED, RETURNS],
    since="24h",
    chooses={"authority": "duties_last_30_days"},
)
