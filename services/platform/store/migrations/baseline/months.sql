-- Tables that only grow are kept by month: a partition for each month in UTC, made three months ahead, and one for what is
-- outside of all. Services' roles create and drop nothing: the clock calls one function, which acts on the tables named here.

CREATE SCHEMA months;
GRANT USAGE ON SCHEMA months TO clock;

CREATE TABLE months.tables (
    name text PRIMARY KEY,
    kept integer CHECK (kept > 0)  -- whole months before this one; NULL: for ever
);
GRANT SELECT ON months.tables TO clock;

-- A month is made as a table of its own and then attached: the table itself stays open to its readers and writers meanwhile.
-- Rows of that month that lie outside come with it. Whoever holds the lock that this needs is let be: the next call tries
-- again, and there are months until then.
CREATE FUNCTION months.keep_up(table_name text, OUT ahead integer, OUT outside bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    known months.tables;
    parent regclass;
    beyond regclass;
    part text;
    old regclass;
    month timestamptz := date_trunc('month', now());
BEGIN
    SELECT * INTO STRICT known FROM months.tables WHERE name = table_name;
    parent := known.name::regclass;
    beyond := (known.name || '_outside')::regclass;
    PERFORM pg_advisory_xact_lock(hashtextextended('months ' || known.name, 0));
    BEGIN
        FOR step IN 0..3 LOOP
            part := known.name || to_char(month + make_interval(months => step), '"_"YYYY"_"MM');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            PERFORM months.make(parent, beyond, part, month + make_interval(months => step));
        END LOOP;
        FOR old IN
            SELECT inhrelid::regclass FROM pg_inherits
            WHERE inhparent = parent AND inhrelid <> beyond
            AND right(inhrelid::regclass::text, 7) < to_char(month - make_interval(months => known.kept), 'YYYY"_"MM')
        LOOP
            EXECUTE format('DROP TABLE %s', old);
        END LOOP;
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
    SELECT count(*) - 1 INTO ahead FROM pg_inherits
    WHERE inhparent = parent AND inhrelid <> beyond
    AND right(inhrelid::regclass::text, 7) >= to_char(month, 'YYYY"_"MM');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 1000) AS found', beyond) INTO outside;
END $$;

CREATE FUNCTION months.make(parent regclass, beyond regclass, part text, since timestamptz)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text;
BEGIN
    SELECT attname INTO STRICT key_column FROM pg_attribute
    WHERE attrelid = parent AND attnum = (SELECT partattrs[0] FROM pg_partitioned_table WHERE partrelid = parent);
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', part, parent);
    EXECUTE format(
        'WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %s SELECT * FROM moved',
        beyond, key_column, since, key_column, since + interval '1 month', part);
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
        parent, part, since, since + interval '1 month');
END $$;
REVOKE ALL ON FUNCTION months.keep_up(text), months.make(regclass, regclass, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION months.keep_up(text) TO clock;
