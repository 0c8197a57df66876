-- The console's read model (ids, kinds and times alone), its accounts and their acts.

CREATE TABLE console.episodes (
    episode uuid PRIMARY KEY,
    child text NOT NULL,
    revision integer NOT NULL,
    state text NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL,
    reference text NOT NULL  -- ours, which people say
);
CREATE INDEX episodes_of_child ON console.episodes (child);
CREATE INDEX episodes_by_reference ON console.episodes (reference);
CREATE INDEX episodes_open ON console.episodes (opened_at) WHERE state NOT IN ('closed', 'retracted', 'merged');
GRANT SELECT, INSERT, UPDATE ON console.episodes TO console;

CREATE TABLE console.duties (
    duty uuid PRIMARY KEY,
    child text NOT NULL,
    episode uuid,
    revision integer NOT NULL,
    state text NOT NULL,
    waits boolean NOT NULL,
    late boolean NOT NULL,  -- somebody's time to answer has passed
    changed_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL
);
CREATE INDEX duties_of_episode ON console.duties (episode);
CREATE INDEX duties_of_child ON console.duties (child);
CREATE INDEX duties_unanswered ON console.duties (changed_at) WHERE waits;
GRANT SELECT, INSERT, UPDATE ON console.duties TO console;

-- The timeline, kept by month and for fourteen of them. The inbox knows which messages were heard: there is no key here.
CREATE TABLE console.entries (
    source text NOT NULL,
    message_id text NOT NULL,
    child text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL,
    identifies text  -- which child this one is; a column of its own, since behind a wall no index finds a field of `content`
) PARTITION BY RANGE (heard_at);
CREATE TABLE console.entries_outside PARTITION OF console.entries DEFAULT;
CREATE INDEX entries_of_child ON console.entries (child, at);
CREATE INDEX entries_of_shifts ON console.entries (at) WHERE kind IN ('shift.handed-over.v1', 'shift.accepted.v1');
CREATE INDEX entries_of_references ON console.entries (child)
    WHERE kind IN ('police.reference-given.v1', 'police.reference-texted.v1');
CREATE INDEX entries_identified ON console.entries (identifies) WHERE identifies IS NOT NULL;
GRANT SELECT, INSERT ON console.entries TO console;
INSERT INTO months.tables VALUES ('console.entries', 14);
SELECT months.keep_up('console.entries');

CREATE TABLE console.dead_letters (
    letter text PRIMARY KEY,
    service text NOT NULL,
    origin text NOT NULL,
    reason text NOT NULL,
    original_kind text,
    at timestamptz NOT NULL,
    redriven_at timestamptz,
    redriven_by text
);
CREATE INDEX dead_letters_newest ON console.dead_letters (at);
GRANT SELECT, INSERT, DELETE, UPDATE (redriven_at, redriven_by) ON console.dead_letters TO console;

-- A message that arrived shows that a number works; an answer shows that somebody is there.
CREATE TABLE console.contacts (
    person text PRIMARY KEY,
    reached_at timestamptz,
    failed_at timestamptz,
    failure text,
    answered_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON console.contacts TO console;

CREATE TABLE console.accounts (
    account text PRIMARY KEY,
    sign_in text NOT NULL UNIQUE,  -- what they type; of a provider's: the provider, and their id there
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('duty-manager', 'social-worker', 'operator', 'auditor', 'administrator', 'screen')),
    authorities text[] NOT NULL,  -- none: sees nothing; the word 'all': sees every one
    provider text,  -- the organisation that signs them in; null: a local account
    password_seal text,
    second_factor bytea,  -- the key of their authenticator, encrypted
    second_factor_used bigint NOT NULL DEFAULT 0,  -- each code counts once
    made_at timestamptz NOT NULL,
    disabled_at timestamptz,
    CHECK ((provider IS NULL) = (password_seal IS NOT NULL))
);
GRANT SELECT, INSERT, UPDATE ON console.accounts TO console;

