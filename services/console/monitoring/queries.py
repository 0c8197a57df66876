"""Counts open episodes, duties and the like in the database, as rows for the gauges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from services.platform.store.query import Query, Rows
from services.safeguarding.duty.decisions import OVER

Counts: TypeAlias = Sequence[dict[str, Any]]

EPISODES = """
    SELECT e.content ->> 'authority' AS authority, e.state, coalesce(c.cohort, 'unknown') AS cohort, e.exercise,
           width_bucket(extract(epoch FROM %(now)s - e.opened_at)::float, ARRAY[3600, 86400, 259200, 604800, 2419200]::float[]) AS age,
           count(*) AS count
    FROM console.episodes e LEFT JOIN register.cohorts c ON c.child = e.child
    WHERE e.state <> ALL(%(over)s::text[])
    GROUP BY 1, 2, 3, 4, 5
"""
UNACKNOWLEDGED = """
    SELECT e.content ->> 'authority' AS authority, e.exercise, count(*) FILTER (WHERE NOT answered) AS count,
           coalesce(max(extract(epoch FROM %(now)s - e.opened_at)) FILTER (WHERE NOT answered), 0)::float AS oldest
    FROM console.episodes e, LATERAL (
        SELECT EXISTS (SELECT FROM console.duties d WHERE d.episode = e.episode AND d.state = 'acknowledged') AS answered
    ) a
    WHERE e.state IN ('missing', 'located')
    GROUP BY 1, 2
"""
DUTIES = """
    SELECT content ->> 'authority' AS authority, content ->> 'rule' AS rule, state, exercise, count(*) AS count
    FROM console.duties WHERE waits GROUP BY 1, 2, 3, 4
"""
RETURNS = """
    SELECT e.content ->> 'authority' AS authority, condition,
           width_bucket(extract(epoch FROM %(now)s - (e.content ->> 'returned_at')::timestamptz)::float, ARRAY[86400, 172800, 259200]::float[]) AS since,
           count(*) AS count, max(extract(epoch FROM %(now)s - (e.content ->> 'returned_at')::timestamptz))::float AS oldest
    FROM console.episodes e, jsonb_array_elements_text(e.content -> 'open_conditions') condition
    WHERE e.state = 'returned' AND NOT e.exercise AND e.content ->> 'returned_at' IS NOT NULL
    GROUP BY 1, 2, 3
"""
DEADLINES = """
    SELECT count(*) AS count, coalesce(greatest(extract(epoch FROM %(now)s - min(due_at)), 0), 0)::float AS late
    FROM deadlines.due WHERE fired_at IS NULL AND cancelled_at IS NULL
"""
DEAD_LETTERS = """
    SELECT count(*) AS count FROM console.dead_letters WHERE redriven_at IS NULL AND at > %(now)s - interval '7 days'
"""
DUTIES_OF_MONTH = """
    SELECT content ->> 'authority' AS authority, content ->> 'rule' AS rule, state, count(*) AS count
    FROM console.duties WHERE changed_at > %(now)s - interval '30 days' AND NOT exercise GROUP BY 1, 2, 3
"""
ANSWERS_OF_MONTH = """
    SELECT authority, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS most
    FROM (
        SELECT d.content ->> 'authority' AS authority, extract(epoch FROM
            min((step ->> 'changed_at')::timestamptz) FILTER (WHERE step ->> 'state' = 'acknowledged')
            - min((step ->> 'told_at')::timestamptz))::float AS seconds
        FROM console.duties d, jsonb_array_elements(d.content -> 'steps') step
        WHERE d.state = 'acknowledged' AND d.changed_at > %(now)s - interval '30 days' AND NOT d.exercise
        GROUP BY d.duty, 1
    ) answered
    WHERE seconds IS NOT NULL GROUP BY authority
"""
INBOXES = """
    SELECT n.nspname AS owner, greatest(c.reltuples, 0)::bigint AS count
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'inbox' AND c.relkind = 'r'
"""
DATABASE = """
    SELECT pg_database_size(current_database()) AS size, current_setting('max_connections')::int AS most,
           (SELECT sum(numbackends) FROM pg_stat_database WHERE datname = current_database()) AS connections
"""


def counts(sql: str, now: datetime) -> Query[Counts]:
    """One of the statements above. `now` is story time."""
    return Query(sql, {"now": now, "over": [str(each) for each in OVER]}, _as_mappings)


def _as_mappings(rows: Rows) -> Counts:
    return [row._asdict() for row in rows]
