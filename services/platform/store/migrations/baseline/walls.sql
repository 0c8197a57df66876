-- Walls between authorities: whose rows a transaction sees is the setting `safe_return.authorities`, an array of ids, or of the
-- word `all`. Without it nobody sees a row. Services' own connections begin with `all` (services/platform/store/query.py):
-- a loop, a message or a text is any authority's. Who comes in by a door is held to their own.
--
-- Without a wall, since they are no authority's: forces and their versions, open lists, agencies and their sources, dead
-- letters' service; and what opens or says nothing without a row behind a wall: data keys, inboxes, outboxes, attempts.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'walls') THEN
        CREATE ROLE walls;
    END IF;
END $$;
CREATE SCHEMA walls;

CREATE FUNCTION walls.seen() RETURNS text[] LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('safe_return.authorities', true), ''), '{}')::text[] $$;
CREATE FUNCTION walls.sees_all() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT 'all' = ANY (walls.seen()) $$;

-- A table a line: whose is a row. Each part is asked once a statement, not once a row.
DO $$
DECLARE
    wall record;
BEGIN
    FOR wall IN SELECT * FROM (VALUES
        ('register.authorities', 'id = ANY (seen)'),
        ('register.placements', 'authority = ANY (seen)'),
        ('register.placement_carers', 'EXISTS (SELECT FROM register.placements p WHERE p.id = placement)'),
        ('register.people', 'authority = ANY (seen)'),
        ('register.children', 'authority = ANY (seen)'),
        ('register.photographs', 'EXISTS (SELECT FROM register.children c WHERE c.id = child AND c.authority = ANY (seen))'),
        ('register.directory', 'authority = ANY (seen)'),
        ('register.rota_changes', 'authority = ANY (seen)'),
        ('register.corrections', 'EXISTS (SELECT FROM register.people p WHERE p.id = person)'),
        ('register.sharing_agreements', 'authority = ANY (seen)'),
        ('register.agency_agreements', 'authority = ANY (seen)'),
        ('casework.transferred', 'authority = ANY (seen)'),
        ('casework.imports', 'authority = ANY (seen)'),
        ('casework.freshness', 'authority = ANY (seen)'),
        ('casework.credentials', 'authority = ANY (seen)'),
        ('console.episodes', '(content ->> ''authority'') = ANY (seen)'),
        ('console.duties', '(content ->> ''authority'') = ANY (seen)'),
        ('console.entries', '(content ->> ''authority'') = ANY (seen)'),
        ('console.dead_letters', 'false'),
        ('strategy.discussions', 'authority = ANY (seen)'),
        ('strategy.attendees', 'EXISTS (SELECT FROM strategy.discussions d WHERE d.discussion = attendees.discussion)'),
        ('strategy.recorders', 'EXISTS (SELECT FROM strategy.discussions d WHERE d.discussion = recorders.discussion)'),
        ('police.episodes', 'authority = ANY (seen)'),
        ('disposal.holds', 'authority = ANY (seen)'),
        ('disposal.erasures', 'authority = ANY (seen)')
    ) AS walls (name, theirs) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', wall.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', wall.name);
        EXECUTE format('CREATE POLICY of_authority ON %s USING ((SELECT walls.sees_all()) OR %s)',
                       wall.name, replace(wall.theirs, '(seen)', '((SELECT walls.seen())::text[])'));
    END LOOP;
END $$;

-- Who gave a child away still owes its absences until then, and its systems go on naming it.
CREATE POLICY given_away ON register.children FOR SELECT TO casework, walls
    USING (EXISTS (SELECT FROM casework.transferred t WHERE t.child = id));
-- A child stays where it lives when it is given away: in the former authority's placement, with its people.
CREATE POLICY where_our_child_lives ON register.placements FOR SELECT TO casework, walls
    USING (EXISTS (SELECT FROM register.children c WHERE c.placement = placements.id AND c.authority = ANY ((SELECT walls.seen())::text[])));
CREATE POLICY who_cares_for_our_child ON register.people FOR SELECT TO casework, walls
    USING (EXISTS (SELECT FROM register.placement_carers p JOIN register.children c ON c.placement = p.placement
                   WHERE p.person = people.id AND p.to_at IS NULL AND c.authority = ANY ((SELECT walls.seen())::text[])));
