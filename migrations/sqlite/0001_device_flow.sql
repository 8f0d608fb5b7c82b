-- +goose Up

-- Times are texts of fixed width in UTC, so that they compare as times do.

CREATE TABLE IF NOT EXISTS oauth_access_tokens (
    id             text PRIMARY KEY NOT NULL,
    subject_email  varchar(255) NOT NULL,
    subject_issuer varchar(255),
    account_id     text,
    client_id      varchar(64)  NOT NULL,
    device_label   varchar(255) NOT NULL,
    prefix         varchar(8)   NOT NULL,
    token_hash     varchar(64) UNIQUE,
    created_at     timestamptz  NOT NULL,
    last_used_at   timestamptz,
    expires_at     timestamptz  NOT NULL,
    revoked_at     timestamptz
);
CREATE INDEX IF NOT EXISTS idx_oauth_subject_email ON oauth_access_tokens (subject_email)
    WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_oauth_account ON oauth_access_tokens (account_id)
    WHERE revoked_at IS NULL AND account_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_oauth_client ON oauth_access_tokens (subject_email, client_id)
    WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_oauth_token_hash ON oauth_access_tokens (token_hash)
    WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS uq_oauth_active_per_device
    ON oauth_access_tokens (subject_email, subject_issuer, client_id, device_label)
    WHERE revoked_at IS NULL;

-- A user code stays taken until its row is swept away: 39 bits leave room.
CREATE TABLE device_authorizations (
    id               text PRIMARY KEY NOT NULL,
    device_code_hash text        NOT NULL UNIQUE,
    user_code        text        NOT NULL UNIQUE,
    client_id        text        NOT NULL CHECK (client_id <> ''),
    device_label     text,
    requested_from   text,
    requested_at     timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    status           text        NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'redeemed')),
    subject_email    text,
    subject_issuer   text,
    subject_name_id  text,
    token_id         text,
    decided_at       timestamptz,
    redeemed_at      timestamptz,
    redeemed_from    text,
    repeated         boolean     NOT NULL DEFAULT false,
    undelivered      boolean     NOT NULL DEFAULT false,
    seen_elsewhere   boolean     NOT NULL DEFAULT false,
    CONSTRAINT whole_subject      CHECK ((subject_email IS NULL) = (subject_issuer IS NULL)),
    CONSTRAINT decided_by_someone CHECK ((status = 'pending') = (subject_email IS NULL)
                                     AND (status = 'pending') = (decided_at IS NULL)),
    CONSTRAINT token_if_approved  CHECK ((status IN ('approved', 'redeemed')) = (token_id IS NOT NULL)),
    CONSTRAINT redeemed_sometime  CHECK ((status = 'redeemed') = (redeemed_at IS NOT NULL))
);
CREATE INDEX idx_device_authorizations_expires_at ON device_authorizations (expires_at);

CREATE TABLE sso_transactions (
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
CREATE INDEX idx_sso_transactions_authorization ON sso_transactions (authorization_id);
CREATE INDEX idx_sso_transactions_browser ON sso_transactions (browser_hash, user_code);

CREATE TABLE approval_grants (
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
CREATE INDEX idx_approval_grants_authorization ON approval_grants (authorization_id);
CREATE INDEX idx_approval_grants_handle ON approval_grants (handle_hash);

-- The key is a hash: an issuer may make its ids as long as it likes.
CREATE TABLE spent_assertions (
    assertion_hash text PRIMARY KEY NOT NULL,
    issuer         text        NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX idx_spent_assertions_expires_at ON spent_assertions (expires_at);

CREATE TABLE audit_events (
    id              text PRIMARY KEY NOT NULL,
    time            timestamptz NOT NULL,
    event           text        NOT NULL,
    subject_type    text,
    subject_email   text,
    subject_issuer  text,
    subject_name_id text,
    token_id        text,
    client_id       text,
    device_label    text,
    scopes          text,
    connection      text,
    mount           text,
    reason          text,
    detail          text,
    ip              text,
    user_agent      text,
    request_id      text
);
CREATE INDEX idx_audit_events_time ON audit_events (time);

-- +goose Down

DROP TABLE audit_events;
DROP TABLE spent_assertions;
DROP TABLE approval_grants;
DROP TABLE sso_transactions;
DROP TABLE device_authorizations;
