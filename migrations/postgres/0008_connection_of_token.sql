-- +goose Up

-- Administrators end all tokens that came about through one connection. The table
-- of the tokens is shared and gets no column. Only the catalogue changes: no row
-- is rewritten.
ALTER TABLE device_authorizations ADD COLUMN connection text;

-- +goose Down

ALTER TABLE device_authorizations DROP COLUMN connection;
