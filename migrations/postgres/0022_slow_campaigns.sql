-- +goose Up

-- When the first of an incident's people was seen, if that was before the window.
ALTER TABLE phishing_incidents ADD COLUMN seen_since timestamptz;

-- First connections of all clients are one source. Of those of several clients that
-- are open, the newest stays.
DELETE FROM phishing_incidents
WHERE source_kind = 'first_time' AND released_at IS NULL AND EXISTS (
    SELECT 1 FROM phishing_incidents AS newer
    WHERE newer.source_kind = 'first_time' AND newer.released_at IS NULL
      AND (newer.noticed_at, newer.id) > (phishing_incidents.noticed_at, phishing_incidents.id));
UPDATE phishing_incidents SET source = 'first_time', client_id = NULL WHERE source_kind = 'first_time';
UPDATE phishing_observations SET first_time = 'first_time' WHERE first_time IS NOT NULL;

-- +goose Down

ALTER TABLE phishing_incidents DROP COLUMN seen_since;
