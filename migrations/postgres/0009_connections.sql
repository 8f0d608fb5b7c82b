-- +goose Up

-- Connections that administrators keep here, beside those of CONNECTIONS_FILE.
-- The names say idp because other services share the database.
CREATE TABLE idp_connections (
    slug       text PRIMARY KEY NOT NULL,
    settings   text        NOT NULL,
    revision   bigint      NOT NULL CHECK (revision > 0),
    added_at   timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text        NOT NULL
);

-- The last good metadata of each connection, also of those that a file has, and
-- how the attempts since went.
CREATE TABLE idp_metadata (
    connection  text PRIMARY KEY NOT NULL,
    source      text,
    entity_id   text,
    document    text,
    facts       text        NOT NULL,
    valid_until timestamptz,
    seen_at     timestamptz,
    fetched_at  timestamptz,
    tried_at    timestamptz,
    failure     text,
    failing_at  timestamptz,
    revision    bigint      NOT NULL,
    CONSTRAINT whole_metadata CHECK ((entity_id IS NULL) = (seen_at IS NULL) AND (entity_id IS NULL) = (document IS NULL))
);

-- +goose Down

DROP TABLE idp_metadata;
DROP TABLE idp_connections;
