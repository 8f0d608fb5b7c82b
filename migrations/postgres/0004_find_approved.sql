-- +goose NO TRANSACTION
-- +goose Up

-- A person is shown the devices that they approved and that have not fetched
-- their token. An index that an interrupted run left invalid is built again.
DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_approved;
CREATE INDEX CONCURRENTLY idx_device_authorizations_approved ON device_authorizations (subject_email, subject_issuer)
    WHERE status = 'approved';

-- +goose Down

DROP INDEX CONCURRENTLY IF EXISTS idx_device_authorizations_approved;
