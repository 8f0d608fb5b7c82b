-- +goose Up

-- Each statement changes the catalogue only: no row is read or rewritten.

ALTER TABLE device_authorizations
    ADD COLUMN scopes    text,
    ADD COLUMN undone_at timestamptz;

-- A sign-in may be for something other than a device.
ALTER TABLE sso_transactions
    ALTER COLUMN authorization_id DROP NOT NULL,
    ADD COLUMN purpose text NOT NULL DEFAULT 'approve_device';
ALTER TABLE approval_grants
    ALTER COLUMN authorization_id DROP NOT NULL,
    ADD COLUMN purpose    text    NOT NULL DEFAULT 'approve_device',
    ADD COLUMN code_typed boolean NOT NULL DEFAULT false;

ALTER TABLE audit_events
    ADD COLUMN actor_kind       text,
    ADD COLUMN actor_name       text,
    ADD COLUMN authorization_id uuid,
    ADD COLUMN token_expires_at timestamptz,
    ADD COLUMN creation_ip      text;

-- A token that has no row here has all scopes of its kind of subject. The table
-- of the tokens themselves is shared and gets no column.
CREATE TABLE access_token_scopes (
    token_id uuid PRIMARY KEY,
    scopes   text NOT NULL
);

-- +goose Down

DROP TABLE access_token_scopes;
ALTER TABLE audit_events DROP COLUMN actor_kind, DROP COLUMN actor_name, DROP COLUMN authorization_id, DROP COLUMN token_expires_at, DROP COLUMN creation_ip;
DELETE FROM approval_grants WHERE authorization_id IS NULL;
ALTER TABLE approval_grants ALTER COLUMN authorization_id SET NOT NULL, DROP COLUMN purpose, DROP COLUMN code_typed;
DELETE FROM sso_transactions WHERE authorization_id IS NULL;
ALTER TABLE sso_transactions ALTER COLUMN authorization_id SET NOT NULL, DROP COLUMN purpose;
ALTER TABLE device_authorizations DROP COLUMN scopes, DROP COLUMN undone_at;
