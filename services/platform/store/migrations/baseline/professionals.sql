-- Each row goes with its delivery, once that is pruned. A delivery may be written after what names it.

-- Mails to one reader that go together: which delivery is in whose mail.

CREATE TABLE professionals.grouped (
    delivery uuid PRIMARY KEY REFERENCES delivery.deliveries ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    leader uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX grouped_by_leader ON professionals.grouped (leader);
GRANT SELECT, INSERT ON professionals.grouped TO professionals;

-- Texts about children of one reporter: which delivery is in whose text, and so what a reader has heard of a mass report.
CREATE TABLE professionals.mass_texts (
    delivery uuid PRIMARY KEY REFERENCES delivery.deliveries ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    leader uuid NOT NULL,
    reader text NOT NULL,
    reporter uuid NOT NULL,
    authority text NOT NULL,
    child text NOT NULL,
    wording text NOT NULL,
    channel text NOT NULL,
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
    delivery uuid NOT NULL REFERENCES delivery.deliveries ON DELETE CASCADE,
    at timestamptz NOT NULL,
    undone_at timestamptz,  -- before it went out
    PRIMARY KEY (duty, number)
);
CREATE INDEX deeds_of_delivery ON professionals.deeds (delivery);
GRANT SELECT, INSERT, UPDATE (undone_at) ON professionals.deeds TO professionals;
