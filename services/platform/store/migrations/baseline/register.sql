-- The register, which casework owns: children, people, placements, the directory, words.
-- Others read it through the views of register_views.sql, one a purpose.

CREATE SCHEMA register;
GRANT USAGE ON SCHEMA register TO casework, carers, protocol, police, strategy, professionals, console;

-- A key an authority, wrapped by a key that is not in this database. Whoever deletes one makes all that it seals unreadable.
CREATE TABLE register.authority_keys (
    authority text PRIMARY KEY,  -- or * : of no authority
    wrapped bytea NOT NULL
);
CREATE TABLE register.sealed_keys (
    owner text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authority_keys ON DELETE CASCADE,
    sealed bytea NOT NULL
);
-- A data key together with the key that opens it, so that no reader keeps a key that was destroyed.
CREATE VIEW register.data_keys AS
SELECT s.owner, k.wrapped || s.sealed AS wrapped
FROM register.sealed_keys s JOIN register.authority_keys k ON k.authority = s.authority;
GRANT SELECT ON register.data_keys, register.authority_keys TO casework, carers, police, strategy, professionals, console;
GRANT INSERT ON register.authority_keys, register.sealed_keys TO casework, carers, police, strategy, professionals, console;
GRANT SELECT, DELETE, UPDATE (authority, sealed) ON register.sealed_keys TO casework;
GRANT DELETE, UPDATE (wrapped) ON register.authority_keys TO casework;

CREATE TABLE register.authorities (
    id text PRIMARY KEY,
    name text NOT NULL,
    duty_line text,
    bridge text,  -- by which its discussions are joined
    retention jsonb NOT NULL DEFAULT '{}',  -- records that it keeps for another time than disposal/retention.yaml says
    live boolean NOT NULL DEFAULT true,  -- until then no real report of its is taken: it was entered at the console
    -- Its own numbers at Twilio and at GOV.UK Notify, and how Notify knows the latter. Entered at the console alone.
    text_number text UNIQUE CHECK (text_number ~ '^\+[0-9]{7,15}$'),
    notify_number text UNIQUE CHECK (notify_number ~ '^\+[0-9]{7,15}$'),
    notify_sender uuid,
    CHECK ((notify_number IS NULL) = (notify_sender IS NULL))
);
GRANT SELECT (id, name, duty_line, live, text_number, notify_number, notify_sender), INSERT (id, name, live),
    UPDATE (live, text_number, notify_number, notify_sender) ON register.authorities TO console;

-- A force owns its row. How it is reached lies in versions: proposed, tried, approved by a second person, in force from a time (wall
-- time). None is ever changed or removed; where one is taken back, the one before it is in force again.
CREATE TABLE register.forces (
    id text PRIMARY KEY
);
CREATE TABLE register.force_versions (
    id uuid PRIMARY KEY,
    force text NOT NULL REFERENCES register.forces,
    name text NOT NULL,
    notice_url text,
    notice_email text,
    polls boolean NOT NULL,
    secrets bytea NOT NULL,
    reply_secrets bytea NOT NULL,
    client_certificate bytea,
    oauth bytea,  -- whose tokens it wants, and what we are known by there
    callback text,
    private_ca text,
    sends_open_list boolean NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,  -- nobody's where it is the force's first
    effective_at timestamptz,
    asked_back_by text,  -- of one that was approved: a second person takes it back
    taken_back_by text,
    taken_back_at timestamptz,
    reason text,  -- why it was taken back
    changes text[],  -- what the second person was shown, a line a field
    CHECK (notice_url IS NOT NULL OR notice_email IS NOT NULL OR polls),
    CHECK (approved_by <> proposed_by)
);
CREATE INDEX force_versions_of_force ON register.force_versions (force);

-- What an authority has agreed to send a force, and on which basis. No field named: the whole notice.
CREATE TABLE register.sharing_agreements (
    authority text NOT NULL REFERENCES register.authorities,
    reference text NOT NULL,
    force text NOT NULL REFERENCES register.forces,
    fields text[] NOT NULL,
    basis text,
    from_on date NOT NULL,
    until_on date,
    PRIMARY KEY (authority, reference)
);
CREATE INDEX sharing_agreements_with ON register.sharing_agreements (authority, force);

CREATE TABLE register.placements (
    id text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    reference text NOT NULL,
    kind text NOT NULL,
    address bytea,
    force text NOT NULL REFERENCES register.forces,
    host_authority text,
    as_of timestamptz,  -- when an import last brought the row, story time
    UNIQUE (authority, reference)
);

CREATE TABLE register.people (
    id text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    reference text NOT NULL,
    name bytea NOT NULL,
    mobile bytea,
    number_hash bytea,
    email bytea,
    language text NOT NULL,
    as_of timestamptz,
    UNIQUE (authority, reference)
);
CREATE INDEX people_by_number ON register.people (number_hash);

CREATE TABLE register.placement_carers (
    placement text NOT NULL REFERENCES register.placements,
    person text NOT NULL REFERENCES register.people,
    from_at timestamptz NOT NULL,
    to_at timestamptz,
    as_of timestamptz NOT NULL,
    PRIMARY KEY (placement, person, from_at)
);
CREATE INDEX placement_carers_by_person ON register.placement_carers (person);
CREATE UNIQUE INDEX placement_carers_once_now ON register.placement_carers (placement, person) WHERE to_at IS NULL;

