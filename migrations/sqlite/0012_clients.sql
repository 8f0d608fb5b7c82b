-- +goose Up

-- The settings are JSON: they are read as a whole, and a setting of a later
-- release needs no column. The name is ours alone, because the database may be
-- shared.
CREATE TABLE devicegate_clients (
    id         text        PRIMARY KEY NOT NULL,
    settings   text        NOT NULL,
    version    bigint      NOT NULL,
    changed_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE devicegate_clients;
