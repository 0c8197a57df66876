-- The audit's record: entries and anchors that its role may read, and may add by two functions. Nobody may change or remove them;
-- one more function removes self-tests whose time is over.
-- How the hashes are reckoned is in `services.audit.policy.chain`: PostgreSQL reckons them here, and the verification there.

CREATE TABLE audit.entries (
    chain text COLLATE "C" NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    recorded_at timestamptz NOT NULL,
    kind text NOT NULL,
    happened_at timestamptz NOT NULL,
    episode uuid,
    expects text[],
    answers text[],
    envelope bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (chain, position, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE audit.entries_outside PARTITION OF audit.entries DEFAULT;
CREATE INDEX entries_by_time ON audit.entries USING brin (recorded_at) WITH (pages_per_range = 16);
-- Without fastupdate: what lies in its list of pending entries is read through at each question, of which the reconciler asks many.
CREATE INDEX entries_answering ON audit.entries USING gin (answers) WITH (fastupdate = off) WHERE answers IS NOT NULL;
CREATE INDEX entries_of_episode ON audit.entries (episode) WHERE kind = 'episode.changed.v1';

INSERT INTO months.tables VALUES ('audit.entries', NULL);
SELECT months.keep_up('audit.entries');

-- Each chain's last entry: found at once, in however many months the chain's entries lie.
CREATE TABLE audit.tips (
    chain text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX tips_of_exercises ON audit.tips (chain) WHERE chain LIKE '%/exercise/%';

CREATE TABLE audit.anchors (
    number bigint PRIMARY KEY CHECK (number > 0),
    made_at timestamptz NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE audit.heads (
    chain text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    anchor bigint NOT NULL,
    PRIMARY KEY (chain, position)
);
CREATE INDEX heads_of_anchor ON audit.heads (anchor);

-- What is left of a chain that was removed: an exercise's, or that of an authority that left. Its heads are left too, so that
-- the anchors can be reckoned again.
CREATE TABLE audit.removed (
    chain text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    removed_at timestamptz NOT NULL,
    authority text,  -- that left
    heads text  -- the digest of all that went with it; the authority's own chain names it
);

CREATE TABLE audit.duties (
    duty uuid PRIMARY KEY,
    chain text NOT NULL,
    revision integer NOT NULL,
    goes_on boolean NOT NULL,
    next_step_at timestamptz
);
CREATE INDEX duties_by_next_step ON audit.duties (next_step_at) WHERE next_step_at IS NOT NULL;
GRANT SELECT ON audit.entries, audit.tips, audit.anchors, audit.heads, audit.removed, audit.duties TO audit;

CREATE FUNCTION audit.moment(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
REVOKE ALL ON FUNCTION audit.moment(timestamptz) FROM PUBLIC;

-- Two transactions that add to one chain wait for each other. The head is read after the lock is held: each statement of a
-- plpgsql function sees everything that was committed before it began.
CREATE FUNCTION audit.append(
    to_chain text, at timestamptz, of_kind text, happened timestamptz, of_episode uuid,
    expecting jsonb, answering jsonb, bytes bytea, changed_duties jsonb
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
DECLARE
    before bytea;
    place bigint;
    hashed bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit ' || to_chain, 0));
    SELECT position, hash INTO place, before FROM tips WHERE chain = to_chain;
    place := coalesce(place, 0) + 1;
    before := coalesce(before, decode(repeat('00', 32), 'hex'));
    hashed := sha256(convert_to(
        'safe-return audit entry 1' || chr(10) || to_chain || chr(10) || place || chr(10) || moment(at) || chr(10)
        || encode(before, 'hex') || chr(10) || encode(sha256(bytes), 'hex') || chr(10), 'UTF8'));
    INSERT INTO entries VALUES (
        to_chain, place, at, of_kind, happened, of_episode,
        CASE WHEN expecting IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(expecting)) END,
        CASE WHEN answering IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(answering)) END,
        bytes, before, hashed
    );
    INSERT INTO tips VALUES (to_chain, place, hashed)
    ON CONFLICT (chain) DO UPDATE SET position = excluded.position, hash = excluded.hash;
    IF changed_duties IS NOT NULL THEN
        INSERT INTO duties AS known
        SELECT DISTINCT ON (duty) duty, to_chain, revision, goes_on, next_step_at
        FROM jsonb_to_recordset(changed_duties)
            AS given (duty uuid, revision integer, goes_on boolean, next_step_at timestamptz)
        ORDER BY duty, revision DESC
        ON CONFLICT (duty) DO UPDATE SET
            revision = excluded.revision, goes_on = excluded.goes_on, next_step_at = excluded.next_step_at
        WHERE known.revision < excluded.revision;
    END IF;
    RETURN place;
END $$;
REVOKE ALL ON FUNCTION audit.append(
    text, timestamptz, text, timestamptz, uuid, jsonb, jsonb, bytea, jsonb
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append(
    text, timestamptz, text, timestamptz, uuid, jsonb, jsonb, bytea, jsonb
) TO audit;

-- Looks back over ten minutes before the last anchor: a transaction that was open then has ended long since.
CREATE FUNCTION audit.anchor(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
DECLARE
    last anchors;
    place bigint;
    lines text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit anchors', 0));
    SELECT * INTO last FROM anchors ORDER BY number DESC LIMIT 1;
    place := coalesce(last.number, 0) + 1;
    INSERT INTO heads
    SELECT grown.chain, head.position, head.hash, place
    FROM (
        SELECT DISTINCT chain FROM entries
        WHERE recorded_at >= coalesce(last.made_at - interval '10 minutes', '-infinity')
    ) AS grown
    JOIN tips AS head ON head.chain = grown.chain
    WHERE NOT EXISTS (SELECT FROM heads AS known WHERE known.chain = grown.chain AND known.position >= head.position);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(chain || ' ' || position || ' ' || encode(hash, 'hex') || chr(10), '' ORDER BY chain) INTO lines
    FROM heads WHERE anchor = place;
    last.hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    INSERT INTO anchors VALUES (
        place, at, last.hash,
        sha256(convert_to(
            'safe-return audit anchor 1' || chr(10) || place || chr(10) || moment(at) || chr(10)
            || encode(last.hash, 'hex') || chr(10) || lines, 'UTF8'))
    );
    RETURN place;
END $$;
REVOKE ALL ON FUNCTION audit.anchor(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.anchor(timestamptz) TO audit;

-- Removes whole chains that are a day's exercises of an exercise authority, ninety days after that day, and nothing else: it
-- looks at what each entry says, not at the chain's name alone. A chain that does not stand as its last head says stays.
CREATE FUNCTION audit.remove_old_exercises() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    old tips;
    day text;
    gone integer := 0;
BEGIN
    FOR old IN
        SELECT tips.* FROM tips
        WHERE chain LIKE '%/exercise/%' AND chain ~ '^[^/]+/exercise/[0-9]{4}-[0-9]{2}-[0-9]{2}$'
        AND right(chain, 10) < to_char(now() - interval '90 days', 'YYYY-MM-DD')
        AND EXISTS (
            SELECT FROM heads WHERE heads.chain = tips.chain AND heads.position = tips.position AND heads.hash = tips.hash)
        ORDER BY right(chain, 10)
    LOOP
        EXIT WHEN gone = 10;
        day := right(old.chain, 10);
        CONTINUE WHEN EXISTS (
            SELECT FROM entries, LATERAL (SELECT convert_from(envelope, 'UTF8')::jsonb) AS said (content)
            WHERE chain = old.chain AND NOT coalesce(
                to_char(recorded_at, 'YYYY-MM-DD') = day
                AND content -> 'exercise' = 'true'
                AND content #>> '{data,authority}' ~ '^exercise(-[a-z0-9]+)*$', false));
        DELETE FROM entries WHERE chain = old.chain;
        DELETE FROM duties WHERE chain = old.chain;
        DELETE FROM tips WHERE chain = old.chain;
        INSERT INTO removed VALUES (old.chain, old.position, old.hash, now());
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION audit.remove_old_exercises() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.remove_old_exercises() TO audit;
