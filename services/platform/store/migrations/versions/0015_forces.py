"""Forces: reached by mail, by a private CA, told what they have agreed to; children's profiles and photographs; whose episodes police hold open."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0015_forces"
down_revision = "0014_answers_by_mail"

SENDERS = ("carers", "police", "strategy", "professionals")
STATEMENTS = """
ALTER TABLE register.forces ALTER COLUMN notice_url DROP NOT NULL;
ALTER TABLE register.forces ADD COLUMN notice_email text;
ALTER TABLE register.forces ADD COLUMN private_ca text;
ALTER TABLE register.forces ADD COLUMN agreed text[] NOT NULL DEFAULT '{}';
ALTER TABLE register.forces ADD COLUMN sends_open_list boolean NOT NULL DEFAULT false;
ALTER TABLE register.forces ADD CHECK (notice_url IS NOT NULL OR notice_email IS NOT NULL);
ALTER TABLE register.children ADD COLUMN profile bytea;
CREATE TABLE register.photographs (
    child text PRIMARY KEY REFERENCES register.children ON DELETE CASCADE,
    picture bytea NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png')),
    taken_on date,
    stored_at timestamptz NOT NULL
);
CREATE TABLE police.episodes (
    force text NOT NULL,
    episode uuid NOT NULL,
    child text NOT NULL,
    authority text NOT NULL,
    exercise boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('missing', 'located', 'returned', 'retracted')),
    told_at timestamptz NOT NULL,
    closed_at timestamptz,
    gaps_chased boolean NOT NULL DEFAULT false,
    PRIMARY KEY (force, episode)
);
CREATE INDEX episodes_of_child ON police.episodes (child);
CREATE TABLE police.open_lists (
    force text PRIMARY KEY,
    as_of timestamptz NOT NULL,
    asked_after_at timestamptz
)
"""
VIEWS = {
    "forces_for_police": """
        SELECT f.id AS force, f.name, f.notice_url, f.secrets, f.reply_secrets, f.callback, k.wrapped, f.notice_email,
               f.private_ca, f.agreed, f.sends_open_list
        FROM register.forces f LEFT JOIN register.data_keys k ON k.owner = 'force-' || f.id
    """,
    "for_police_notice": """
        SELECT ch.id AS child, ch.code, ch.name, ch.known_as, ch.sex, ch.language, ch.description, ch.date_of_birth,
               ch.unaccompanied, ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed,
               ch.guardian_allocated, ch.entered_care_at, ck.wrapped AS child_key, pl.placement, pl.kind, pl.address,
               pl.placement_key, pl.force, pl.host_authority, pl.carers, pl.carer_names, pl.carer_mobiles, pl.carer_keys,
               ch.authority, a.name AS authority_name, a.duty_line, ch.profile, ph.child IS NOT NULL AS has_photograph,
               ph.taken_on AS photograph_taken_on
        FROM register.children ch
        JOIN register.authorities a ON a.id = ch.authority
        LEFT JOIN register.data_keys ck ON ck.owner = ch.id
        LEFT JOIN register.placements_for_police pl ON pl.placement = ch.placement
        LEFT JOIN register.photographs ph ON ph.child = ch.id
    """,
    "photographs_for_police": """
        SELECT ph.child, ph.picture, ph.media_type, ph.taken_on, k.wrapped
        FROM register.photographs ph LEFT JOIN register.data_keys k ON k.owner = ph.child
    """,
}


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    for view, query in VIEWS.items():
        op.execute(f"CREATE OR REPLACE VIEW register.{view} AS {query}")
    grant("SELECT", "register.photographs_for_police", "casework", "police")
    grant("SELECT, INSERT, UPDATE, DELETE", "register.photographs", "casework")
    grant("SELECT, INSERT, UPDATE", "police.episodes", "police")
    grant("SELECT, INSERT, UPDATE", "police.open_lists", "police")
    for table in ("deliveries", "withdrawals"):
        grant("DELETE", f"delivery.{table}", *SENDERS)
    grant("SELECT", "register.duty_lines", "police")
