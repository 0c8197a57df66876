-- Who may see what of the register: a view a purpose. Casework may read them too, to show what others see.

CREATE VIEW register.placements_for_police AS
SELECT pl.id AS placement, pl.authority, pl.kind, pl.address, k.wrapped AS placement_key, pl.force,
       pl.host_authority, a.name AS authority_name, a.duty_line, c.people AS carers, c.names AS carer_names,
       c.mobiles AS carer_mobiles, c.keys AS carer_keys, pl.as_of
FROM register.placements pl
LEFT JOIN register.authorities a ON a.id = pl.authority
LEFT JOIN register.data_keys k ON k.owner = pl.id
LEFT JOIN LATERAL (
    SELECT array_agg(p.id ORDER BY pc.from_at, p.id) AS people, array_agg(p.name ORDER BY pc.from_at, p.id) AS names,
           array_agg(p.mobile ORDER BY pc.from_at, p.id) AS mobiles,
           array_agg(pk.wrapped ORDER BY pc.from_at, p.id) AS keys
    FROM register.placement_carers pc
    JOIN register.people p ON p.id = pc.person
    JOIN register.data_keys pk ON pk.owner = p.id
    WHERE pc.placement = pl.id AND pc.to_at IS NULL
) c ON true;
GRANT SELECT ON register.placements_for_police TO casework, police;

-- What somebody who knows the child said last of each thing that police will ask (`profile.` and its name).
CREATE VIEW register.profiles_told AS
SELECT about AS child, array_agg(answers) AS told, array_agg(words) AS told_words, array_agg(at) AS told_at
FROM (SELECT DISTINCT ON (about, answers) about, answers, words, at FROM register.words
      WHERE starts_with(answers, 'profile.') ORDER BY about, answers, at DESC) AS newest
