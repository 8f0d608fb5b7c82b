-- +goose Up

ALTER TABLE device_authorizations ADD COLUMN user_agent text;

-- What was observed of device authorizations: people who signed in for a code, and
-- decisions. It is kept for weeks, and weighed by network and by look of the device.
CREATE TABLE phishing_observations (
    id               text        PRIMARY KEY NOT NULL,
    what             text        NOT NULL,
    at               timestamptz NOT NULL,
    authorization_id text,
    network          text,
    devices          text,
    person_email     text,
    person_issuer    text,
    person_name_id   text,
    browser_hash     text,
    whereabouts      text
);
CREATE INDEX idx_phishing_observations_network ON phishing_observations (network, at);
CREATE INDEX idx_phishing_observations_devices ON phishing_observations (devices, at);
CREATE INDEX idx_phishing_observations_authorization ON phishing_observations (authorization_id);
CREATE INDEX idx_phishing_observations_at ON phishing_observations (at);

-- A source that is held, or was.
CREATE TABLE phishing_incidents (
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
CREATE UNIQUE INDEX uq_phishing_incidents_open ON phishing_incidents (source) WHERE released_at IS NULL;
CREATE INDEX idx_phishing_incidents_source ON phishing_incidents (source, noticed_at);
CREATE INDEX idx_phishing_incidents_held ON phishing_incidents (held_until) WHERE released_at IS NULL;

-- +goose Down

DROP TABLE phishing_incidents;
DROP TABLE phishing_observations;
ALTER TABLE device_authorizations DROP COLUMN user_agent;
