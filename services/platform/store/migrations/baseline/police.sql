-- The episodes that forces were told of, and the lists of open ones that they send.

CREATE TABLE police.episodes (
    force text NOT NULL,
    episode uuid NOT NULL,
    child text NOT NULL,
    authority text NOT NULL,
    exercise boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('missing', 'located', 'returned', 'retracted', 'merged')),
    told_at timestamptz NOT NULL,
    closed_at timestamptz,
    gaps_chased boolean NOT NULL DEFAULT false,
    PRIMARY KEY (force, episode)
);
CREATE INDEX episodes_of_child ON police.episodes (child);
CREATE INDEX episodes_searched_for ON police.episodes (force) WHERE state IN ('missing', 'located');
GRANT SELECT, INSERT, UPDATE ON police.episodes TO police;

CREATE TABLE police.open_lists (
    force text PRIMARY KEY,
    as_of timestamptz NOT NULL,
    asked_after_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON police.open_lists TO police;

-- Codes by which an officer opens a notice's page. Of the browser and the code, hashes alone.
CREATE TABLE police.reading_codes (
    browser bytea PRIMARY KEY,
    delivery uuid NOT NULL,
    code bytea NOT NULL,
    officer text NOT NULL,
    sent_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    opened_at timestamptz
);
CREATE INDEX reading_codes_sent ON police.reading_codes (delivery, sent_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON police.reading_codes TO police;
