-- Mails to one reader that go together: which delivery is in whose mail.

CREATE TABLE professionals.grouped (delivery uuid PRIMARY KEY, leader uuid NOT NULL, at timestamptz NOT NULL);
CREATE INDEX grouped_by_leader ON professionals.grouped (leader);
GRANT SELECT, INSERT ON professionals.grouped TO professionals;
