"""What casework owns and others may see: children, people, placements, directory, words; a view a purpose."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0002_register"
down_revision = "0001_floors"

TABLES = """
CREATE TABLE register.data_keys (
    owner text PRIMARY KEY,
    wrapped bytea NOT NULL
);
CREATE TABLE register.authorities (
    id text PRIMARY KEY,
    name text NOT NULL,
    duty_line text
);
CREATE TABLE register.forces (
    id text PRIMARY KEY,
    name text NOT NULL,
    notice_url text NOT NULL,
    secrets bytea NOT NULL,
    reply_secrets bytea NOT NULL,
    callback text
);
CREATE TABLE register.placements (
    id text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    reference text NOT NULL,
    kind text NOT NULL,
    address bytea,
    force text NOT NULL REFERENCES register.forces,
    host_authority text,
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
    UNIQUE (authority, reference)
);
CREATE INDEX people_by_number ON register.people (number_hash);
CREATE TABLE register.placement_carers (
    placement text NOT NULL REFERENCES register.placements,
    person text NOT NULL REFERENCES register.people,
    from_at timestamptz NOT NULL,
    to_at timestamptz,
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
    date_of_birth date,
    placement text REFERENCES register.placements,
    unaccompanied boolean,
    modern_slavery_concern boolean,
    subject_to_immigration_control boolean,
    age_disputed boolean,
    guardian_allocated boolean,
    entered_care_at timestamptz,
    UNIQUE (authority, reference),
    UNIQUE (authority, code)
);
CREATE INDEX children_by_placement ON register.children (placement);
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
CREATE TABLE register.agencies (
    id text PRIMARY KEY,
    authority text NOT NULL REFERENCES register.authorities,
    secrets bytea NOT NULL,
    types text[] NOT NULL,
    verifies boolean NOT NULL
);
CREATE TABLE register.agency_sources (
    source text PRIMARY KEY,
    agency text NOT NULL REFERENCES register.agencies ON DELETE CASCADE
);
CREATE TABLE register.words (
    id text PRIMARY KEY,
    about text NOT NULL,
    words bytea NOT NULL,
    said_by text,
    at timestamptz NOT NULL
);
CREATE INDEX words_about ON register.words (about, at);
CREATE TABLE casework.accepted (
    source text NOT NULL,
    message_id text NOT NULL,
    content_hash bytea NOT NULL,
    child text NOT NULL,
    agency text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (source, message_id)
);
CREATE INDEX accepted_by_child ON casework.accepted (child)
"""

VIEWS = {
    "placements_for_police": """
        SELECT pl.id AS placement, pl.authority, pl.kind, pl.address, k.wrapped AS placement_key, pl.force,
               pl.host_authority, a.name AS authority_name, a.duty_line, c.people AS carers, c.names AS carer_names,
               c.mobiles AS carer_mobiles, c.keys AS carer_keys
        FROM register.placements pl
        JOIN register.authorities a ON a.id = pl.authority
        LEFT JOIN register.data_keys k ON k.owner = pl.id
        LEFT JOIN LATERAL (
            SELECT array_agg(p.id ORDER BY pc.from_at, p.id) AS people, array_agg(p.name ORDER BY pc.from_at, p.id) AS names,
                   array_agg(p.mobile ORDER BY pc.from_at, p.id) AS mobiles,
                   array_agg(pk.wrapped ORDER BY pc.from_at, p.id) AS keys
            FROM register.placement_carers pc
            JOIN register.people p ON p.id = pc.person
            JOIN register.data_keys pk ON pk.owner = p.id
            WHERE pc.placement = pl.id AND pc.to_at IS NULL
        ) c ON true
    """,
    "for_police_notice": """
        SELECT ch.id AS child, ch.code, ch.name, ch.known_as, ch.sex, ch.language, ch.description, ch.date_of_birth,
               ch.unaccompanied, ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed,
               ch.guardian_allocated, ch.entered_care_at, ck.wrapped AS child_key, pl.placement, pl.kind, pl.address,
               pl.placement_key, pl.force, pl.host_authority, pl.carers, pl.carer_names, pl.carer_mobiles, pl.carer_keys,
               ch.authority, a.name AS authority_name, a.duty_line
        FROM register.children ch
        JOIN register.authorities a ON a.id = ch.authority
        LEFT JOIN register.data_keys ck ON ck.owner = ch.id
        LEFT JOIN register.placements_for_police pl ON pl.placement = ch.placement
    """,
    "forces_for_police": """
        SELECT f.id AS force, f.name, f.notice_url, f.secrets, f.reply_secrets, f.callback, k.wrapped
        FROM register.forces f LEFT JOIN register.data_keys k ON k.owner = 'force-' || f.id
    """,
    "for_conversation": """
        SELECT p.id AS person, p.number_hash, p.authority, p.language, pc.from_at, pc.to_at, pl.id AS placement, pl.kind,
               pl.force, ch.id AS child, ch.code, ch.name, ch.known_as, k.wrapped AS child_key,
               EXISTS (SELECT FROM register.directory d WHERE d.person = p.id) AS in_directory
        FROM register.people p
        LEFT JOIN register.placement_carers pc ON pc.person = p.id
        LEFT JOIN register.placements pl ON pl.id = pc.placement
        LEFT JOIN register.children ch ON ch.placement = pl.id AND pc.to_at IS NULL
        LEFT JOIN register.data_keys k ON k.owner = ch.id
    """,
    "duty_lines": "SELECT id AS authority, duty_line FROM register.authorities",
    "for_protocol": """
        SELECT ch.id AS child, ch.authority, pl.force, ch.placement, pl.host_authority, ch.date_of_birth, ch.unaccompanied,
               ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed, ch.guardian_allocated,
               ch.entered_care_at
        FROM register.children ch LEFT JOIN register.placements pl ON pl.id = ch.placement
    """,
    "placements_for_protocol": "SELECT id AS placement, authority, force, host_authority FROM register.placements",
    "rota": """
        SELECT d.authority, d.role, d.person, d.child, d.turn, d.days, d.starts, d.ends, d.bank_holidays, p.language
        FROM register.directory d JOIN register.people p ON p.id = d.person
    """,
    "carers_now": """
        SELECT pc.placement, ch.id AS child, p.id AS person, p.authority, p.language, pc.from_at
        FROM register.placement_carers pc
        JOIN register.people p ON p.id = pc.person
        LEFT JOIN register.children ch ON ch.placement = pc.placement
        WHERE pc.to_at IS NULL
    """,
    "for_contact": """
        SELECT p.id AS person, p.authority, p.mobile, p.email, p.language, k.wrapped
        FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id
    """,
    "for_console": "SELECT id AS child, code, authority FROM register.children",
    "agencies_for_events": """
        SELECT a.id AS agency, a.authority, a.secrets, a.types, a.verifies, k.wrapped,
               (SELECT array_agg(s.source ORDER BY s.source) FROM register.agency_sources s WHERE s.agency = a.id) AS sources
        FROM register.agencies a LEFT JOIN register.data_keys k ON k.owner = 'agency-' || a.id
    """,
    "words_said": """
        SELECT w.id, w.about, w.words, w.said_by, w.at, k.wrapped
        FROM register.words w LEFT JOIN register.data_keys k ON k.owner = w.about
    """,
}

SEEN_BY = {
    "placements_for_police": ("police",),
    "for_police_notice": ("police",),
    "forces_for_police": ("police",),
    "for_conversation": ("carers",),
    "duty_lines": ("carers", "professionals"),
    "for_protocol": ("protocol", "professionals"),
    "placements_for_protocol": ("protocol", "professionals"),
    "rota": ("carers", "professionals"),
    "carers_now": ("carers", "professionals"),
    "for_contact": ("carers", "professionals"),
    "for_console": ("console",),
    "agencies_for_events": (),
    "words_said": ("police",),
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA register")
    for statement in TABLES.split(";"):
        op.execute(statement)
    for view, query in VIEWS.items():
        op.execute(f"CREATE VIEW register.{view} AS {query}")
        grant("SELECT", f"register.{view}", "casework", *SEEN_BY[view])
    for table in ("authorities", "forces", "placements", "people", "placement_carers", "children", "directory"):
        grant("SELECT, INSERT, UPDATE, DELETE", f"register.{table}", "casework")
    grant("SELECT, INSERT, UPDATE, DELETE", "register.agencies", "casework")
    grant("SELECT, INSERT, UPDATE, DELETE", "register.agency_sources", "casework")
    grant("SELECT, INSERT", "register.data_keys", "casework", "carers", "police", "professionals", "console")
    grant("DELETE", "register.data_keys", "casework")
    grant("SELECT, INSERT", "casework.accepted", "casework")
    grant("INSERT", "register.words", "casework", "carers", "police")
