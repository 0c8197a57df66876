-- Deadlines: the protocol, the console and professionals write and cancel them, the clock fires them; the console shows them.

CREATE SCHEMA deadlines;
GRANT USAGE ON SCHEMA deadlines TO protocol, clock, console, professionals;

CREATE TABLE deadlines.due (
    deadline uuid PRIMARY KEY,
    version integer NOT NULL,
    child text NOT NULL,
    due_at timestamptz NOT NULL,
    envelope bytea NOT NULL,
    fired_at timestamptz,
    cancelled_at timestamptz
);
CREATE INDEX due_next ON deadlines.due (due_at) WHERE fired_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX due_of_child ON deadlines.due (child) WHERE fired_at IS NULL AND cancelled_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON deadlines.due TO protocol;
CREATE INDEX due_by_age ON deadlines.due USING brin (due_at);
GRANT SELECT, DELETE, UPDATE (fired_at) ON deadlines.due TO clock;
-- The console and the page behind a link hold what somebody recorded for a minute, in which it can be undone.
GRANT SELECT, INSERT, UPDATE ON deadlines.due TO console, professionals;