CREATE TABLE console.sessions (
    token_hash bytea PRIMARY KEY,
    account text NOT NULL REFERENCES console.accounts,
    begun_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    proved_at timestamptz NOT NULL,  -- when they last showed who they are
    asked_at timestamptz,  -- when their organisation last said that they may come in
    provider_session text,
    for_command boolean NOT NULL DEFAULT false  -- a code that one command takes, and no page
);
CREATE INDEX sessions_of_account ON console.sessions (account);
GRANT SELECT, INSERT, UPDATE, DELETE ON console.sessions TO console;

-- Browsers in which somebody has signed in before: what others do to their name does not hold them back there.
CREATE TABLE console.known_devices (
    device_hash bytea NOT NULL,
    account text NOT NULL REFERENCES console.accounts,
    at timestamptz NOT NULL,
    PRIMARY KEY (device_hash, account)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON console.known_devices TO console;

CREATE TABLE console.failed_sign_ins (
    sign_in_hash bytea NOT NULL,
    place text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX failed_sign_ins_of_name ON console.failed_sign_ins (sign_in_hash, at);
GRANT SELECT, INSERT, DELETE ON console.failed_sign_ins TO console;

CREATE TABLE console.acts (
    act uuid PRIMARY KEY,
    account text NOT NULL REFERENCES console.accounts,
    what text NOT NULL,
    at timestamptz NOT NULL,
    child text  -- the child that it is about
);
CREATE INDEX acts_about_child ON console.acts (child, account);
GRANT SELECT, INSERT ON console.acts TO console;

-- How often a calendar's link was withdrawn, which its signature covers: the links from before open nothing. Of whom it is, see
-- ShiftQueries.
CREATE TABLE console.calendars (
    feed uuid PRIMARY KEY,
    withdrawn integer NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON console.calendars TO console;

-- An absence a row, for what an authority owes. What counts is a deed on record, never somebody's word that they have it.
-- One interview may be for several absences.
CREATE VIEW console.absences AS
SELECT e.episode, e.reference, e.child, e.content ->> 'authority' AS authority, e.opened_at AS started_at, x.ended_at,
       r.placement, CASE WHEN r.missing IS FALSE THEN 'A' ELSE 'M' END AS missing, d.checked_at, d.offered_at, d.held_at,
       d.declined_at, t.told
FROM console.episodes e
CROSS JOIN LATERAL (
    SELECT coalesce((e.content ->> 'returned_at')::timestamptz, CASE e.state WHEN 'closed' THEN e.changed_at END) AS ended_at
) x
CROSS JOIN LATERAL (
    SELECT bool_or(coalesce(content ->> 'status', 'missing') = 'missing') AS missing, min(content ->> 'placement') AS placement
    FROM console.entries
    WHERE child = e.child AND kind = 'child.reported-missing.v1' AND at >= e.opened_at
    AND at <= coalesce(x.ended_at, 'infinity')
) r
CROSS JOIN LATERAL (
    SELECT min(at) FILTER (WHERE kind = 'safe-and-well-check.recorded.v1') AS checked_at,
           min(at) FILTER (WHERE content ->> 'state' = 'offered') AS offered_at,
           min(at) FILTER (WHERE content ->> 'state' = 'completed') AS held_at,
           min(at) FILTER (WHERE content ->> 'state' = 'declined') AS declined_at
    FROM console.entries
    WHERE child = e.child AND at >= e.opened_at
    AND kind IN ('safe-and-well-check.recorded.v1', 'return-interview.recorded.v1')
    AND (content ->> 'episode' = e.episode::text OR content ->> 'covers' = 'all-absences' AND at >= x.ended_at OR (
        content ->> 'episode' IS NULL AND at < coalesce(
            (SELECT min(n.opened_at) FROM console.episodes n WHERE n.child = e.child AND n.opened_at > e.opened_at), 'infinity')))
) d
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(role, at) AS told
    FROM (
        SELECT step ->> 'role' AS role, min(step ->> 'told_at') AS at
        FROM console.duties d CROSS JOIN LATERAL jsonb_array_elements(d.content -> 'steps') AS steps (step)
        WHERE d.episode = e.episode AND step ->> 'state' IN ('accepted', 'delivered', 'acknowledged')
        GROUP BY step ->> 'role'
    ) first
) t
WHERE e.state NOT IN ('retracted', 'merged') AND NOT e.exercise;
GRANT SELECT ON console.absences TO console;
