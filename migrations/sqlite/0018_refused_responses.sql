-- +goose Up

-- Responses of identity providers that were refused, for a day. What they say is
-- sealed with SECRET_KEY.
CREATE TABLE refused_responses (
    reference    text PRIMARY KEY NOT NULL,
    connection   text        NOT NULL,
    received_at  timestamptz NOT NULL,
    sealed       text        NOT NULL
);

CREATE INDEX idx_refused_responses_connection ON refused_responses (connection, received_at);
CREATE INDEX idx_refused_responses_received ON refused_responses (received_at);

-- +goose Down

DROP TABLE refused_responses;
