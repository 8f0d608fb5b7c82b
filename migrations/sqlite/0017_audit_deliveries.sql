-- +goose Up

-- How far each sink has got with the trail, and what it did not take.
CREATE TABLE audit_progress (
    sink          text PRIMARY KEY NOT NULL,
    after_time    timestamptz,
    after_id      text,
    holder        text,
    lease_until   timestamptz,
    failing_since timestamptz,
    failures      bigint      NOT NULL DEFAULT 0,
    next_at       timestamptz,
    last_error    text,
    delivered_at  timestamptz
);
CREATE TABLE audit_parked (
    sink       text        NOT NULL,
    event_id   text        NOT NULL,
    time       timestamptz NOT NULL,
    stream     text        NOT NULL,
    attempts   bigint      NOT NULL,
    next_at    timestamptz,
    dead       boolean     NOT NULL,
    last_error text,
    PRIMARY KEY (sink, event_id)
);
CREATE INDEX idx_audit_parked_stream ON audit_parked (sink, stream, time, event_id);

-- When retention removed the events of a sealed day.
ALTER TABLE audit_seals ADD COLUMN removed_at timestamptz;

-- +goose Down

ALTER TABLE audit_seals DROP COLUMN removed_at;
DROP TABLE audit_parked;
DROP TABLE audit_progress;
