-- Story time: one row, which every service follows and only the clock moves.

CREATE SCHEMA story;
GRANT USAGE ON SCHEMA story TO casework, carers, protocol, police, strategy, professionals, clock, audit, console;

CREATE TABLE story.clock (place integer PRIMARY KEY CHECK (place = 1), ahead_by interval NOT NULL);
INSERT INTO story.clock VALUES (1, interval '0');
GRANT SELECT ON story.clock TO casework, carers, protocol, police, strategy, professionals, clock, audit, console;
GRANT UPDATE ON story.clock TO clock;

CREATE FUNCTION story.tell_of_move() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_notify('story_clock', ''); RETURN NULL; END $$;
REVOKE ALL ON FUNCTION story.tell_of_move() FROM PUBLIC;
CREATE TRIGGER tell_of_move AFTER UPDATE ON story.clock FOR EACH STATEMENT EXECUTE FUNCTION story.tell_of_move();
