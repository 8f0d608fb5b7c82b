package database

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// NewDifyAccounts looks addresses up in the accounts of the Dify installation
// whose database db is.
func NewDifyAccounts(db *bun.DB) ports.Accounts { return difyAccounts{db} }

type difyAccounts struct{ db *bun.DB }

// Has implements [ports.Accounts].
func (a difyAccounts) Has(ctx context.Context, email identity.Email) (bool, error) {
	found, err := a.db.NewSelect().Table("accounts").Where("lower(email) = ?", text(email.String())).Exists(ctx)
	return found, mapError(ctx, err)
}

// noAccounts is for an installation without Dify's database: no address belongs to
// an account.
type noAccounts struct{}

// Has implements [ports.Accounts].
func (noAccounts) Has(context.Context, identity.Email) (bool, error) { return false, nil }
