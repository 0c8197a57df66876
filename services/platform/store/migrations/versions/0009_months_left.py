"""Counts the months that are still there though their time is over."""

from alembic import op

revision = "0009_months_left"
down_revision = "0008_keep_what_was_merged"

# Not one that has only rows which are needed still. Asked beside `keep_up`, whose locks it must not hold.
LEFT_OVER = """
CREATE FUNCTION months.left_over(table_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    known months.tables;
    old regclass;
    since timestamptz;
    is_left boolean := true;
    counted integer := 0;
BEGIN
    SELECT * INTO STRICT known FROM months.tables WHERE name = table_name;
    since := date_trunc('month', now()) - make_interval(months => known.kept);
    PERFORM pg_advisory_xact_lock(hashtextextended('months ' || known.name, 0));
    FOR old IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = known.name::regclass AND inhrelid <> (known.name || '_outside')::regclass
        AND right(inhrelid::regclass::text, 7) < to_char(since, 'YYYY"_"MM')
    LOOP
        IF known.needed IS NOT NULL THEN
            EXECUTE format(
                'WITH needed AS MATERIALIZED (%s)
                 SELECT EXISTS (SELECT FROM %s d WHERE NOT EXISTS (SELECT FROM needed n WHERE n.child = d.child AND d.at >= n.since))
                 OR NOT EXISTS (SELECT FROM %s)', known.needed, old, old
            ) INTO is_left USING since;
        END IF;
        counted := counted + is_left::int;
    END LOOP;
    RETURN counted;
END $$
"""


def upgrade() -> None:
    op.execute(LEFT_OVER)
    op.execute("REVOKE ALL ON FUNCTION months.left_over(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION months.left_over(text) TO clock")
