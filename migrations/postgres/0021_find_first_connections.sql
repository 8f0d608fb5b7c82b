-- +goose NO TRANSACTION
-- +goose Up

DROP INDEX CONCURRENTLY IF EXISTS idx_phishing_observations_first_time;
CREATE INDEX CONCURRENTLY idx_phishing_observations_first_time ON phishing_observations (first_time, at)
    WHERE first_time IS NOT NULL;

-- +goose Down

DROP INDEX CONCURRENTLY IF EXISTS idx_phishing_observations_first_time;
