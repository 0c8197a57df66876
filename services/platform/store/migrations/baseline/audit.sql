-- The audit's record: entries and anchors that its role may read, and may add by two functions. Nobody may change or remove them.
-- How the hashes are reckoned is in `services.audit.policy.chain`: PostgreSQL reckons them here, and the verification there.

CREATE TABLE audit.entries (
    chain text COLLATE "C" NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    recorded_at timestamptz NOT NULL,
    kind text NOT NULL,
    happened_at timestamptz NOT NULL,
    episode uuid,
    expects text,
    answers text,
    envelope bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (chain, position, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE audit.entries_outside PARTITION OF audit.entries DEFAULT;
CREATE INDEX entries_by_time ON audit.entries USING brin (recorded_at) WITH (pages_per_range = 16);
CREATE INDEX entries_answering ON audit.entries (chain, answers) WHERE answers IS NOT NULL;
CREATE INDEX entries_of_episode ON audit.entries (episode) WHERE kind = 'episode.changed.v1';

INSERT INTO months.tables VALUES ('audit.entries', NULL);
SELECT months.keep_up('audit.entries');

-- Each chain's last entry: found at once, in however many months the chain's entries lie.
CREATE TABLE audit.tips (
    chain text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);

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
GRANT SELECT ON audit.entries, audit.tips, audit.anchors, audit.heads, audit.duties TO audit;

CREATE FUNCTION audit.moment(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
REVOKE ALL ON FUNCTION audit.moment(timestamptz) FROM PUBLIC;

-- Two transactions that add to one chain wait for each other. The head is read after the lock is held: each statement of a
-- plpgsql function sees everything that was committed before it began.
CREATE FUNCTION audit.append(
    to_chain text, at timestamptz, of_kind text, happened timestamptz, of_episode uuid,
    expecting text, answering text, bytes bytea,
    of_duty uuid, duty_revision integer, duty_goes_on boolean, duty_next_step_at timestamptz
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
        to_chain, place, at, of_kind, happened, of_episode, expecting, answering, bytes, before, hashed
    );
    INSERT INTO tips VALUES (to_chain, place, hashed)
    ON CONFLICT (chain) DO UPDATE SET position = excluded.position, hash = excluded.hash;
    IF of_duty IS NOT NULL THEN
        INSERT INTO duties AS known VALUES (of_duty, to_chain, duty_revision, duty_goes_on, duty_next_step_at)
        ON CONFLICT (duty) DO UPDATE SET
            revision = excluded.revision, goes_on = excluded.goes_on, next_step_at = excluded.next_step_at
        WHERE known.revision < excluded.revision;
    END IF;
    RETURN place;
END $$;
REVOKE ALL ON FUNCTION audit.append(
    text, timestamptz, text, timestamptz, uuid, text, text, bytea, uuid, integer, boolean, timestamptz
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append(
    text, timestamptz, text, timestamptz, uuid, text, text, bytea, uuid, integer, boolean, timestamptz
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
