"""Keeps an authority's own numbers for texts a row each, by the way that they are at: a further way needs no column.

The release before reads and writes the columns of `register.authorities`: each side's changes are carried to the other.
"""

from alembic import op

revision = "0020_text_numbers"
down_revision = "0019_ask_whether"

TABLE = r"""
CREATE TABLE register.text_numbers (
    authority text NOT NULL REFERENCES register.authorities ON DELETE CASCADE,
    way text NOT NULL CHECK (way ~ '^[a-z][a-z0-9-]{0,19}$'),
    number text NOT NULL UNIQUE CHECK (number ~ '^\+[0-9]{7,15}$'),
    sender text,  -- how the provider knows the number, where that is not the number itself
    PRIMARY KEY (authority, way)
)
"""
FILL = """
INSERT INTO register.text_numbers (authority, way, number, sender)
SELECT id, 'twilio', text_number, NULL FROM register.authorities WHERE text_number IS NOT NULL
UNION ALL SELECT id, 'notify', notify_number, notify_sender::text FROM register.authorities WHERE notify_number IS NOT NULL
"""
RIGHTS = """
ALTER TABLE register.text_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE register.text_numbers FORCE ROW LEVEL SECURITY;
CREATE POLICY of_authority ON register.text_numbers
    USING ((SELECT walls.sees_all()) OR authority = ANY ((SELECT walls.seen())::text[]));
GRANT SELECT (authority, way, number, sender) ON register.text_numbers TO walls;
GRANT SELECT, INSERT, DELETE ON register.text_numbers TO console
"""
VIEW = """
CREATE VIEW register.own_numbers AS SELECT authority, way, number, sender FROM register.text_numbers;
GRANT SELECT ON register.own_numbers TO carers, police, professionals;
"""
FROM_COLUMNS = """
CREATE OR REPLACE FUNCTION register.number_by_columns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM register.text_numbers WHERE authority = NEW.id AND way IN ('twilio', 'notify');
    INSERT INTO register.text_numbers (authority, way, number, sender)
    SELECT NEW.id, way, number, sender
    FROM (VALUES ('twilio', NEW.text_number, NULL), ('notify', NEW.notify_number, NEW.notify_sender::text))
        AS own (way, number, sender)
    WHERE number IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER numbered AFTER UPDATE OF text_number, notify_number, notify_sender ON register.authorities
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION register.number_by_columns()
"""
TO_COLUMNS = """
CREATE OR REPLACE FUNCTION register.number_columns() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose text := coalesce(NEW.authority, OLD.authority);
BEGIN
    UPDATE register.authorities SET
        text_number = (SELECT number FROM register.text_numbers WHERE authority = whose AND way = 'twilio'),
        (notify_number, notify_sender) =
            (SELECT number, sender::uuid FROM register.text_numbers WHERE authority = whose AND way = 'notify')
    WHERE id = whose;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER numbered AFTER INSERT OR DELETE ON register.text_numbers
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION register.number_columns()
"""


def upgrade() -> None:
    for each in (TABLE, FILL, RIGHTS, VIEW, FROM_COLUMNS, TO_COLUMNS):
        op.execute(each)
