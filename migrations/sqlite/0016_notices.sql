-- +goose Up

-- The language in which the person is told by mail, and when they were last told
-- of a device. A device is a hash: the table says nothing about people.
ALTER TABLE device_authorizations ADD COLUMN language text;

CREATE TABLE device_notices (
    device     text        PRIMARY KEY NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX idx_device_notices_expires_at ON device_notices (expires_at);

-- +goose Down

DROP TABLE device_notices;
ALTER TABLE device_authorizations DROP COLUMN language;
