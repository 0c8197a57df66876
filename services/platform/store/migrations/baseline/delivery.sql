-- Deliveries, their attempts, withdrawals, and the codes that people text back.
-- Row-level security: a service sees its own rows.

CREATE SCHEMA delivery;
GRANT USAGE ON SCHEMA delivery TO carers, police, strategy, professionals;

CREATE TABLE delivery.deliveries (
    id uuid PRIMARY KEY,
    service text NOT NULL,
    lane text NOT NULL,
    state text NOT NULL CHECK (state IN
        ('waiting', 'sending', 'unknown', 'accepted', 'delivered', 'acknowledged', 'failed', 'withdrawn')),
    kind text,
    duty uuid,
    step integer,
    revision integer,
    telling jsonb,
    child text NOT NULL,
    authority text,
    episode uuid,
    role text,
    person text,
    urgent boolean NOT NULL,
    exercise boolean NOT NULL,
    trace text,
    code text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    lease_owner text,
    lease_until timestamptz,
    key_owner text NOT NULL,
    recipient bytea,
    body bytea,
    number_hash bytea,
    provider_id text,
    withdrawn_at timestamptz,
    changed_at timestamptz NOT NULL,
    by_voice boolean NOT NULL DEFAULT false,
    -- Names of the register's fields that were read to prepare it, with blanks between, until they are on the record.
    looked_up text,
    texted text  -- our number, which the text came to that this answers
);
CREATE INDEX deliveries_due ON delivery.deliveries (service, next_attempt_at)
    WHERE state IN ('waiting', 'sending', 'unknown');
CREATE INDEX deliveries_by_lane ON delivery.deliveries (service, lane) WHERE state IN ('waiting', 'sending', 'unknown');
CREATE INDEX deliveries_by_duty ON delivery.deliveries (duty, step) WHERE duty IS NOT NULL;
CREATE INDEX deliveries_by_code ON delivery.deliveries (code, number_hash) WHERE number_hash IS NOT NULL;
CREATE INDEX deliveries_of_person ON delivery.deliveries (person) WHERE kind = 'professional.notify.v1'
    AND state IN ('sending', 'unknown', 'accepted', 'delivered');
CREATE INDEX deliveries_failed ON delivery.deliveries (service, changed_at) WHERE state = 'failed';
CREATE INDEX deliveries_taken_by_text ON delivery.deliveries (service, changed_at)
    WHERE state = 'accepted' AND lane = 'texts' AND NOT by_voice;
-- Readings of the register that no attempt will put on the record any more.
CREATE INDEX deliveries_unrecorded ON delivery.deliveries (service)
    WHERE looked_up IS NOT NULL AND state NOT IN ('waiting', 'sending', 'unknown');
-- A block range index: rows are only ever added at its end, and a change of a row costs it nothing.
CREATE INDEX deliveries_newest ON delivery.deliveries USING brin (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.deliveries TO carers, police, strategy, professionals;

CREATE TABLE delivery.attempts (
    delivery uuid NOT NULL REFERENCES delivery.deliveries ON DELETE CASCADE,
    attempt integer NOT NULL,
    service text NOT NULL,
    medium text NOT NULL,
    started_at timestamptz NOT NULL,
    took_ms integer NOT NULL,
    result text NOT NULL,
    status integer,
    body_hash bytea NOT NULL,
    PRIMARY KEY (delivery, attempt)
);
GRANT SELECT, INSERT ON delivery.attempts TO carers, police, strategy, professionals;

CREATE TABLE delivery.withdrawals (
    service text NOT NULL,
    duty uuid NOT NULL,
    step integer NOT NULL,
    revision integer NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (service, duty, step)
);
CREATE INDEX withdrawals_by_time ON delivery.withdrawals (service, at);
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.withdrawals TO carers, police, strategy, professionals;

-- A role's name compares by the collation "C", and the tables' indexes by the default one. Without the COLLATE no index
-- would be used, and each service's sweep would read past the rows of the others.
ALTER TABLE delivery.deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON delivery.deliveries
    USING (service = (current_user::text COLLATE "default"))
    WITH CHECK (service = (current_user::text COLLATE "default"));
ALTER TABLE delivery.attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON delivery.attempts
    USING (service = (current_user::text COLLATE "default"))
    WITH CHECK (service = (current_user::text COLLATE "default"));
ALTER TABLE delivery.withdrawals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON delivery.withdrawals
    USING (service = (current_user::text COLLATE "default"))
    WITH CHECK (service = (current_user::text COLLATE "default"));

CREATE VIEW delivery.codes AS
SELECT id AS delivery, code, number_hash, service, duty, step, child, authority, episode, role, person, exercise, trace,
       created_at
FROM delivery.deliveries
WHERE duty IS NOT NULL AND number_hash IS NOT NULL;
GRANT SELECT ON delivery.codes TO carers;

-- Texts to ourselves, a row a way. Since when the way has brought none back: the first since the last that came.
CREATE TABLE delivery.text_ways (
    way text PRIMARY KEY CHECK (way IN ('twilio', 'notify')),
    probe text NOT NULL,
    sent_at timestamptz NOT NULL,
    waiting_since timestamptz,
    came_back_at timestamptz
);
GRANT SELECT ON delivery.text_ways TO carers, police, professionals;
GRANT INSERT, UPDATE ON delivery.text_ways TO carers;

-- What professionals were told and have not answered, by text or mail.
CREATE VIEW delivery.unanswered AS
SELECT person, duty, step, child, authority, episode, exercise, code, created_at, telling ->> 'wording' AS wording,
       telling ->> 'deed' AS deed
FROM delivery.deliveries
WHERE kind = 'professional.notify.v1' AND state IN ('sending', 'unknown', 'accepted', 'delivered') AND withdrawn_at IS NULL;
GRANT SELECT ON delivery.unanswered TO carers;
