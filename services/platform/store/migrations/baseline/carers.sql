-- Inbound texts, and what a conversation remembers.

CREATE TABLE carers.texts_in (
    message_sid text PRIMARY KEY,
    number_hash bytea NOT NULL,
    sender bytea NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    story_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    worked_at timestamptz,
    replied_at timestamptz,
    key_owner text,  -- NULL: the owner is named by the row's own hash
    content_hash bytea,  -- keyed: other words under the same id of Twilio's are no repeat
    texted text NOT NULL DEFAULT '',  -- our number that it came to
    flaw text CHECK (flaw IN ('not-utf-8', 'several-bodies', 'too-long', 'other-words')),
    about text[] NOT NULL DEFAULT '{}'  -- once it was read: children about whom it brought something about; of none, all whom its sender may mean
);
CREATE INDEX texts_in_unworked ON carers.texts_in (received_at, message_sid) WHERE worked_at IS NULL;
CREATE INDEX texts_in_of_number ON carers.texts_in (number_hash, received_at);
-- By which old rows are found (disposal/retention.yaml). A block range index costs the writers nothing.
CREATE INDEX texts_in_by_age ON carers.texts_in USING brin (received_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON carers.texts_in TO carers;

CREATE TABLE carers.questions (
    number_hash bytea PRIMARY KEY,
    about text NOT NULL CHECK (about IN ('report', 'return', 'information')),
    provisional text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX questions_by_age ON carers.questions USING brin (asked_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON carers.questions TO carers;

-- Reports without a name. Each is one authority's.
CREATE TABLE carers.provisionals (
    provisional text PRIMARY KEY,
    number_hash bytea NOT NULL,
    child text,
    reported_at timestamptz NOT NULL,
    ended_at timestamptz,
    authority text,
    placement text
);
CREATE INDEX provisionals_of_number ON carers.provisionals (number_hash) WHERE ended_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON carers.provisionals TO carers;

CREATE TABLE carers.standings (
    child text PRIMARY KEY,
    episode uuid,
    opened_at timestamptz,
    revision integer NOT NULL DEFAULT 0,
    state text,
    changed_at timestamptz,
    police text NOT NULL DEFAULT 'not-yet' CHECK (police IN ('not-yet', 'have-it', 'answered')),
    duty_answered boolean NOT NULL DEFAULT false,
    said text,
    said_at timestamptz,
    ends_on_word boolean NOT NULL DEFAULT false
);
GRANT SELECT, INSERT, UPDATE ON carers.standings TO carers;

-- Carers who have said that they are there, and who have practised.
CREATE TABLE carers.enrolments (
    person text PRIMARY KEY,
    number_hash bytea NOT NULL,
    joined_at timestamptz NOT NULL,
    authority text,
    practising text,
    practising_since timestamptz,
    practised_at timestamptz
);
CREATE INDEX enrolments_practising ON carers.enrolments (practising_since) WHERE practising IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON carers.enrolments TO carers;

-- Texts that would end a search, until they are confirmed by a code.
CREATE TABLE carers.claims (
    number_hash bytea NOT NULL,
    code text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('return', 'retraction', 'practice')),
    authority text NOT NULL,
    person text,
    episode uuid,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz,
    wrong_codes integer NOT NULL DEFAULT 0,
    PRIMARY KEY (number_hash, code, subject)
);
CREATE INDEX claims_of_number ON carers.claims (number_hash, claimed_at);
CREATE INDEX claims_of_subject ON carers.claims (subject) WHERE confirmed_at IS NULL AND ended_at IS NULL;
CREATE INDEX claims_by_age ON carers.claims USING brin (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON carers.claims TO carers;
