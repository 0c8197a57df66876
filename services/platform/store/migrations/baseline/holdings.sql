-- What each table holds of a person and of an authority: a copy of disposal/holdings.yaml, which `migrate` makes anew. Nobody else
-- writes it, so the conditions that run below are ours.

CREATE SCHEMA holdings;
CREATE TABLE holdings.tables (
    number integer PRIMARY KEY,  -- the order in which an authority's rows go
    name text NOT NULL UNIQUE,
    about text,
    authority text,
    key text
);

-- Past every wall: behind one, a number that another authority knows too would look like one authority's alone.
CREATE FUNCTION holdings.authority_of_number(number bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(authority) FROM (
        SELECT authority FROM register.people WHERE number_hash = number
        UNION ALL SELECT authority FROM carers.provisionals WHERE number_hash = number
    ) AS known HAVING min(authority) = max(authority)
$$;
-- Behind the walls of whoever asks. Of a number, and of an account, only where it is one authority's alone. Asked of every row of
-- a chain, so what is most often asked comes first, in a statement of its own.
CREATE FUNCTION holdings.authority_of(asked text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text := (SELECT c.authority FROM register.children c WHERE c.id = asked);
BEGIN
    IF found IS NULL THEN
        found := (SELECT p.authority FROM register.people p WHERE p.id = asked);
    END IF;
    IF found IS NULL AND asked ~ '^number-[0-9a-f]{64}$' THEN
        SELECT n.authority INTO found FROM holdings.authority_of_number(decode(substr(asked, 8), 'hex')) AS n (authority)
        WHERE walls.sees_all() OR n.authority = ANY (walls.seen());
    END IF;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    RETURN coalesce(
        (SELECT p.authority FROM register.placements p WHERE p.id = asked),
        (SELECT min(p.authority) FROM register.provisional_children p WHERE p.child = asked),
        (SELECT min(e.content ->> 'authority') FROM console.episodes e WHERE e.child = asked),
        (SELECT a.authorities[1] FROM console.accounts a
         WHERE a.account = asked AND cardinality(a.authorities) = 1 AND a.authorities[1] <> 'all'
         AND ('all' = ANY (walls.seen()) OR a.authorities <@ walls.seen())),
        substring(asked FROM '^(?:register|rules)-(.+)$'),
        substring(asked FROM '^([^/]+)/exercise/'));
END $$;

-- What somebody is called: by their id, before they were named, and as the owner of a key. Nothing, unless they are behind the walls.
CREATE FUNCTION holdings.names_of(subject text) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(name) FROM (
        SELECT unnest(disposal.names_of($1)) AS name
        UNION SELECT 'number-' || encode(number_hash, 'hex') FROM register.people
        WHERE id = $1 AND holdings.authority_of('number-' || encode(number_hash, 'hex')) = authority
        UNION SELECT 'number-' || encode(number_hash, 'hex') FROM carers.enrolments
        WHERE person = $1 AND holdings.authority_of('number-' || encode(number_hash, 'hex')) = holdings.authority_of($1)
    ) AS names WHERE holdings.authority_of($1) IS NOT NULL
$$;

-- Everything about the person of an act at the console by which somebody asked for it, within the hour: so nothing is read here
-- without the record. With each row the key of what is sealed in it. `others.*`: who else must not be named.
CREATE FUNCTION holdings.held(asked uuid) RETURNS TABLE (place text, held jsonb, owner text, wrapped bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    subject text := (
        SELECT a.child FROM console.acts a
        WHERE a.act = asked AND a.what = 'subject-access-given' AND a.at > now() - interval '1 hour');
    names text[] := holdings.names_of(subject);
    whose text := holdings.authority_of(subject);
    known holdings.tables;
BEGIN
    FOR known IN SELECT * FROM holdings.tables t WHERE t.about IS NOT NULL ORDER BY t.number DESC LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L, to_jsonb(t), k.owner, k.wrapped FROM (SELECT * FROM %s WHERE (%s) AND (
                (SELECT walls.sees_all()) OR coalesce((%s) = ANY ((SELECT walls.seen())::text[]), true))) AS t
             LEFT JOIN register.data_keys k ON k.owner = %s',
            known.name, known.name, known.about, known.authority, coalesce('(' || known.key || ')', 'NULL')) USING names;
    END LOOP;
    RETURN QUERY SELECT 'others.people', jsonb_build_object('id', p.id, 'name', p.name, 'mobile', p.mobile, 'email', p.email, 'role',
            coalesce((SELECT 'carer' FROM register.placement_carers c WHERE c.person = p.id LIMIT 1),
                     (SELECT min(d.role) FROM register.directory d WHERE d.person = p.id))), k.owner, k.wrapped
        FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id WHERE p.authority = whose AND p.id <> ALL (names);
    RETURN QUERY SELECT 'others.children', jsonb_build_object('id', c.id, 'name', c.name, 'known_as', c.known_as, 'role', 'child'),
            k.owner, k.wrapped
        FROM register.children c LEFT JOIN register.data_keys k ON k.owner = c.id WHERE c.authority = whose AND c.id <> ALL (names);
    RETURN QUERY SELECT 'others.accounts', jsonb_build_object('id', a.account, 'name', a.name, 'role', a.role), NULL, NULL::bytea
        FROM console.accounts a WHERE a.account <> ALL (names) AND (whose = ANY (a.authorities) OR 'all' = ANY (a.authorities));
END $$;
REVOKE ALL ON FUNCTION holdings.authority_of_number(bytea), holdings.authority_of(text), holdings.names_of(text), holdings.held(uuid)
FROM PUBLIC;
GRANT USAGE ON SCHEMA holdings TO console, walls;
GRANT SELECT ON holdings.tables TO walls;
GRANT EXECUTE ON FUNCTION holdings.authority_of_number(bytea) TO walls;
GRANT EXECUTE ON FUNCTION holdings.authority_of(text), holdings.held(uuid) TO console;

-- As views: `walls` reads the tables beneath, behind the walls of whoever asks.
GRANT USAGE ON SCHEMA police, professionals, protocol, disposal TO walls;
GRANT SELECT ON ALL TABLES IN SCHEMA police, professionals, protocol, audit, deadlines, disposal TO walls;
CREATE POLICY of_every_service ON delivery.attempts FOR SELECT TO walls USING (true);
GRANT CREATE ON SCHEMA holdings TO walls;
ALTER FUNCTION holdings.authority_of(text) OWNER TO walls;
ALTER FUNCTION holdings.names_of(text) OWNER TO walls;
ALTER FUNCTION holdings.held(uuid) OWNER TO walls;
REVOKE CREATE ON SCHEMA holdings FROM walls;
