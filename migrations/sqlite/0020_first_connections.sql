-- +goose Up

-- The source of first connections that an observation is part of.
ALTER TABLE phishing_observations ADD COLUMN first_time text;

-- SQLite changes no constraint, so the table is made anew. The domain knows the
-- kinds, and may know more.
CREATE TABLE phishing_incidents_new (
    id               text        PRIMARY KEY NOT NULL,
    source           text        NOT NULL,
    source_kind      text        NOT NULL,
    network          text,
    client_id        text,
    device_label     text,
    user_agent       text,
    noticed_at       timestamptz NOT NULL,
    authorization_id text,
    why              text,
    reported         boolean     NOT NULL,
    held_until       timestamptz NOT NULL,
    contained_at     timestamptz,
    contained_by     text,
    released_at      timestamptz,
    released_by      text,
    contained_partly boolean     NOT NULL DEFAULT false
);
INSERT INTO phishing_incidents_new (
    id, source, source_kind, network, client_id, device_label, user_agent, noticed_at, authorization_id, why, reported, held_until,
    contained_at, contained_by, released_at, released_by
) SELECT
    id, source, source_kind, network, client_id, device_label, user_agent, noticed_at, authorization_id, why, reported, held_until,
    contained_at, contained_by, released_at, released_by
FROM phishing_incidents;
DROP TABLE phishing_incidents;
ALTER TABLE phishing_incidents_new RENAME TO phishing_incidents;
CREATE UNIQUE INDEX uq_phishing_incidents_open ON phishing_incidents (source) WHERE released_at IS NULL;
CREATE INDEX idx_phishing_incidents_source ON phishing_incidents (source, noticed_at);
CREATE INDEX idx_phishing_incidents_held ON phishing_incidents (held_until) WHERE released_at IS NULL;

-- +goose Down

CREATE TABLE phishing_incidents_old (
    id               text        PRIMARY KEY NOT NULL,
    source           text        NOT NULL,
    source_kind      text        NOT NULL CHECK (source_kind IN ('network', 'devices')),
    network          text,
    client_id        text,
    device_label     text,
    user_agent       text,
    noticed_at       timestamptz NOT NULL,
    authorization_id text,
    why              text,
    reported         boolean     NOT NULL,
    held_until       timestamptz NOT NULL,
    contained_at     timestamptz,
    contained_by     text,
    released_at      timestamptz,
    released_by      text
);
INSERT INTO phishing_incidents_old (
    id, source, source_kind, network, client_id, device_label, user_agent, noticed_at, authorization_id, why, reported, held_until,
    contained_at, contained_by, released_at, released_by
) SELECT
    id, source, source_kind, network, client_id, device_label, user_agent, noticed_at, authorization_id, why, reported, held_until,
    contained_at, contained_by, released_at, released_by
FROM phishing_incidents WHERE source_kind IN ('network', 'devices');
DROP TABLE phishing_incidents;
ALTER TABLE phishing_incidents_old RENAME TO phishing_incidents;
CREATE UNIQUE INDEX uq_phishing_incidents_open ON phishing_incidents (source) WHERE released_at IS NULL;
CREATE INDEX idx_phishing_incidents_source ON phishing_incidents (source, noticed_at);
CREATE INDEX idx_phishing_incidents_held ON phishing_incidents (held_until) WHERE released_at IS NULL;

ALTER TABLE phishing_observations DROP COLUMN first_time;
