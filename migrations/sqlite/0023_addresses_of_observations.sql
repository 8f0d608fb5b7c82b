-- +goose Up

-- The exact addresses of the device and of the browser, within one network.
ALTER TABLE phishing_observations ADD COLUMN device_address text;
ALTER TABLE phishing_observations ADD COLUMN browser_address text;

-- +goose Down

DELETE FROM phishing_incidents WHERE source_kind IN ('address', 'devices_at_address');
ALTER TABLE phishing_observations DROP COLUMN browser_address;
ALTER TABLE phishing_observations DROP COLUMN device_address;
