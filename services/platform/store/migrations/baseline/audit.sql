-- The audit's record: entries and anchors that its role may read, and may add by two functions. Nobody may change or remove them.
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
    PRIMARY KEY (chain, position)
);
CREATE INDEX entries_by_time ON audit.entries USING brin (recorded_at) WITH (pages_per_range = 16);
-- Without fastupdate: what lies in its list of pending entries is read through at each question, of which the reconciler asks many.
CREATE INDEX entries_answering ON audit.entries USING gin (answers) WITH (fastupdate = off) WHERE answers IS NOT NULL;
CREATE INDEX entries_of_episode ON audit.entries (episode) WHERE kind = 'episode.changed.v1';

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

CREATE TABLE audit.duties (
    duty uuid PRIMARY KEY,
    chain text NOT NULL,
    revision integer NOT NULL,
    goes_on boolean NOT NULL,
    next_step_at timestamptz
);
CREATE INDEX duties_by_next_step ON audit.duties (next_step_at) WHERE next_step_at IS NOT NULL;
GRANT SELECT ON audit.entries, audit.anchors, audit.heads, audit.duties TO audit;

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
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit ' || to_chain, 0));
    SELECT position, hash INTO place, before FROM entries WHERE chain = to_chain ORDER BY position DESC LIMIT 1;
    place := coalesce(place, 0) + 1;
    before := coalesce(before, decode(repeat('00', 32), 'hex'));
    INSERT INTO entries VALUES (
        to_chain, place, at, of_kind, happened, of_episode,
        CASE WHEN expecting IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(expecting)) END,
        CASE WHEN answering IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(answering)) END,
        bytes, before,
        sha256(convert_to(
            'safe-return audit entry 1' || chr(10) || to_chain || chr(10) || place || chr(10) || moment(at) || chr(10)
            || encode(before, 'hex') || chr(10) || encode(sha256(bytes), 'hex') || chr(10), 'UTF8'))
    );
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
    CROSS JOIN LATERAL (
        SELECT position, hash FROM entries WHERE chain = grown.chain ORDER BY position DESC LIMIT 1
    ) AS head
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
