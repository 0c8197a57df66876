-- Strategy discussions, who is invited to each, and each one's record.

CREATE TABLE strategy.discussions (
    discussion uuid PRIMARY KEY,
    episode uuid NOT NULL,
    number integer NOT NULL,
    child text NOT NULL,
    authority text NOT NULL,
    sequence integer NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'cancelled', 'held')),
    starts_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    trace text,
    warned_at timestamptz,
    record_asked_at timestamptz,
    form text NOT NULL CHECK (form IN ('urgent', 'full')),
    ends_at timestamptz NOT NULL,
    warns_at timestamptz NOT NULL,
    unless text[] NOT NULL,  -- what calls it off
    answers_within interval NOT NULL,  -- after it was moved: how long people have to say again that they come
    answers_due_at timestamptz,
    UNIQUE (episode, number)
);
CREATE INDEX discussions_of_child ON strategy.discussions (child);
CREATE INDEX discussions_to_begin ON strategy.discussions (warns_at) WHERE state = 'planned' AND warned_at IS NULL;
CREATE INDEX discussions_to_record ON strategy.discussions (ends_at)
    WHERE state = 'planned' AND record_asked_at IS NULL;
CREATE INDEX discussions_asked_again ON strategy.discussions (answers_due_at)
    WHERE state = 'planned' AND answers_due_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON strategy.discussions TO strategy;

CREATE TABLE strategy.attendees (
    duty uuid NOT NULL,
    step integer NOT NULL,
    discussion uuid NOT NULL REFERENCES strategy.discussions,
    role text NOT NULL,
    delivery uuid NOT NULL,
    person text,
    address_hash bytea,
    reply text NOT NULL CHECK (reply IN ('waiting', 'accepted', 'tentative', 'declined', 'counter')),
    replied_at timestamptz,
    PRIMARY KEY (duty, step)
);
CREATE INDEX attendees_of_discussion ON strategy.attendees (discussion);
GRANT SELECT, INSERT, UPDATE ON strategy.attendees TO strategy;

CREATE TABLE strategy.recorders (
    duty uuid NOT NULL,
    step integer NOT NULL,
    discussion uuid NOT NULL REFERENCES strategy.discussions,
    PRIMARY KEY (duty, step)
);
GRANT SELECT, INSERT ON strategy.recorders TO strategy;

CREATE TABLE strategy.records (
    discussion uuid PRIMARY KEY REFERENCES strategy.discussions,
    content jsonb NOT NULL,
    words text[] NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX records_by_words ON strategy.records USING gin (words) WITH (fastupdate = off);
GRANT SELECT, INSERT, UPDATE (content, words) ON strategy.records TO strategy;
