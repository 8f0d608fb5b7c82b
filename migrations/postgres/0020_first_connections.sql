-- +goose Up

-- The source of first connections that an observation is part of.
ALTER TABLE phishing_observations ADD COLUMN first_time text;
ALTER TABLE phishing_incidents ADD COLUMN contained_partly boolean NOT NULL DEFAULT false;
-- The domain knows the kinds, and may know more.
ALTER TABLE phishing_incidents DROP CONSTRAINT phishing_incidents_source_kind_check;

-- +goose Down

DELETE FROM phishing_incidents WHERE source_kind NOT IN ('network', 'devices');
ALTER TABLE phishing_incidents ADD CONSTRAINT phishing_incidents_source_kind_check
    CHECK (source_kind IN ('network', 'devices'));
ALTER TABLE phishing_incidents DROP COLUMN contained_partly;
ALTER TABLE phishing_observations DROP COLUMN first_time;
