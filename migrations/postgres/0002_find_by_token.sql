-- +goose NO TRANSACTION
-- +goose Up

-- A person is shown where each of their tokens went. A build that was broken
-- off leaves an invalid index behind: the next attempt begins anew.
DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_token;
CREATE INDEX CONCURRENTLY idx_device_authorizations_token ON device_authorizations (token_id)
    WHERE token_id IS NOT NULL;

-- +goose Down

DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_token;