GROUP BY about;
-- What was said with a record that was undone answers nothing; nor does what was said with one that was corrected, until each
-- correction of it is undone. In a function of the owner: services add words, and change none. A row about one child weighs no
-- other's words.
CREATE FUNCTION register.weigh_answers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told jsonb := convert_from(NEW.envelope, 'UTF8')::jsonb -> 'data';
    is_undone boolean := NEW.cancelled_at IS NOT NULL;
    whose text := disposal.child_of(NEW.child);
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.cancelled_at IS NOT NULL) = is_undone THEN
        RETURN NULL;
    END IF;
    UPDATE register.words SET answers = NULL
    WHERE is_undone AND id IN (SELECT jsonb_array_elements_text(told -> 'words'))
        AND answers ~ '^(corrected\.)*profile\.' AND disposal.child_of(about) = whose;
    UPDATE register.words SET answers = CASE WHEN is_undone THEN substr(answers, 11) ELSE 'corrected.' || answers END
    WHERE answers ~ CASE WHEN is_undone THEN '^(corrected\.)+profile\.' ELSE '^(corrected\.)*profile\.' END
        AND disposal.child_of(about) = whose AND id IN (
            SELECT jsonb_array_elements_text(convert_from(envelope, 'UTF8')::jsonb #> '{data,words}') FROM deadlines.due
            WHERE deadline = (told ->> 'corrects_event')::uuid AND disposal.child_of(child) = whose);
    RETURN NULL;
END $$;
CREATE TRIGGER weighs_answers AFTER INSERT OR UPDATE OF cancelled_at ON deadlines.due FOR EACH ROW
    WHEN (position('"profile.recorded.v1"'::bytea IN NEW.envelope) > 0) EXECUTE FUNCTION register.weigh_answers();

CREATE VIEW register.for_police_notice AS
SELECT ch.id AS child, ch.code, ch.name, ch.known_as, ch.sex, ch.language, ch.description, ch.date_of_birth,
       ch.unaccompanied, ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed,
       ch.guardian_allocated, ch.entered_care_at, ck.wrapped AS child_key, pl.placement, pl.kind, pl.address,
       pl.placement_key, pl.force, pl.host_authority, pl.carers, pl.carer_names, pl.carer_mobiles, pl.carer_keys,
       ch.authority, a.name AS authority_name, a.duty_line, ch.profile, ph.child IS NOT NULL AS has_photograph,
       ph.taken_on AS photograph_taken_on, least(ch.as_of, pl.as_of) AS as_of, said.told, said.told_words, said.told_at
FROM register.children ch
JOIN register.authorities a ON a.id = ch.authority
LEFT JOIN register.data_keys ck ON ck.owner = ch.id
LEFT JOIN register.placements_for_police pl ON pl.placement = ch.placement
LEFT JOIN register.photographs ph ON ph.child = ch.id AND ph.removed_at IS NULL
LEFT JOIN LATERAL (SELECT told, told_words, told_at FROM register.profiles_told WHERE child = ch.id) said ON true;
GRANT SELECT ON register.for_police_notice TO casework, police;

CREATE VIEW register.photographs_for_police AS
SELECT ph.child, ph.picture, ph.media_type, ph.taken_on, k.wrapped
FROM register.photographs ph LEFT JOIN register.data_keys k ON k.owner = ph.child WHERE ph.removed_at IS NULL;
GRANT SELECT ON register.photographs_for_police TO casework, police;

-- A version a row. One without `effective_at` is proposed: its address and keys serve its own trial alone.
CREATE VIEW register.forces_for_police AS
SELECT v.force, v.id AS version, v.effective_at, v.name, v.notice_url, v.notice_email, v.polls, v.secrets, v.reply_secrets,
       v.client_certificate, v.oauth, v.callback, v.private_ca, v.sends_open_list, k.wrapped
FROM register.force_versions v LEFT JOIN register.data_keys k ON k.owner = 'force-' || v.force
WHERE v.taken_back_at IS NULL;
GRANT SELECT ON register.forces_for_police TO casework, police;

CREATE VIEW register.sharing_for_police AS
SELECT authority, force, fields, basis, reference, from_on, until_on FROM register.sharing_agreements;
GRANT SELECT ON register.sharing_for_police TO casework, police, console;

-- Versions whose connection test the other end has taken.
CREATE VIEW register.versions_tried AS
SELECT DISTINCT v.id AS version FROM register.force_versions v
JOIN delivery.deliveries d ON d.lane = 'force-' || v.force || '@' || v.id
WHERE d.service = 'police' AND d.duty IS NULL AND d.state IN ('accepted', 'acknowledged');
GRANT SELECT ON register.versions_tried TO casework;

-- Who reported, in which role, and how to ring them.
CREATE VIEW register.reporters_for_police AS
SELECT p.id AS reporter,
       CASE WHEN EXISTS (SELECT FROM register.placement_carers pc WHERE pc.person = p.id AND pc.to_at IS NULL) THEN 'carer'
            ELSE (SELECT min(d.role) FROM register.directory d WHERE d.person = p.id) END AS role,
       p.name, p.mobile, k.wrapped
FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id
UNION ALL
SELECT a.id, 'agency', NULL, NULL, NULL FROM register.agencies a;
GRANT SELECT ON register.reporters_for_police TO casework, police;

-- The words that a notice of theirs names, and no others: not a discussion's record, nor an operator's reason beside it.
CREATE VIEW register.words_told_to_police AS
SELECT d.id AS delivery, w.id, w.about, w.words, w.said_by, w.at, k.wrapped, w.answers
FROM delivery.deliveries d
CROSS JOIN LATERAL jsonb_array_elements_text(d.telling -> 'words') AS told (words)
JOIN register.words w ON w.id = told.words
LEFT JOIN register.data_keys k ON k.owner = w.about
WHERE d.service = 'police';
GRANT SELECT ON register.words_told_to_police TO police;
CREATE VIEW register.words_said AS
SELECT DISTINCT id, about, words, said_by, at, wrapped, answers FROM register.words_told_to_police;
GRANT SELECT ON register.words_said TO casework, police;

-- Codes for a command of those who may have notices sent again: the console gives one to somebody who is signed in.
CREATE VIEW register.operators_who_send_again AS
SELECT a.account, a.role, a.authorities, s.token_hash, s.begun_at
FROM console.sessions s JOIN console.accounts a ON a.account = s.account
WHERE s.for_command AND a.disabled_at IS NULL AND a.role IN ('duty-manager', 'operator');
GRANT SELECT ON register.operators_who_send_again TO casework, police, console;

-- Who texts: a carer, a professional, or a police officer, who is in the directory for their force alone.
CREATE VIEW register.for_conversation AS
SELECT p.id AS person, p.number_hash, p.authority, p.language, pc.from_at, pc.to_at, pl.id AS placement, pl.kind,
       pl.force, ch.id AS child, ch.code, ch.name, ch.known_as, k.wrapped AS child_key,
       EXISTS (SELECT FROM register.directory d WHERE d.person = p.id) AS in_directory,
       (SELECT bool_and(starts_with(d.role, 'police.')) FROM register.directory d WHERE d.person = p.id) AS of_police
FROM register.people p
LEFT JOIN register.placement_carers pc ON pc.person = p.id
LEFT JOIN register.placements pl ON pl.id = pc.placement
LEFT JOIN register.children ch ON ch.placement = pl.id AND pc.to_at IS NULL
LEFT JOIN register.data_keys k ON k.owner = ch.id;
GRANT SELECT ON register.for_conversation TO casework, carers;

-- Duty staff may name each child of their authority by its code, other professionals their own. No name, no address.
CREATE VIEW register.children_by_code AS
SELECT p.number_hash, p.id AS person, p.authority, ch.id AS child, ch.code, ch.placement, pl.force, k.wrapped
FROM register.people p
JOIN register.children ch ON ch.authority = p.authority
LEFT JOIN register.placements pl ON pl.id = ch.placement
LEFT JOIN register.data_keys k ON k.owner = ch.id
WHERE EXISTS (
    SELECT FROM register.directory d
    WHERE d.person = p.id AND (starts_with(d.role, 'duty.') OR (d.child = ch.id AND NOT starts_with(d.role, 'police.')))
);
GRANT SELECT ON register.children_by_code TO carers;

-- The authority whose agencies may say who such a child is.
CREATE VIEW register.provisional_children AS
SELECT provisional AS child, authority FROM carers.provisionals WHERE authority IS NOT NULL
UNION
SELECT a.child, s.authority FROM casework.accepted a JOIN register.agency_sources s ON s.source = a.source
WHERE starts_with(a.child, 'provisional-');
GRANT SELECT ON register.provisional_children TO casework;

-- An agency and one authority that has an agreement with it: a source speaks for one alone.
CREATE VIEW register.agencies_for_events AS
SELECT a.id AS agency, g.authority, a.secrets, g.types, g.verifies, k.wrapped,
       (SELECT array_agg(s.source ORDER BY s.source) FROM register.agency_sources s
        WHERE s.agency = a.id AND s.authority = g.authority) AS sources,
       (SELECT y.live FROM register.authorities y WHERE y.id = g.authority) AS live
FROM register.agencies a JOIN register.agency_agreements g ON g.agency = a.id
LEFT JOIN register.data_keys k ON k.owner = 'agency-' || a.id;
GRANT SELECT ON register.agencies_for_events TO casework;

-- Rules may ask who cares for a child now: ids alone.
CREATE VIEW register.for_protocol AS
SELECT ch.id AS child, ch.authority, pl.force, ch.placement, pl.host_authority, ch.adult_on, ch.unaccompanied,
       ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed, ch.guardian_allocated,
       ch.entered_care_at,
       (SELECT array_agg(pc.person ORDER BY pc.person) FROM register.placement_carers pc
        WHERE pc.placement = ch.placement AND pc.to_at IS NULL) AS carers
FROM register.children ch LEFT JOIN register.placements pl ON pl.id = ch.placement;
GRANT SELECT ON register.for_protocol TO casework, protocol, professionals, strategy;

CREATE VIEW register.placements_for_protocol AS
SELECT id AS placement, authority, force, host_authority FROM register.placements;
GRANT SELECT ON register.placements_for_protocol TO casework, protocol, professionals, console;

CREATE VIEW register.duty_lines AS
SELECT id AS authority, duty_line, live, text_number, notify_number, notify_sender FROM register.authorities;
GRANT SELECT ON register.duty_lines TO casework, carers, professionals, strategy, police;

-- The weekly lines and their changes. A change goes before every line.
CREATE VIEW register.rota_lines AS
SELECT authority, role, person, child, turn, days, starts, ends, bank_holidays, NULL::uuid AS change,
       NULL::timestamptz AS from_at, NULL::timestamptz AS to_at, NULL::text AS in_place_of, false AS away
FROM register.directory
UNION ALL
SELECT authority, role, person, NULL, 0, 'every-day', '00:00', '00:00', true, id, from_at, to_at, in_place_of, away
FROM register.rota_changes;

CREATE VIEW register.rota AS
SELECT d.authority, d.role, d.person, d.child, d.turn, d.days, d.starts, d.ends, d.bank_holidays, p.language,
       d.from_at, d.to_at, d.in_place_of, d.away
FROM register.rota_lines d JOIN register.people p ON p.id = d.person;
GRANT SELECT ON register.rota TO casework, carers, professionals, strategy;

CREATE VIEW register.carers_now AS
SELECT pc.placement, ch.id AS child, p.id AS person, p.authority, p.language, pc.from_at
FROM register.placement_carers pc
JOIN register.people p ON p.id = pc.person
LEFT JOIN register.children ch ON ch.placement = pc.placement
WHERE pc.to_at IS NULL;
GRANT SELECT ON register.carers_now TO casework, carers, professionals, strategy;

CREATE VIEW register.for_contact AS
SELECT p.id AS person, p.authority, p.mobile, p.email, p.language, k.wrapped
FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id;
GRANT SELECT ON register.for_contact TO casework, carers, professionals, strategy;

CREATE VIEW register.bridges AS
SELECT id AS authority, bridge FROM register.authorities;
GRANT SELECT ON register.bridges TO casework, strategy;

CREATE VIEW register.discussion_records AS
SELECT r.discussion, w.id, w.about, w.words, k.wrapped, array_position(r.words, w.id) AS place
FROM strategy.records r
JOIN register.words w ON w.id = ANY (r.words)
LEFT JOIN register.data_keys k ON k.owner = w.about;
GRANT SELECT ON register.discussion_records TO strategy;

CREATE VIEW register.for_console AS
SELECT id AS child, code, authority FROM register.children;
GRANT SELECT ON register.for_console TO casework, console;

-- For somebody on duty who has said why: who the child is, how to recognise it, where it lives, whom to ring.
CREATE VIEW register.for_duty_desk AS
SELECT child, authority, code, name, known_as, sex, language, description, date_of_birth, age_disputed, child_key,
       has_photograph, placement, address, placement_key, carers, carer_names, carer_mobiles, carer_keys,
       as_of, profile, told, told_words, told_at
FROM register.for_police_notice;
GRANT SELECT ON register.for_duty_desk TO console, casework;
GRANT SELECT ON register.photographs_for_police TO console;

-- What carers and professionals call a child in a text. No name.
CREATE VIEW register.codes_of_children AS SELECT id AS child, code FROM register.children;
GRANT SELECT ON register.codes_of_children TO professionals, carers;

-- Whose number reports a child whom they do not name: ids alone.
CREATE VIEW register.reporters_for_console AS
SELECT p.number_hash, p.authority, pc.placement, ch.id AS child
FROM register.people p
JOIN register.placement_carers pc ON pc.person = p.id AND pc.to_at IS NULL
LEFT JOIN register.children ch ON ch.placement = pc.placement;
GRANT SELECT ON register.reporters_for_console TO casework, console;

-- Whom the duty desk rings, and who said what.
CREATE VIEW register.people_for_duty_desk AS
SELECT p.id AS person, p.name, p.mobile, k.wrapped
FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id;
GRANT SELECT ON register.people_for_duty_desk TO console, casework;

-- What was said about a child, word for word. The record of a discussion is for those who were there.
CREATE VIEW register.words_for_duty_desk AS
SELECT w.id, w.about, w.words, w.said_by, w.at, k.wrapped, w.answers
FROM register.words w LEFT JOIN register.data_keys k ON k.owner = w.about
WHERE NOT EXISTS (SELECT FROM strategy.records r WHERE r.words @> ARRAY[w.id]);
GRANT SELECT ON register.words_for_duty_desk TO console, casework;

CREATE VIEW register.references_for_duty_desk AS
SELECT r.hash, w.id AS words, w.about
FROM register.reference_hashes r
JOIN register.words w ON w.id = r.words
JOIN register.data_keys k ON k.owner = w.about;
GRANT SELECT ON register.references_for_duty_desk TO console;

-- Whether two of them are the same. No words, no child.
CREATE VIEW register.references_for_protocol AS SELECT words, hash FROM register.reference_hashes;
GRANT SELECT ON register.references_for_protocol TO protocol;

-- Operators' reasons, which an auditor reads too.
CREATE VIEW register.words_of_operators AS
SELECT w.id, w.about, w.words, w.said_by, w.at, k.wrapped
FROM register.words w LEFT JOIN register.data_keys k ON k.owner = w.about
WHERE w.said_by LIKE 'account-%';
GRANT SELECT ON register.words_of_operators TO console, casework;

-- A child whom the register does not hold is not in it, and is counted as unknown.
-- How many, for who comes on duty. No child.
CREATE VIEW register.missing_now AS
SELECT content ->> 'authority' AS authority, count(*) AS missing FROM console.episodes
WHERE state IN ('missing', 'located') AND NOT exercise GROUP BY content ->> 'authority';
GRANT SELECT ON register.missing_now TO professionals;

CREATE VIEW register.cohorts AS
SELECT id AS child,
    CASE WHEN unaccompanied AND modern_slavery_concern THEN 'both'
         WHEN unaccompanied THEN 'unaccompanied'
         WHEN modern_slavery_concern THEN 'modern-slavery'
         WHEN unaccompanied IS NULL OR modern_slavery_concern IS NULL THEN 'unknown'
         ELSE 'neither' END AS cohort
FROM register.children;
GRANT SELECT ON register.cohorts TO console;

CREATE VIEW register.directory_for_console AS
SELECT d.authority, d.role, d.person, c.code, d.turn, d.days, d.starts, d.ends, d.bank_holidays, p.name,
       p.mobile IS NOT NULL AS has_mobile, p.email IS NOT NULL AS has_email, k.wrapped, d.change, d.from_at, d.to_at,
       d.in_place_of, d.away
FROM register.rota_lines d
JOIN register.people p ON p.id = d.person
LEFT JOIN register.children c ON c.id = d.child
LEFT JOIN register.data_keys k ON k.owner = p.id;
GRANT SELECT ON register.directory_for_console TO console, casework;

-- For people on duty, of their own directory: whom to ring.
CREATE VIEW register.telephones_for_console AS
SELECT p.id AS person, p.authority, p.mobile, k.wrapped
FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id
WHERE EXISTS (SELECT FROM register.rota_lines d WHERE d.person = p.id);
GRANT SELECT ON register.telephones_for_console TO console, casework;

-- For the statutory return on missing children, drawn with a reason. Who gave a child away still owes its absences until
-- then, under its own reference.
CREATE VIEW register.children_for_return AS
SELECT r.child, r.authority, r.reference, c.date_of_birth, k.wrapped
FROM (SELECT id AS child, authority, reference FROM register.children
      UNION ALL SELECT child, authority, reference FROM casework.transferred) r
JOIN register.children c ON c.id = r.child LEFT JOIN register.data_keys k ON k.owner = r.child;
GRANT SELECT ON register.children_for_return TO console, casework;

CREATE VIEW register.homes_for_console AS SELECT id AS placement, authority, reference FROM register.placements;
GRANT SELECT ON register.homes_for_console TO console, casework;

CREATE VIEW register.forces_for_console AS
SELECT v.force, v.effective_at, v.name, v.callback,
       coalesce(substring(v.notice_url from '^[a-z]+://([^/]+)'), 'mail at ' || split_part(v.notice_email, '@', 2),
                'comes for its notices') AS host
FROM register.force_versions v WHERE v.effective_at IS NOT NULL AND v.taken_back_at IS NULL;
GRANT SELECT ON register.forces_for_console TO console, casework;

-- Whose rows the page behind a link sees: of who told it and what else went in one mail, of its reader, and of everybody who
-- has had the child. A test of a connection is about nobody, and no authority's.
CREATE VIEW register.seen_by_link AS
SELECT d.id AS delivery, ARRAY(
    SELECT coalesce(d.authority, 'all')
    UNION SELECT o.authority FROM professionals.grouped g JOIN delivery.deliveries o ON o.id = g.delivery WHERE g.leader = d.id
    UNION SELECT p.authority FROM register.people p WHERE p.id = d.person
    UNION SELECT c.authority FROM register.children c WHERE c.id = d.child
    UNION SELECT t.authority FROM casework.transferred t WHERE t.child = d.child
) AS authorities
FROM delivery.deliveries d;
GRANT SELECT ON register.seen_by_link TO professionals, strategy, police;
