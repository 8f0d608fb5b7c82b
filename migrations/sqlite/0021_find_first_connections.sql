-- +goose Up

CREATE INDEX idx_phishing_observations_first_time ON phishing_observations (first_time, at)
    WHERE first_time IS NOT NULL;

-- +goose Down

DROP INDEX idx_phishing_observations_first_time;
