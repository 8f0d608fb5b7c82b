-- +goose Up

-- A device may name the only person that approves it, a token's life is promised
-- when it is approved, and policy asks when and from where a person signed in.
-- Only the catalogue changes: no row is rewritten.
ALTER TABLE device_authorizations ADD COLUMN login_hint text;
ALTER TABLE device_authorizations ADD COLUMN token_seconds bigint;
ALTER TABLE sso_transactions ADD COLUMN arrived_from text;
ALTER TABLE sso_transactions ADD COLUMN signed_in_at timestamptz;
ALTER TABLE approval_grants ADD COLUMN signed_in_at timestamptz;
ALTER TABLE approval_grants ADD COLUMN signed_in_from text;

-- +goose Down

ALTER TABLE approval_grants DROP COLUMN signed_in_from;
ALTER TABLE approval_grants DROP COLUMN signed_in_at;
ALTER TABLE sso_transactions DROP COLUMN signed_in_at;
ALTER TABLE sso_transactions DROP COLUMN arrived_from;
ALTER TABLE device_authorizations DROP COLUMN token_seconds;
ALTER TABLE device_authorizations DROP COLUMN login_hint;
