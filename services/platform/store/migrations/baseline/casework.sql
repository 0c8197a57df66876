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
CREATE INDEX accepted_by_age ON casework.accepted USING brin (at);
GRANT SELECT, INSERT, DELETE ON casework.accepted TO casework;

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

-- Who may write which tables of an authority's register. A token is kept as its SHA-256; a client of the authority's own
-- identity provider shows a JWT of its issuer.
CREATE TABLE casework.credentials (
    id text PRIMARY KEY,
    authority text NOT NULL,
    tables text[] NOT NULL CHECK (cardinality(tables) > 0),
    token_hash bytea UNIQUE,
    issuer text,
    client text,
    audience text,
    jwks_url text,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CHECK (num_nonnulls(issuer, client, audience, jwks_url) = CASE WHEN token_hash IS NULL THEN 4 ELSE 0 END)
);
CREATE UNIQUE INDEX credentials_of_clients ON casework.credentials (issuer, client) WHERE withdrawn_at IS NULL;
GRANT SELECT, INSERT, UPDATE (expires_at, withdrawn_at) ON casework.credentials TO casework;
-- Made at the console by an authority's administrator, who cannot read what they are known by.
GRANT USAGE ON SCHEMA casework TO console;
GRANT SELECT (id, authority, tables, client, made_at, expires_at, withdrawn_at),
    INSERT (id, authority, tables, token_hash, made_at, expires_at), UPDATE (withdrawn_at) ON casework.credentials TO console;

-- Each import that changed the register or confirmed it, and each undoing of one. `at` is story time.
CREATE TABLE casework.imports (
    id uuid PRIMARY KEY,
    authority text NOT NULL,
    actor text NOT NULL,  -- a credential, or the account that undid
    at timestamptz NOT NULL,
    tables text[] NOT NULL,  -- those that it brought
    sha256 text,  -- of the file
    undoes uuid REFERENCES casework.imports ON DELETE SET NULL,
    fed boolean NOT NULL DEFAULT false,  -- single rows
    confirmed boolean NOT NULL DEFAULT false
);
CREATE INDEX imports_by_authority ON casework.imports (authority, at);
CREATE UNIQUE INDEX imports_undone_once ON casework.imports (undoes);
GRANT SELECT, INSERT ON casework.imports TO casework;

-- What an import changed, row by row: the row before (personal columns as they lie in the register, sealed), and a hash of
-- the row after. NULL: there was none. Without `as_of`, which each import moves.
CREATE TABLE casework.import_changes (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import uuid NOT NULL,
    table_name text NOT NULL,
    key jsonb NOT NULL,
    fields text[] NOT NULL,
    before jsonb,
    after_hash bytea
);
CREATE INDEX import_changes_of ON casework.import_changes (import);
CREATE INDEX import_changes_by_key ON casework.import_changes (key);
GRANT SELECT, INSERT, DELETE ON casework.import_changes TO casework;

