-- +goose NO TRANSACTION
-- +goose Up

-- The sweeps find what has expired. Authorizations that were redeemed are kept
-- for as long as their token, so the index on all of them is replaced. An index
-- that an interrupted run left invalid is built again.
DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_unredeemed;
CREATE INDEX CONCURRENTLY idx_device_authorizations_unredeemed ON device_authorizations (expires_at)
    WHERE redeemed_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS idx_sso_transactions_expires_at;
CREATE INDEX CONCURRENTLY idx_sso_transactions_expires_at ON sso_transactions (expires_at);
DROP INDEX CONCURRENTLY IF EXISTS idx_approval_grants_expires_at;
CREATE INDEX CONCURRENTLY idx_approval_grants_expires_at ON approval_grants (expires_at);
DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_expires_at;

-- +goose Down

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_device_authorizations_expires_at ON device_authorizations (expires_at);
DROP INDEX CONCURRENTLY IF EXISTS idx_approval_grants_expires_at;
DROP INDEX CONCURRENTLY IF EXISTS idx_sso_transactions_expires_at;
DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_unredeemed;