CREATE TABLE register.children (
    id text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    reference text NOT NULL,
    code text NOT NULL,
    name bytea,
    known_as bytea,
    sex bytea,
    language bytea,
    description bytea,
    date_of_birth bytea,
    adult_on date,  -- the 18th birthday, for rules, which have no key
    placement text REFERENCES register.placements,
    unaccompanied boolean,
    modern_slavery_concern boolean,
    subject_to_immigration_control boolean,
    age_disputed boolean,
    guardian_allocated boolean,
    entered_care_at timestamptz,
    profile bytea,
    as_of timestamptz,
    UNIQUE (authority, reference),
    UNIQUE (authority, code)
);
CREATE INDEX children_by_placement ON register.children (placement);

CREATE TABLE register.photographs (
    child text NOT NULL REFERENCES register.children ON DELETE CASCADE,
    picture bytea NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png')),
    taken_on date,
    stored_at timestamptz NOT NULL,
    removed_at timestamptz  -- of one that a hold keeps: nobody is shown it
);
CREATE UNIQUE INDEX photographs_shown ON register.photographs (child) WHERE removed_at IS NULL;
CREATE INDEX photographs_of_child ON register.photographs (child);
CREATE INDEX photographs_removed ON register.photographs (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE register.directory (
    authority text NOT NULL REFERENCES register.authorities,
    role text NOT NULL,
    person text NOT NULL REFERENCES register.people,
    child text REFERENCES register.children,
    turn integer NOT NULL,
    days text NOT NULL,
    starts time NOT NULL,
    ends time NOT NULL,
    bank_holidays boolean NOT NULL
);
CREATE INDEX directory_by_role ON register.directory (authority, role);
CREATE INDEX directory_by_person ON register.directory (person);

-- Changes of the rota for a time, made at the console: who stands in for whom, is away (from every role where none is
-- named), or is on duty beside the weekly lines. An import leaves them.
CREATE TABLE register.rota_changes (
    id uuid PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    person text NOT NULL REFERENCES register.people,
    role text,
    in_place_of text REFERENCES register.people,
    away boolean NOT NULL,
    calendar boolean NOT NULL DEFAULT false,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CHECK (from_at <= to_at),
    CHECK (role IS NOT NULL OR away)
);
CREATE INDEX rota_changes_to_come ON register.rota_changes (authority, to_at);
GRANT SELECT, INSERT, UPDATE (to_at) ON register.rota_changes TO console;

-- Which number or address of a person was put right by hand. An import keeps it until its source agrees.
CREATE TABLE register.corrections (
    person text NOT NULL REFERENCES register.people,
    field text NOT NULL CHECK (field IN ('mobile', 'email')),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (person, field)
);
GRANT SELECT, INSERT, UPDATE (made_by, made_at) ON register.corrections TO console;
GRANT SELECT, DELETE ON register.corrections TO casework;
GRANT SELECT (id, authority, reference, number_hash), UPDATE (mobile, number_hash, email) ON register.people TO console;

-- An agency owns its row, and says for which authority each of its sources speaks; what it may say is that authority's agreement.
CREATE TABLE register.agencies (
    id text PRIMARY KEY,
    secrets bytea NOT NULL
);
-- Changes that wait for a second person, and those that were decided.
CREATE TABLE register.agency_changes (
    id uuid PRIMARY KEY,
    agency text NOT NULL REFERENCES register.agencies,
    secrets bytea,  -- while it waits
    sources jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    effective_at timestamptz,
    taken_back_by text,
    taken_back_at timestamptz,
    reason text,
    changes text[],
    CHECK (approved_by <> proposed_by)
);
GRANT SELECT, INSERT, UPDATE ON register.agency_changes TO casework;
CREATE TABLE register.agency_sources (
    source text PRIMARY KEY,
    agency text NOT NULL REFERENCES register.agencies ON DELETE CASCADE,
    authority text NOT NULL
);
CREATE TABLE register.agency_agreements (
    authority text NOT NULL REFERENCES register.authorities,
    agency text NOT NULL REFERENCES register.agencies,
    types text[] NOT NULL,
    verifies boolean NOT NULL,
    PRIMARY KEY (authority, agency)
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON register.authorities, register.placements, register.people, register.placement_carers, register.children,
       register.photographs, register.directory, register.sharing_agreements, register.agencies, register.agency_sources,
       register.agency_agreements
    TO casework;
GRANT SELECT, INSERT ON register.forces, register.force_versions TO casework;
GRANT UPDATE (approved_by, effective_at, asked_back_by, taken_back_by, taken_back_at, reason, changes) ON register.force_versions TO casework;

CREATE TABLE register.words (
    id text PRIMARY KEY,
    about text NOT NULL,
    words bytea NOT NULL,
    said_by text,
    at timestamptz NOT NULL,
    answers text  -- a control room's question
);
CREATE INDEX words_about ON register.words (about, at);
GRANT INSERT ON register.words TO casework, carers, police, strategy, professionals, console;

-- By which the words are found in which police gave a reference.
CREATE TABLE register.reference_hashes (
    words text NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (words, hash)
);
CREATE INDEX reference_hashes_by_hash ON register.reference_hashes (hash);
GRANT INSERT ON register.reference_hashes TO carers, police, professionals, console;
GRANT SELECT, INSERT, DELETE ON register.reference_hashes TO casework;
