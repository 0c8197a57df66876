-- The episodes that forces were told of, the lists of open ones that they send, and the notices that they come for.

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

-- What a force that polls has been offered, in the order of its cursor. Having come for more, it has confirmed what lies before.
CREATE TABLE police.offered (
    delivery uuid PRIMARY KEY REFERENCES delivery.deliveries ON DELETE CASCADE,
    force text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    offered_at timestamptz NOT NULL,
    confirmed_at timestamptz
);
CREATE UNIQUE INDEX offered_to ON police.offered (force, position);
GRANT SELECT, INSERT, UPDATE (confirmed_at) ON police.offered TO police;
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
