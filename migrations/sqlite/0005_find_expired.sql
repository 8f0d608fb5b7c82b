-- +goose Up

-- The sweeps find what has expired. Authorizations that were redeemed are kept
-- for as long as their token, so the index on all of them is replaced.
CREATE INDEX idx_device_authorizations_unredeemed ON device_authorizations (expires_at)
    WHERE redeemed_at IS NULL;
CREATE INDEX idx_sso_transactions_expires_at ON sso_transactions (expires_at);
CREATE INDEX idx_approval_grants_expires_at ON approval_grants (expires_at);
DROP INDEX idx_device_authorizations_expires_at;

-- +goose Down

CREATE INDEX idx_device_authorizations_expires_at ON device_authorizations (expires_at);
DROP INDEX idx_approval_grants_expires_at;
DROP INDEX idx_sso_transactions_expires_at;
DROP INDEX idx_device_authorizations_unredeemed;
