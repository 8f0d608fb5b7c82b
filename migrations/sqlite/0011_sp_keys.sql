-- +goose Up

-- One row: the key pairs of the SAML service provider. Keys are sealed with
-- SECRET_KEY; certificates are public.
CREATE TABLE sp_keys (
    name                 text PRIMARY KEY NOT NULL,
    active_certificate   text        NOT NULL,
    active_sealed_key    text        NOT NULL,
    active_since         timestamptz NOT NULL,
    next_certificate     text,
    next_sealed_key      text,
    next_since           timestamptz,
    previous_certificate text,
    previous_sealed_key  text,
    previous_since       timestamptz,
    CONSTRAINT whole_next     CHECK ((next_certificate IS NULL) = (next_sealed_key IS NULL)
                                 AND (next_certificate IS NULL) = (next_since IS NULL)),
    CONSTRAINT whole_previous CHECK ((previous_certificate IS NULL) = (previous_sealed_key IS NULL)
                                 AND (previous_certificate IS NULL) = (previous_since IS NULL))
);

-- +goose Down

DROP TABLE sp_keys;
