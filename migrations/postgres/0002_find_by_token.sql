-- +goose Up

-- A person is shown where each of their tokens went.
CREATE INDEX idx_device_authorizations_token ON device_authorizations (token_id)
    WHERE token_id IS NOT NULL;

-- +goose Down

DROP INDEX idx_device_authorizations_token;