CREATE FUNCTION casework.hash_of(row_as_json jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT sha256(convert_to((row_as_json - 'as_of')::text, 'UTF8')) $$;

-- By these columns a row is found again.
CREATE FUNCTION casework.key_of(table_name text, row_as_json jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE table_name
        WHEN 'directory' THEN row_as_json
        WHEN 'placement_carers' THEN row_as_json - 'to_at' - 'as_of'
        WHEN 'sharing_agreements' THEN jsonb_build_object('authority', row_as_json -> 'authority', 'reference', row_as_json -> 'reference')
        WHEN 'agency_agreements' THEN jsonb_build_object('authority', row_as_json -> 'authority', 'agency', row_as_json -> 'agency')
        WHEN 'corrections' THEN jsonb_build_object('person', row_as_json -> 'person', 'field', row_as_json -> 'field')
        ELSE jsonb_build_object('id', row_as_json -> 'id') END
$$;

-- In a transaction that names its import (`safe_return.import`), each change of a row is recorded.
CREATE FUNCTION casework.record_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    import text := nullif(current_setting('safe_return.import', true), '');
    before jsonb;
    after jsonb;
BEGIN
    IF import IS NULL THEN RETURN NULL; END IF;
    IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
    IF before - 'as_of' = after - 'as_of' THEN RETURN NULL; END IF;
    INSERT INTO casework.import_changes (import, table_name, key, fields, before, after_hash)
    SELECT import::uuid, TG_TABLE_NAME, casework.key_of(TG_TABLE_NAME, coalesce(after, before)),
           array(SELECT each FROM jsonb_object_keys(coalesce(after, before)) AS each
                 WHERE each <> 'as_of' AND before -> each IS DISTINCT FROM after -> each ORDER BY each),
           before, casework.hash_of(after);
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['authorities', 'placements', 'people', 'placement_carers', 'children', 'directory', 'corrections',
                                'sharing_agreements', 'agency_agreements'] LOOP
        EXECUTE format(
            'CREATE TRIGGER recorded AFTER INSERT OR UPDATE OR DELETE ON register.%I
             FOR EACH ROW EXECUTE FUNCTION casework.record_change()', name);
    END LOOP;
END $$;

-- Rows that are not as the import left them, each with the import that changed it since: NULL where a person at the console
-- or a transfer did. So is a child that it brought and that has been missing since, or is held: its photograph would go too.
CREATE FUNCTION casework.changed_since(undone uuid) RETURNS TABLE (place bigint, table_name text, later uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    change casework.import_changes;
    now_hash bytea;
BEGIN
    FOR change IN SELECT * FROM casework.import_changes c WHERE c.import = undone ORDER BY c.place LOOP
        EXECUTE format('SELECT casework.hash_of(to_jsonb(t)) FROM register.%I t WHERE %s LIMIT 1',
                       change.table_name, casework.where_key(change.key)) INTO now_hash;
        CONTINUE WHEN now_hash IS NOT DISTINCT FROM change.after_hash AND NOT (
            change.table_name = 'children' AND change.before IS NULL
            AND (EXISTS (SELECT FROM console.episodes e WHERE e.child = change.key ->> 'id')
                OR disposal.are_held(ARRAY[change.key ->> 'id'])));
        RETURN QUERY SELECT change.place, change.table_name, (
            SELECT c.import FROM casework.import_changes c
            WHERE c.key = change.key AND c.table_name = change.table_name AND c.place > change.place ORDER BY c.place DESC LIMIT 1);
    END LOOP;
END $$;

CREATE FUNCTION casework.where_key(key jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(CASE WHEN value IS NULL THEN format('t.%I IS NULL', name) ELSE format('t.%I = %L', name, value) END, ' AND ')
    FROM jsonb_each_text(key) AS each (name, value)
$$;

-- Puts back what the import changed, in reverse order; rows of `changed_since` are left as they are.
CREATE FUNCTION casework.undo_import(undone uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    change casework.import_changes;
    columns text;
    kept bigint[] := array(SELECT c.place FROM casework.changed_since(undone) c);
BEGIN
    FOR change IN SELECT * FROM casework.import_changes c WHERE c.import = undone AND c.place <> ALL (kept) ORDER BY c.place DESC LOOP
        IF change.before IS NULL THEN
            EXECUTE format('DELETE FROM register.%I t WHERE %s', change.table_name, casework.where_key(change.key));
        ELSIF change.after_hash IS NULL THEN
            EXECUTE format('INSERT INTO register.%1$I SELECT * FROM jsonb_populate_record(NULL::register.%1$I, $1)',
                           change.table_name) USING change.before;
        ELSE
            SELECT string_agg(quote_ident(each), ', ') INTO columns FROM jsonb_object_keys(change.before) AS each;
            EXECUTE format('UPDATE register.%1$I t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::register.%1$I, $1)) WHERE %3$s',
                           change.table_name, columns, casework.where_key(change.key)) USING change.before;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION casework.record_change(), casework.changed_since(uuid), casework.undo_import(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION casework.changed_since(uuid), casework.undo_import(uuid) TO casework;

-- When a source of an authority last brought a table, story time: a credential, for whole tables or for single rows.
CREATE TABLE casework.freshness (
    authority text NOT NULL,
    table_name text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    fed boolean NOT NULL,
    PRIMARY KEY (authority, table_name, actor, fed)
);
GRANT SELECT, INSERT, UPDATE ON casework.freshness TO casework;

-- A table is as old as what its slowest source brought, of those whose credential holds; where none does, as the last that came.
CREATE VIEW casework.last_imported AS
SELECT f.authority, f.table_name AS name,
       coalesce(min(f.at) FILTER (WHERE c.withdrawn_at IS NULL AND c.expires_at > now()), max(f.at)) AS at
FROM casework.freshness f LEFT JOIN casework.credentials c ON c.id = f.actor GROUP BY f.authority, f.table_name;
GRANT SELECT ON casework.last_imported TO casework, console;

CREATE FUNCTION casework.keep_import(
    id uuid, authority text, actor text, at timestamptz, tables text[], sha256 text, undoes uuid, fed boolean, confirmed boolean
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO casework.imports (id, authority, actor, at, tables, sha256, undoes, fed, confirmed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
    INSERT INTO casework.freshness (authority, table_name, at, actor, fed) SELECT $2, each, $4, $3, $8 FROM unnest($5) AS each
    ON CONFLICT ON CONSTRAINT freshness_pkey DO UPDATE SET at = excluded.at;
$$;

CREATE VIEW casework.tables_changed AS
SELECT import, CASE table_name WHEN 'placement_carers' THEN 'carers' WHEN 'authorities' THEN 'authority'
        WHEN 'agency_agreements' THEN 'agencies' ELSE table_name END AS name,
       count(*) AS changed, count(*) FILTER (WHERE before IS NULL) AS added, count(*) FILTER (WHERE after_hash IS NULL) AS removed
FROM casework.import_changes GROUP BY import, table_name;
GRANT SELECT ON casework.tables_changed TO casework;

-- Of rows that were there before and are there after: in how many each field differs.
CREATE VIEW casework.fields_changed AS
SELECT import, CASE table_name WHEN 'placement_carers' THEN 'carers' WHEN 'authorities' THEN 'authority'
        WHEN 'agency_agreements' THEN 'agencies' ELSE table_name END AS name,
       field, count(*) AS rows
FROM casework.import_changes, unnest(fields) AS each (field)
WHERE before IS NOT NULL AND after_hash IS NOT NULL AND field <> 'number_hash' GROUP BY import, table_name, field;
GRANT SELECT ON casework.fields_changed TO casework;

CREATE VIEW casework.imports_shown AS
SELECT i.id, i.authority, i.actor, i.at, i.tables, i.sha256, i.undoes,
       (SELECT u.id FROM casework.imports u WHERE u.undoes = i.id) AS undone_by,
       (SELECT count(*) FROM casework.import_changes c WHERE c.import = i.id) AS changed
FROM casework.imports i;
GRANT SELECT ON casework.imports_shown TO casework, console;

-- What these imports have ended so far, of how many: carers, people on the directory in a role, numbers of those whom we reach.
CREATE FUNCTION casework.losses_of(imported uuid[], of_authority text) RETURNS TABLE (what text, lost bigint, of_all bigint)
LANGUAGE sql STABLE AS $$
    WITH changes AS (SELECT * FROM casework.import_changes WHERE import = ANY (imported)),
    cares AS (
        SELECT c.person FROM register.placement_carers c JOIN register.placements p ON p.id = c.placement
        WHERE p.authority = of_authority AND c.to_at IS NULL
    ),
    lines AS (SELECT role, person, child FROM register.directory WHERE authority = of_authority),
    reached AS (SELECT person FROM cares UNION SELECT person FROM lines)
    SELECT 'carers', count(DISTINCT key) FILTER (WHERE before IS NOT NULL),
        (SELECT count(*) FROM cares) + count(*) FILTER (WHERE before IS NOT NULL) - count(*) FILTER (WHERE before IS NULL)
    FROM changes WHERE table_name = 'placement_carers'
    UNION ALL
    SELECT 'directory', count(*) FILTER (WHERE after_hash IS NULL AND NOT EXISTS (
            SELECT FROM lines WHERE role = before ->> 'role' AND person = before ->> 'person'
            AND child IS NOT DISTINCT FROM before ->> 'child')),
        (SELECT count(*) FROM lines) + count(*) FILTER (WHERE after_hash IS NULL) - count(*) FILTER (WHERE before IS NULL)
    FROM changes WHERE table_name = 'directory'
    UNION ALL
    SELECT 'numbers', count(DISTINCT key), (SELECT count(*) FROM reached)
    FROM changes JOIN reached ON reached.person = key ->> 'id'
    WHERE table_name = 'people' AND before ->> 'mobile' IS NOT NULL AND 'mobile' = ANY (fields)
    UNION ALL
    SELECT 'placements', count(DISTINCT key), (SELECT count(*) FROM register.placements WHERE authority = of_authority)
    FROM changes WHERE table_name = 'placements' AND before IS NOT NULL AND fields && '{force,address}'
$$;
