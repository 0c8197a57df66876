"""Keeps the timeline of what goes on, and for a year's return; counts a credential until it is withdrawn."""

from alembic import op

revision = "0006_keep_what_goes_on"
down_revision = "0005_plan_an_anchor"

# `$1`: the first moment that is kept of everybody.
NEEDED = """
UPDATE months.tables SET kept = CASE WHEN kept < 18 THEN 18 ELSE kept END, needed = $needed$
    SELECT names.child, min(e.opened_at) AS since
    FROM console.episodes e
    CROSS JOIN LATERAL (SELECT e.child UNION ALL SELECT i.child FROM console.entries i WHERE i.identifies = e.child) names
    WHERE e.opened_at < $1 AND (e.state NOT IN ('closed', 'retracted', 'merged') OR e.changed_at >= $1)
    GROUP BY names.child
$needed$ WHERE name = 'console.entries'
"""
# As it was, but for an old month that has rows which are needed still: its others go, so many at a call. That takes its
# time, so it is not done in a call that has made or dropped a month, which locks the table.
KEEP_UP = """
CREATE OR REPLACE FUNCTION months.keep_up(table_name text, OUT ahead integer, OUT outside bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    known months.tables;
    parent regclass;
    beyond regclass;
    part text;
    old regclass;
    month timestamptz := date_trunc('month', now());
    since timestamptz;
    goes_on boolean := false;
    locked boolean := false;
BEGIN
    SELECT * INTO STRICT known FROM months.tables WHERE name = table_name;
    parent := known.name::regclass;
    beyond := (known.name || '_outside')::regclass;
    since := month - make_interval(months => known.kept);
    PERFORM pg_advisory_xact_lock(hashtextextended('months ' || known.name, 0));
    BEGIN
        FOR step IN 0..3 LOOP
            part := known.name || to_char(month + make_interval(months => step), '"_"YYYY"_"MM');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            PERFORM months.make(parent, beyond, part, month + make_interval(months => step));
            locked := true;
        END LOOP;
        FOR old IN
            SELECT inhrelid::regclass FROM pg_inherits
            WHERE inhparent = parent AND inhrelid <> beyond
            AND right(inhrelid::regclass::text, 7) < to_char(since, 'YYYY"_"MM')
        LOOP
            EXIT WHEN locked;  -- the next hour goes on: until this call ends, nobody can read
            IF known.needed IS NOT NULL THEN
                EXECUTE format(
                    'WITH needed AS MATERIALIZED (%s)
                     SELECT EXISTS (SELECT FROM %s d JOIN needed n ON n.child = d.child AND d.at >= n.since)', known.needed, old
                ) INTO goes_on USING since;
            END IF;
            IF goes_on THEN
                EXECUTE format(
                    'WITH needed AS MATERIALIZED (%s) DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s d
                     WHERE NOT EXISTS (SELECT FROM needed n WHERE n.child = d.child AND d.at >= n.since) LIMIT 100000))',
                    known.needed, old, old
                ) USING since;
            ELSE
                EXECUTE format('DROP TABLE %s', old);
                locked := true;
            END IF;
        END LOOP;
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
    SELECT count(*) - 1 INTO ahead FROM pg_inherits
    WHERE inhparent = parent AND inhrelid <> beyond
    AND right(inhrelid::regclass::text, 7) >= to_char(month, 'YYYY"_"MM');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 1000) AS found', beyond) INTO outside;
END $$
"""
# One that has expired is a source all the same, which has fallen silent. One that a form at the console
# makes for some minutes is none.
LAST_IMPORTED = """
CREATE OR REPLACE VIEW casework.last_imported AS
SELECT f.authority, f.table_name AS name,
       coalesce(
           min(f.at) FILTER (WHERE c.withdrawn_at IS NULL AND c.expires_at - c.made_at > interval '1 hour'), max(f.at)
       ) AS at
FROM casework.freshness f LEFT JOIN casework.credentials c ON c.id = f.actor GROUP BY f.authority, f.table_name
"""
INDEXES = {
    # What has just gone out about a child.
    "deadlines.due_fired": "deadlines.due (child, fired_at) WHERE fired_at IS NOT NULL",
    # The searches of a day.
    "console.episodes_by_day": "console.episodes (opened_at)",
}


def upgrade() -> None:
    op.execute("ALTER TABLE months.tables ADD COLUMN IF NOT EXISTS needed text")
    op.execute(
        "COMMENT ON COLUMN months.tables.needed IS 'SQL: the children whose rows stay once their month is over, and since when'"
    )
    op.execute(NEEDED)
    op.execute(KEEP_UP)
    op.execute(LAST_IMPORTED)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # one whose making was stopped
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name.partition('.')[2]} ON {of}")
