-- +goose Up

-- Administrators end all tokens that came about through one connection. The table
-- of the tokens is shared and gets no column.
ALTER TABLE device_authorizations ADD COLUMN connection text;

-- +goose Down

ALTER TABLE device_authorizations DROP COLUMN connection;
