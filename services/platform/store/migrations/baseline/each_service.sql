-- Run once a service: a role and a schema of that name, with an inbox and an outbox in it.
-- The role owns nothing and cannot log in yet: each installation gives it LOGIN and a password.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service}') THEN
        CREATE ROLE {service};
    END IF;
END $$;
CREATE SCHEMA {service};
GRANT USAGE ON SCHEMA {service} TO {service};

CREATE TABLE {service}.inbox (
    source text NOT NULL,
    message_id text NOT NULL,
    content_hash bytea NOT NULL,
    done_at timestamptz NOT NULL,
    PRIMARY KEY (source, message_id)
);
-- A block range index: marks are only ever added at the end, and it costs the writers nothing.
CREATE INDEX inbox_by_age ON {service}.inbox USING brin (done_at);
GRANT SELECT, INSERT, DELETE ON {service}.inbox TO {service};

CREATE TABLE {service}.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    topic text NOT NULL,
    envelope bytea NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX outbox_by_key ON {service}.outbox (key, position);
GRANT SELECT, INSERT, DELETE ON {service}.outbox TO {service};

-- What Kafka has acknowledged, until it is safe. `log`, `partition`, `epoch` and `log_offset` are where it stood there.
CREATE TABLE {service}.published (
    position bigint NOT NULL,
    key text NOT NULL,
    topic text NOT NULL,
    envelope bytea NOT NULL,
    log text NOT NULL,  -- of the cluster and the topic: one that was made anew has another
    partition integer NOT NULL,
    epoch integer NOT NULL,
    log_offset bigint NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE INDEX published_by_age ON {service}.published USING brin (published_at);
GRANT SELECT, INSERT, DELETE ON {service}.published TO {service};
