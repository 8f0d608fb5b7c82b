-- +goose Up

ALTER TABLE device_authorizations ADD COLUMN scopes text;
ALTER TABLE device_authorizations ADD COLUMN undone_at timestamptz;

-- A sign-in may be for something other than a device. SQLite cannot drop a NOT
-- NULL, so both tables are made anew; their rows live for minutes.
CREATE TABLE new_sso_transactions (
    id                text PRIMARY KEY NOT NULL,
    relay_state_hash  text        NOT NULL UNIQUE,
    authorization_id  text        REFERENCES device_authorizations (id) ON DELETE CASCADE,
    user_code         text        NOT NULL,
    connection        text        NOT NULL,
    mount             text        NOT NULL CHECK (mount IN ('canonical', 'legacy')),
    acs               text        NOT NULL CHECK (acs IN ('canonical', 'legacy')),
    request_id        text        NOT NULL,
    browser_hash      text        NOT NULL,
    begun_at          timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    subject_email     text,
    subject_issuer    text,
    subject_name_id   text,
    arrived_on        text CHECK (arrived_on IN ('canonical', 'legacy')),
    ticket_hash       text UNIQUE,
    ticket_expires_at timestamptz,
    finished_at       timestamptz,
    purpose           text        NOT NULL DEFAULT 'approve_device',
    CONSTRAINT whole_subject         CHECK ((subject_email IS NULL) = (subject_issuer IS NULL)),
    CONSTRAINT ticket_for_someone    CHECK ((subject_email IS NULL) = (ticket_hash IS NULL)),
    CONSTRAINT finished_with_subject CHECK (finished_at IS NULL OR ticket_hash IS NOT NULL)
);
INSERT INTO new_sso_transactions (
    id, relay_state_hash, authorization_id, user_code, connection, mount, acs, request_id, browser_hash,
    begun_at, expires_at, subject_email, subject_issuer, subject_name_id, arrived_on, ticket_hash,
    ticket_expires_at, finished_at
) SELECT
    id, relay_state_hash, authorization_id, user_code, connection, mount, acs, request_id, browser_hash,
    begun_at, expires_at, subject_email, subject_issuer, subject_name_id, arrived_on, ticket_hash,
    ticket_expires_at, finished_at
FROM sso_transactions;
DROP TABLE sso_transactions;
ALTER TABLE new_sso_transactions RENAME TO sso_transactions;
CREATE INDEX idx_sso_transactions_authorization ON sso_transactions (authorization_id);
CREATE INDEX idx_sso_transactions_browser ON sso_transactions (browser_hash, user_code);

CREATE TABLE new_approval_grants (
    id               text PRIMARY KEY NOT NULL,
    handle_hash      text        NOT NULL,
    authorization_id text        REFERENCES device_authorizations (id) ON DELETE CASCADE,
    user_code        text        NOT NULL,
    subject_email    text        NOT NULL,
    subject_issuer   text        NOT NULL,
    subject_name_id  text,
    connection       text        NOT NULL,
    granted_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    spent_at         timestamptz,
    purpose          text        NOT NULL DEFAULT 'approve_device',
    code_typed       boolean     NOT NULL DEFAULT false
);
INSERT INTO new_approval_grants (
    id, handle_hash, authorization_id, user_code, subject_email, subject_issuer, subject_name_id, connection,
    granted_at, expires_at, spent_at
) SELECT
    id, handle_hash, authorization_id, user_code, subject_email, subject_issuer, subject_name_id, connection,
    granted_at, expires_at, spent_at
FROM approval_grants;
DROP TABLE approval_grants;
ALTER TABLE new_approval_grants RENAME TO approval_grants;
CREATE INDEX idx_approval_grants_authorization ON approval_grants (authorization_id);
CREATE INDEX idx_approval_grants_handle ON approval_grants (handle_hash);

ALTER TABLE audit_events ADD COLUMN actor_kind text;
ALTER TABLE audit_events ADD COLUMN actor_name text;
ALTER TABLE audit_events ADD COLUMN authorization_id text;
ALTER TABLE audit_events ADD COLUMN token_expires_at timestamptz;
ALTER TABLE audit_events ADD COLUMN creation_ip text;

