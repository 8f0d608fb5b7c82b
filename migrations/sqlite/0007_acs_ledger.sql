-- +goose Up

-- What was seen of each connection's callbacks. A connection has several rows for
-- each, so that sign-ins at the same time do not wait for each other's commit; the
-- sums count.
CREATE TABLE acs_traffic (
    connection          text        NOT NULL,
    mount               text        NOT NULL CHECK (mount IN ('canonical', 'legacy')),
    slot                integer     NOT NULL,
    requests            bigint      NOT NULL,
    last_request_at     timestamptz,
    succeeded           bigint      NOT NULL,
    first_success_at    timestamptz,
    last_success_at     timestamptz,
    failed              bigint      NOT NULL,
    last_failure_at     timestamptz,
    last_failure_reason text,
    PRIMARY KEY (connection, mount, slot)
);

-- What was decided about each connection, and its last test.
CREATE TABLE acs_moves (
    connection          text PRIMARY KEY NOT NULL,
    moved_at            timestamptz,
    moved_by            text,
    test_id             text,
    test_link_hash      text UNIQUE,
    test_settings_hash  text,
    test_made_by        text,
    test_made_at        timestamptz,
    test_expires_at     timestamptz,
    test_opened_at      timestamptz,
    test_browser_hash   text,
    test_transaction_id text,
    test_ended_at       timestamptz,
    test_passed         boolean     NOT NULL DEFAULT false,
    test_reason         text,
    test_detail         text,
    test_subject_email  text,
    test_subject_issuer text,
    test_subject_name_id text,
    CONSTRAINT moved_by_someone CHECK ((moved_at IS NULL) = (moved_by IS NULL)),
    CONSTRAINT whole_test       CHECK ((test_id IS NULL) = (test_link_hash IS NULL)),
    CONSTRAINT opened_by_one    CHECK ((test_opened_at IS NULL) = (test_browser_hash IS NULL))
);

-- +goose Down

DROP TABLE acs_moves;
DROP TABLE acs_traffic;
