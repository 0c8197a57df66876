-- Cases, and the protocols that they go by.

CREATE TABLE protocol.cases (
    child text PRIMARY KEY,
    version integer NOT NULL,
    state text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON protocol.cases TO protocol;

CREATE TABLE protocol.protocols (hash text PRIMARY KEY, merged text NOT NULL);
GRANT SELECT, INSERT ON protocol.protocols TO protocol;
