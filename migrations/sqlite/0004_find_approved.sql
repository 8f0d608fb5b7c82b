-- +goose Up

-- A person is shown the devices that they approved and that have not fetched
-- their token.
CREATE INDEX idx_device_authorizations_approved ON device_authorizations (subject_email, subject_issuer)
    WHERE status = 'approved';

-- +goose Down

DROP INDEX idx_device_authorizations_approved;