-- Of a search that another authority began, who has the child now sees it from its beginning.
CREATE POLICY of_their_search ON console.entries FOR SELECT USING (EXISTS (
    SELECT FROM console.episodes e WHERE e.child = entries.child AND entries.at >= e.opened_at
    AND (e.state NOT IN ('closed', 'retracted', 'merged') OR entries.at <= e.changed_at)));

-- Words are added by services that cannot read them, and read through views: with the child that they are about, or the
-- person who was handed a shift. Whose a child is whom nobody has identified, the console knows.
ALTER TABLE register.words ENABLE ROW LEVEL SECURITY;
ALTER TABLE register.words FORCE ROW LEVEL SECURITY;
CREATE POLICY added ON register.words FOR INSERT WITH CHECK (true);
CREATE POLICY about_their_child ON register.words FOR SELECT USING (
    (SELECT walls.sees_all())
    OR EXISTS (SELECT FROM register.children c WHERE c.id = about AND c.authority = ANY ((SELECT walls.seen())::text[]))
    OR EXISTS (SELECT FROM casework.transferred t WHERE t.child = about AND words.at <= t.at)
    OR starts_with(about, 'person-') AND EXISTS (
        SELECT FROM register.people p WHERE p.id = about AND p.authority = ANY ((SELECT walls.seen())::text[]))
    OR starts_with(about, 'authority-') AND substr(about, 11) = ANY ((SELECT walls.seen())::text[])
    OR starts_with(about, 'provisional-') AND EXISTS (SELECT FROM console.entries e WHERE e.child = about));
ALTER TABLE register.reference_hashes ENABLE ROW LEVEL SECURITY;
ALTER TABLE register.reference_hashes FORCE ROW LEVEL SECURITY;
CREATE POLICY added ON register.reference_hashes FOR INSERT WITH CHECK (true);
CREATE POLICY of_their_words ON register.reference_hashes FOR SELECT TO walls
    USING (EXISTS (SELECT FROM register.words w WHERE w.id = reference_hashes.words));
-- A change of the phone key makes all of them anew.
CREATE POLICY made_anew ON register.reference_hashes TO casework USING ((SELECT walls.sees_all()));

-- A record's words lie behind the wall of words. Here an array is compared, which no index could do behind a wall.
ALTER TABLE strategy.records ENABLE ROW LEVEL SECURITY;
ALTER TABLE strategy.records FORCE ROW LEVEL SECURITY;
CREATE POLICY of_authority ON strategy.records TO strategy
    USING (EXISTS (SELECT FROM strategy.discussions d WHERE d.discussion = records.discussion));
CREATE POLICY which_words ON strategy.records FOR SELECT TO walls USING (true);

-- A delivery is a service's and an authority's.
ALTER TABLE delivery.deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY of_authority ON delivery.deliveries AS RESTRICTIVE
    USING ((SELECT walls.sees_all()) OR authority = ANY ((SELECT walls.seen())::text[]));
CREATE POLICY of_every_service ON delivery.deliveries FOR SELECT TO walls USING (true);

-- A view is read with the rights of its owner, and past every wall if that is a superuser. So `walls` owns them: it reads the
-- tables beneath, is no superuser, and cannot log in. `migrate` calls this too, since a restored copy has other owners.
GRANT USAGE ON SCHEMA walls, disposal, register, delivery, casework, carers, console, strategy, professionals, audit, deadlines TO walls;
GRANT SELECT ON disposal.holds TO walls;
GRANT SELECT ON ALL TABLES IN SCHEMA register, delivery, casework, carers, console, strategy, professionals TO walls;
CREATE FUNCTION walls.own_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    view record;
BEGIN
    FOR view IN SELECT schemaname, viewname FROM pg_views
        WHERE schemaname IN ('register', 'delivery', 'casework', 'console') AND viewowner <> 'walls' LOOP
        EXECUTE format('ALTER VIEW %I.%I OWNER TO walls', view.schemaname, view.viewname);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION walls.own_views() FROM PUBLIC;
SELECT walls.own_views();
GRANT USAGE ON SCHEMA walls TO casework, carers, protocol, police, strategy, professionals, console;
