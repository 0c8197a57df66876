-- Mails to one reader that go together: which delivery is in whose mail.

CREATE TABLE professionals.grouped (delivery uuid PRIMARY KEY, leader uuid NOT NULL, at timestamptz NOT NULL);
CREATE INDEX grouped_by_leader ON professionals.grouped (leader);
GRANT SELECT, INSERT ON professionals.grouped TO professionals;

-- Texts about children of one reporter: which delivery is in whose text, and so what a reader has heard of a mass report.
CREATE TABLE professionals.mass_texts (
    delivery uuid PRIMARY KEY,
    leader uuid NOT NULL,
    reader text NOT NULL,
    reporter uuid NOT NULL,
    authority text NOT NULL,
    child text NOT NULL,
    wording text NOT NULL,
    on_duty boolean NOT NULL,
    counted boolean NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX mass_texts_by_reporter ON professionals.mass_texts (reporter, at);
GRANT SELECT, INSERT ON professionals.mass_texts TO professionals;

-- What readers recorded on the page of a duty: a correction has the next number. The event's words lie in the register.
CREATE TABLE professionals.deeds (
    duty uuid NOT NULL,
    number integer NOT NULL,
    event uuid NOT NULL,
    delivery uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (duty, number)
);
GRANT SELECT, INSERT ON professionals.deeds TO professionals;
