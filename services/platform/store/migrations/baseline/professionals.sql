-- Mails to one reader that go together: which delivery is in whose mail.

CREATE TABLE professionals.grouped (delivery uuid PRIMARY KEY, leader uuid NOT NULL, at timestamptz NOT NULL);
CREATE INDEX grouped_by_leader ON professionals.grouped (leader);
GRANT SELECT, INSERT ON professionals.grouped TO professionals;

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
