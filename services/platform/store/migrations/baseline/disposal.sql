-- What ends a record, and what stops that: periods of an authority's own, legal holds, erasures by two people. In functions of the
-- owner, since one transaction has to reach every service's tables, and no service may do that.

CREATE SCHEMA disposal;
GRANT USAGE ON SCHEMA disposal TO casework, carers, police, strategy, professionals, clock, console;

-- What a court, an inquiry or a complaint needs is kept until the hold is ended. Most tables know a child alone, so a hold of an
-- episode holds everything of its child.
CREATE TABLE disposal.holds (
    id uuid PRIMARY KEY,
    authority text NOT NULL,
    child text,  -- NULL: everything of the authority
    episode uuid,
    reason text NOT NULL,  -- words, sealed
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz
);
GRANT SELECT, INSERT, UPDATE (ended_by, ended_at) ON disposal.holds TO console;

-- `owner`: a child's or person's id, or `authority-` and an authority, whose key is to be destroyed.
CREATE TABLE disposal.erasures (
    id uuid PRIMARY KEY,
    authority text NOT NULL,
    owner text NOT NULL,
    reason text,  -- words, sealed
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK (approved_by <> asked_by)
);
CREATE UNIQUE INDEX erasures_asked_once ON disposal.erasures (owner) WHERE approved_at IS NULL AND withdrawn_at IS NULL;
GRANT SELECT, INSERT, UPDATE (withdrawn_by, withdrawn_at) ON disposal.erasures TO console, casework;

-- Applied again to a copy from before (infra/postgres/backup.py).
CREATE TABLE disposal.destroyed (
    owner text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (owner, at)
);

-- Whether it took its records with it. Its id names the end of its chains for ever, so nobody else begins under it; not so one
-- that is still there, whose key alone was destroyed.
CREATE FUNCTION disposal.has_left(whose text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM disposal.destroyed WHERE owner = 'authority-' || whose)
        AND NOT EXISTS (SELECT FROM register.authorities WHERE id = whose)
$$;
GRANT EXECUTE ON FUNCTION disposal.has_left(text) TO casework, console;
CREATE FUNCTION disposal.refuse_to_enter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE check_violation USING MESSAGE = 'authority ' || NEW.id || ' has left, and its id ends its record: enter it under another id';
END $$;
CREATE TRIGGER has_left BEFORE INSERT ON register.authorities
    FOR EACH ROW WHEN (disposal.has_left(NEW.id)) EXECUTE FUNCTION disposal.refuse_to_enter();

-- Texts, calls and recordings of deleted rows, which Twilio still has. Ids alone.
CREATE TABLE disposal.provider_copies (
    sid text PRIMARY KEY,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    delivery uuid  -- which is still there, and was sent again or rung: its earlier copy goes with its row
);
GRANT SELECT, INSERT, DELETE, UPDATE (next_try_at) ON disposal.provider_copies TO carers;

-- Of whom somebody said at last who it is, by a text, at the console or elsewhere; the protocol remembers all of these for ever.
CREATE VIEW disposal.identified AS
SELECT provisional AS unknown, child FROM carers.provisionals WHERE child IS NOT NULL
UNION ALL SELECT child, identifies FROM console.entries WHERE identifies IS NOT NULL
UNION ALL SELECT child, state::jsonb ->> 'merged_into' FROM protocol.cases
    WHERE starts_with(child, 'provisional-') AND state::jsonb ->> 'merged_into' IS NOT NULL;
