-- +goose Up

-- A change of a connection that is tried beside it, and how live responses were
-- judged by both.
CREATE TABLE connection_shadows (
    connection  text PRIMARY KEY,
    settings    text        NOT NULL,
    revision    bigint      NOT NULL,
    entity_id   text,
    document    text,
    valid_until timestamptz,
    made_at     timestamptz NOT NULL,
    made_by     text        NOT NULL,
    compared    bigint      NOT NULL,
    same        bigint      NOT NULL,
    differences text        NOT NULL
);

-- +goose Down

DROP TABLE connection_shadows;
