-- Events that agencies sent, and children whom an authority has given away.

CREATE TABLE casework.accepted (
    source text NOT NULL,
    message_id text NOT NULL,
    content_hash bytea NOT NULL,
    child text NOT NULL,
    agency text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (source, message_id)
);
CREATE INDEX accepted_by_child ON casework.accepted (child);
GRANT SELECT, INSERT ON casework.accepted TO casework;

-- They are found under the reference of the authority that gave them away, and no import makes them anew.
CREATE TABLE casework.transferred (
    authority text NOT NULL,
    reference text NOT NULL,
    child text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (authority, reference)
);
CREATE INDEX transferred_by_child ON casework.transferred (child);
GRANT SELECT, INSERT, DELETE ON casework.transferred TO casework;