CREATE FUNCTION disposal.child_of(subject text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT starts_with(subject, 'provisional-') THEN subject ELSE (
        WITH RECURSIVE same AS (
            SELECT subject AS name, 0 AS place
            UNION SELECT i.child, place + 1 FROM same JOIN disposal.identified i ON i.unknown = same.name WHERE place < 9
        ) SELECT name FROM same ORDER BY place DESC, name LIMIT 1) END
$$;
-- A child, and what it was called until then.
CREATE FUNCTION disposal.names_of(known_child text) RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE same AS (
        SELECT known_child AS name
        UNION SELECT i.unknown FROM same JOIN disposal.identified i ON i.child = same.name
    ) SELECT array_agg(name) FROM same
$$;
CREATE FUNCTION disposal.authorities_of(subject text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT authority FROM register.children WHERE id = disposal.child_of(subject)
    UNION SELECT authority FROM casework.transferred WHERE child = disposal.child_of(subject)
    UNION SELECT authority FROM carers.provisionals WHERE provisional = subject AND authority IS NOT NULL
    UNION SELECT authority FROM register.people WHERE id = subject
    UNION SELECT substr(subject, 11) WHERE starts_with(subject, 'authority-')
$$;
CREATE FUNCTION disposal.is_held(subjects text[], authorities text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM disposal.holds WHERE ended_at IS NULL AND (
        child = ANY (SELECT disposal.child_of(each) FROM unnest(subjects) AS each) OR child IS NULL AND authority = ANY (authorities)))
$$;

-- Whosever they are.
CREATE FUNCTION disposal.are_held(subjects text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT disposal.is_held(subjects, array(SELECT each FROM unnest(subjects) AS subject, disposal.authorities_of(subject) AS each))
$$;
-- Mails and texts in which lines about them were put together with others'.
CREATE FUNCTION disposal.letters_about(names text[]) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT leader FROM professionals.grouped g JOIN delivery.deliveries d ON d.id = g.delivery WHERE d.child = ANY (names)
    UNION SELECT leader FROM professionals.mass_texts WHERE child = ANY (names)
$$;

-- Whoever takes a photograph away or puts another in its place: what a hold keeps stays, and a sweep deletes it when that ends.
CREATE FUNCTION disposal.keep_photograph() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.removed_at IS NULL AND disposal.are_held(ARRAY[OLD.child]) THEN
        INSERT INTO register.photographs VALUES (OLD.child, OLD.picture, OLD.media_type, OLD.taken_on, OLD.stored_at, now());
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER held BEFORE DELETE OR UPDATE OF picture ON register.photographs  -- not where it goes with the child
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION disposal.keep_photograph();

-- Whether a row's time is over: no hold stops it, and it is older than the longest period of the authorities whose it is.
CREATE FUNCTION disposal.is_over(of_record text, since timestamptz, at timestamptz, usual interval, subjects text[], of_authority text)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    theirs text[] := array(
        SELECT of_authority WHERE of_authority IS NOT NULL
        UNION SELECT each FROM unnest(subjects) AS subject, disposal.authorities_of(subject) AS each);
BEGIN
    RETURN NOT disposal.is_held(subjects, theirs) AND since < at - coalesce(
        (SELECT max(coalesce(make_interval(days => (retention ->> of_record)::int), usual)) FROM register.authorities WHERE id = ANY (theirs)), usual);
END $$;

-- Why it cannot be erased now, a line each: a hold, a search, a duty that somebody owes, a discussion to come, work of a person.
CREATE FUNCTION disposal.hindrances(owner text) RETURNS TABLE (what text, named text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH known AS (
        SELECT disposal.names_of(owner) AS names, CASE WHEN starts_with(owner, 'authority-') THEN substr(owner, 11) END AS whole)
    SELECT 'hold', NULL FROM known WHERE disposal.are_held(names)
        OR EXISTS (SELECT FROM disposal.holds WHERE ended_at IS NULL AND (authority = whole OR whole IN (SELECT disposal.authorities_of(child))))
        -- What would go with it is also about somebody who is held.
        OR EXISTS (SELECT FROM disposal.holds WHERE ended_at IS NULL) AND (
            EXISTS (SELECT FROM carers.texts_in WHERE disposal.are_held(about) AND (
                about && names OR number_hash = (SELECT number_hash FROM register.people WHERE id = owner)))
            OR EXISTS (SELECT FROM delivery.deliveries WHERE disposal.are_held(ARRAY[child]) AND (
                person = owner OR id IN (SELECT disposal.letters_about(names)))))
    UNION ALL
    SELECT 'episode', reference FROM console.episodes, known
    WHERE state NOT IN ('closed', 'retracted', 'merged') AND (child = ANY (names) OR content ->> 'authority' = whole)
    UNION ALL
    SELECT 'duty', content ->> 'wording' FROM console.duties, known
    WHERE waits AND (child = ANY (names) OR NOT exercise AND content ->> 'authority' = whole)
    UNION ALL
    SELECT 'discussion', to_char(starts_at AT TIME ZONE 'Europe/London', 'YYYY-MM-DD HH24:MI') FROM strategy.discussions, known
    WHERE state = 'planned' AND starts_at > now() AND (child = ANY (names) OR authority = whole)
    UNION ALL
    SELECT 'carer', NULL FROM register.placement_carers WHERE person = owner AND to_at IS NULL
    UNION ALL
    SELECT DISTINCT 'rota', role FROM register.directory WHERE person = owner
$$;
GRANT EXECUTE ON FUNCTION disposal.hindrances(text) TO casework, console;

-- Everything by which somebody is known, and the key of what was sealed. What is left are ids that lead to nobody.
CREATE FUNCTION disposal.erase(whose text, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[] := disposal.names_of(whose);
    emptied uuid[];
BEGIN
    INSERT INTO disposal.destroyed VALUES (whose, at);
    IF starts_with(whose, 'authority-') THEN
        DELETE FROM carers.texts_in WHERE EXISTS (
            SELECT FROM unnest(about) AS subject, disposal.authorities_of(subject) AS each WHERE each = substr(whose, 11));
        DELETE FROM delivery.deliveries WHERE authority = substr(whose, 11) AND starts_with(key_owner, 'number-');
        DELETE FROM register.authority_keys WHERE authority = substr(whose, 11) AND authority <> '*';
        RETURN;
    END IF;
    -- Texts lie under the key of a number, which others' texts need; so do answers to them, some of which name no child.
    WITH known AS (
        SELECT number_hash, min(received_at) AS since, max(received_at) + interval '1 day' AS until,
            array_agg(DISTINCT coalesce(key_owner, 'number-' || encode(number_hash, 'hex'))) AS owners
        FROM carers.texts_in WHERE about && names GROUP BY number_hash
    )
    DELETE FROM delivery.deliveries d USING known k
    WHERE d.key_owner = ANY (k.owners) AND starts_with(d.child, 'provisional-') AND d.created_at BETWEEN k.since AND k.until;
    DELETE FROM carers.texts_in WHERE about && names;
    DELETE FROM carers.texts_in t USING register.people p WHERE p.id = whose AND t.number_hash = p.number_hash;
    -- What others were told stays, without what it says.
    emptied := array(SELECT disposal.letters_about(names) UNION SELECT id FROM delivery.deliveries WHERE person = whose);
    INSERT INTO disposal.provider_copies SELECT provider_id FROM delivery.deliveries
    WHERE id = ANY (emptied) AND provider_id ~ '^(SM|MM|CA)[0-9a-f]{32}$' ON CONFLICT DO NOTHING;
    UPDATE disposal.provider_copies SET next_try_at = at WHERE delivery = ANY (emptied);
    UPDATE delivery.deliveries SET body = NULL WHERE id = ANY (emptied);
    DELETE FROM delivery.deliveries WHERE child = ANY (names);
    UPDATE delivery.deliveries SET recipient = NULL, number_hash = NULL WHERE person = whose;
    UPDATE strategy.attendees SET address_hash = NULL WHERE person = whose;
    DELETE FROM carers.questions WHERE provisional = ANY (names);
    DELETE FROM carers.claims WHERE subject = ANY (names) OR person = whose;
    DELETE FROM carers.standings WHERE child = ANY (names);
    DELETE FROM carers.provisionals WHERE provisional = ANY (names);
    DELETE FROM carers.enrolments WHERE person = whose;
    DELETE FROM register.reference_hashes h USING register.words w WHERE w.id = h.words AND w.about = ANY (names);
    DELETE FROM register.words WHERE about = ANY (names);
    DELETE FROM casework.accepted WHERE child = ANY (names);
    DELETE FROM casework.transferred WHERE child = whose;
    DELETE FROM register.directory WHERE child = whose OR person = whose;
    DELETE FROM register.rota_changes WHERE person = whose OR in_place_of = whose;
    DELETE FROM register.corrections WHERE person = whose;
    DELETE FROM register.placement_carers WHERE person = whose;
    DELETE FROM register.children WHERE id = whose;
    DELETE FROM register.people WHERE id = whose;
    DELETE FROM casework.import_changes WHERE key ->> 'id' = whose OR before ->> 'child' = whose OR before ->> 'person' = whose
        OR key ->> 'child' = whose OR key ->> 'person' = whose;
    DELETE FROM register.sealed_keys WHERE owner = ANY (names);
END $$;

-- By a second person. Says why not; where it says nothing, it is done. No hold can be made meanwhile.
CREATE FUNCTION disposal.approve(erasure uuid, by text, at timestamptz) RETURNS TABLE (what text, named text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked disposal.erasures;
BEGIN
    LOCK TABLE disposal.holds IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO asked FROM disposal.erasures WHERE id = erasure AND approved_at IS NULL AND withdrawn_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'gone', NULL;
    ELSIF asked.asked_by = by THEN
        RETURN QUERY SELECT 'second', NULL;
    ELSIF EXISTS (SELECT FROM disposal.hindrances(asked.owner)) THEN
        RETURN QUERY SELECT * FROM disposal.hindrances(asked.owner);
    ELSE
        UPDATE disposal.erasures SET approved_by = by, approved_at = at WHERE id = erasure;
        PERFORM disposal.erase(asked.owner, at);
    END IF;
END $$;
REVOKE ALL ON FUNCTION disposal.erase(text, timestamptz), disposal.approve(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION disposal.approve(uuid, text, timestamptz) TO casework, console;

-- Whatever deletes a text or a message, its copy at the provider goes too.
CREATE FUNCTION disposal.leave_copies() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'texts_in' THEN
        INSERT INTO disposal.provider_copies SELECT left(message_sid, 34) FROM gone
        WHERE message_sid ~ '^(SM|MM|CA|RE)[0-9a-f]{32}' ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO disposal.provider_copies SELECT provider_id FROM gone
        WHERE provider_id ~ '^(SM|MM|CA)[0-9a-f]{32}$' ON CONFLICT DO NOTHING;
        UPDATE disposal.provider_copies SET next_try_at = now() FROM gone WHERE delivery = gone.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leaves_copies AFTER DELETE ON carers.texts_in REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION disposal.leave_copies();
CREATE TRIGGER leaves_copies AFTER DELETE ON delivery.deliveries REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION disposal.leave_copies();

-- A text that is sent again or rung has another id then.
CREATE FUNCTION disposal.leave_earlier_copy() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO disposal.provider_copies VALUES (OLD.provider_id, 'infinity', OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER leaves_earlier_copy AFTER UPDATE OF provider_id ON delivery.deliveries FOR EACH ROW
    WHEN (OLD.provider_id <> NEW.provider_id AND OLD.provider_id ~ '^(SM|MM|CA)[0-9a-f]{32}$') EXECUTE FUNCTION disposal.leave_earlier_copy();