-- A token that has no row here has all scopes of its kind of subject. The table
-- of the tokens themselves is shared and gets no column.
CREATE TABLE access_token_scopes (
    token_id text PRIMARY KEY NOT NULL,
    scopes   text NOT NULL
);

-- +goose Down

DROP TABLE access_token_scopes;
ALTER TABLE audit_events DROP COLUMN actor_kind;
ALTER TABLE audit_events DROP COLUMN actor_name;
ALTER TABLE audit_events DROP COLUMN authorization_id;
ALTER TABLE audit_events DROP COLUMN token_expires_at;
ALTER TABLE audit_events DROP COLUMN creation_ip;

CREATE TABLE new_approval_grants (
    id               text PRIMARY KEY NOT NULL,
    handle_hash      text        NOT NULL,
    authorization_id text        NOT NULL REFERENCES device_authorizations (id) ON DELETE CASCADE,
    user_code        text        NOT NULL,
    subject_email    text        NOT NULL,
    subject_issuer   text        NOT NULL,
    subject_name_id  text,
    connection       text        NOT NULL,
    granted_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    spent_at         timestamptz
);
INSERT INTO new_approval_grants (
    id, handle_hash, authorization_id, user_code, subject_email, subject_issuer, subject_name_id, connection,
    granted_at, expires_at, spent_at
) SELECT
    id, handle_hash, authorization_id, user_code, subject_email, subject_issuer, subject_name_id, connection,
    granted_at, expires_at, spent_at
FROM approval_grants WHERE authorization_id IS NOT NULL;
DROP TABLE approval_grants;
ALTER TABLE new_approval_grants RENAME TO approval_grants;
CREATE INDEX idx_approval_grants_authorization ON approval_grants (authorization_id);
CREATE INDEX idx_approval_grants_handle ON approval_grants (handle_hash);

CREATE TABLE new_sso_transactions (
    id                text PRIMARY KEY NOT NULL,
    relay_state_hash  text        NOT NULL UNIQUE,
    authorization_id  text        NOT NULL REFERENCES device_authorizations (id) ON DELETE CASCADE,
    user_code         text        NOT NULL,
    connection        text        NOT NULL,
    mount             text        NOT NULL CHECK (mount IN ('canonical', 'legacy')),
    acs               text        NOT NULL CHECK (acs IN ('canonical', 'legacy')),
    request_id        text        NOT NULL,
    browser_hash      text        NOT NULL,
    begun_at          timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    subject_email     text,
    subject_issuer    text,
    subject_name_id   text,
    arrived_on        text CHECK (arrived_on IN ('canonical', 'legacy')),
    ticket_hash       text UNIQUE,
    ticket_expires_at timestamptz,
    finished_at       timestamptz,
    CONSTRAINT whole_subject         CHECK ((subject_email IS NULL) = (subject_issuer IS NULL)),
    CONSTRAINT ticket_for_someone    CHECK ((subject_email IS NULL) = (ticket_hash IS NULL)),
    CONSTRAINT finished_with_subject CHECK (finished_at IS NULL OR ticket_hash IS NOT NULL)
);
INSERT INTO new_sso_transactions (
    id, relay_state_hash, authorization_id, user_code, connection, mount, acs, request_id, browser_hash,
    begun_at, expires_at, subject_email, subject_issuer, subject_name_id, arrived_on, ticket_hash,
    ticket_expires_at, finished_at
) SELECT
    id, relay_state_hash, authorization_id, user_code, connection, mount, acs, request_id, browser_hash,
    begun_at, expires_at, subject_email, subject_issuer, subject_name_id, arrived_on, ticket_hash,
    ticket_expires_at, finished_at
FROM sso_transactions WHERE authorization_id IS NOT NULL;
DROP TABLE sso_transactions;
ALTER TABLE new_sso_transactions RENAME TO sso_transactions;
CREATE INDEX idx_sso_transactions_authorization ON sso_transactions (authorization_id);
CREATE INDEX idx_sso_transactions_browser ON sso_transactions (browser_hash, user_code);

ALTER TABLE device_authorizations DROP COLUMN scopes;
ALTER TABLE device_authorizations DROP COLUMN undone_at;
