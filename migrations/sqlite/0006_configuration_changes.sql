-- +goose Up

-- How often each part of the configuration in this database was changed: a
-- process that cannot be notified compares it with what it has read.
CREATE TABLE configuration_changes (
    topic   text   PRIMARY KEY NOT NULL,
    version bigint NOT NULL
);

-- +goose Down

DROP TABLE configuration_changes;
