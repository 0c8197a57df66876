-- Cases, and the protocols that they go by.

CREATE TABLE protocol.cases (
    child text PRIMARY KEY,
    version integer NOT NULL,
    state text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON protocol.cases TO protocol;

CREATE TABLE protocol.protocols (hash text PRIMARY KEY, merged text NOT NULL);
GRANT SELECT, INSERT ON protocol.protocols TO protocol;

-- Every edition of an authority's own rules that was taken up, and who adopted it. The newest of each is its last good one.
CREATE TABLE protocol.editions (
    whose text NOT NULL,
    number integer NOT NULL,
    hash text NOT NULL,
    files text NOT NULL,
    adopted_by text,
    effective_from date NOT NULL,
    taken_up_at timestamptz NOT NULL,
    PRIMARY KEY (whose, number)
);
GRANT SELECT, INSERT ON protocol.editions TO protocol;
