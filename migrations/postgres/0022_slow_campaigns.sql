-- +goose Up

-- When the first of an incident's people was seen, if that was before the window.
ALTER TABLE phishing_incidents ADD COLUMN seen_since timestamptz;

-- +goose Down

ALTER TABLE phishing_incidents DROP COLUMN seen_since;
