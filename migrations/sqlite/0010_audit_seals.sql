-- +goose Up

-- The chain of hashes over the events of each day, written by a worker when the
-- day is over. Transactions that record events touch neither table.
CREATE TABLE audit_links (
    day      text        NOT NULL,
    number   bigint      NOT NULL,
    event_id text        NOT NULL UNIQUE,
    time     timestamptz NOT NULL,
    chain    text        NOT NULL,
    PRIMARY KEY (day, number)
);
CREATE TABLE audit_seals (
    day         text PRIMARY KEY NOT NULL,
    events      bigint      NOT NULL,
    before_head text        NOT NULL,
    head        text        NOT NULL,
    sealed_at   timestamptz NOT NULL
);

-- +goose Down

DROP TABLE audit_seals;
DROP TABLE audit_links;
