package bench

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// sqliteCeiling reads by prepared statements and lets one writer in at a time.
type sqliteCeiling struct {
	db                                      *sql.DB
	read, find, check, insert               *sql.Stmt
	lock, revoke, mint, markRedeemed, event *sql.Stmt
	started                                 *sql.Stmt

	writing sync.Mutex
}

func newSQLiteCeiling(path string) (*sqliteCeiling, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	s := &sqliteCeiling{db: db}
	var errs []error
	for statement, text := range map[**sql.Stmt]string{
		&s.read: sqlPoll, &s.find: sqlLookUp, &s.check: sqlVerify, &s.insert: sqlStart,
		&s.lock: sqlLock, &s.revoke: sqlRevoke, &s.mint: sqlMint, &s.markRedeemed: sqlRedeemed, &s.event: sqlAudit,
		&s.started: sqlStarted,
	} {
		*statement, err = db.Prepare(text)
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// instant reads a time whichever way the driver hands it over.
type instant time.Time

func (i *instant) Scan(src any) (err error) {
	switch v := src.(type) {
	case time.Time:
		*i = instant(v)
	case string:
		var t time.Time
		t, err = time.Parse(stampLayout, v)
		*i = instant(t)
	default:
		err = errors.New("column is not a time")
	}
	return err
}

func (s *sqliteCeiling) poll(ctx context.Context, codeHash string) (status string, expires time.Time, err error) {
	err = s.read.QueryRowContext(ctx, codeHash).Scan(&status, (*instant)(&expires))
	return status, expires, err
}

func (s *sqliteCeiling) lookUp(ctx context.Context, userCode string) (clientID string, expires time.Time, err error) {
	err = s.find.QueryRowContext(ctx, userCode).Scan(&clientID, (*instant)(&expires))
	return clientID, expires, err
}

func (s *sqliteCeiling) verify(ctx context.Context, tokenHash string) (t ceilingToken, err error) {
	err = s.check.QueryRowContext(ctx, tokenHash).Scan(&t.ID, &t.Email, &t.Issuer, (*instant)(&t.ExpiresAt))
	return t, err
}

func (s *sqliteCeiling) start(ctx context.Context, row newCode, eventID string) error {
	now := time.Now().UTC()
	values := []any{row.id, row.codeHash, row.userCode, row.from, now.Format(stampLayout), now.Add(15 * time.Minute).Format(stampLayout)}
	s.writing.Lock()
	defer s.writing.Unlock()
	if eventID == "" {
		_, err := s.insert.ExecContext(ctx, values...)
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.StmtContext(ctx, s.insert).ExecContext(ctx, values...); err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, s.started).ExecContext(ctx, eventID, now.Format(stampLayout)); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqliteCeiling) redeem(ctx context.Context, codeHash, tokenHash, eventID string) (t ceilingToken, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return t, err
	}
	defer func() { _ = tx.Rollback() }()
	var r redeemedRow
	if err := tx.StmtContext(ctx, s.lock).QueryRowContext(ctx, codeHash).Scan(r.columns()...); err != nil {
		return t, err
	}
	if r.status != "approved" {
		return t, errors.New("not approved but " + r.status)
	}
	at := time.Now().UTC()
	now := at.Format(stampLayout)
	t = ceilingToken{ID: r.tokenID, Email: r.email, Issuer: r.issuer, ExpiresAt: at.Add(lifetime)}
	for _, step := range []struct {
		statement *sql.Stmt
		args      []any
	}{
		{s.revoke, []any{now, r.email, r.issuer, r.clientID, r.label}},
		{s.mint, []any{r.tokenID, r.email, r.issuer, r.clientID, r.label, tokenHash, now, t.ExpiresAt.Format(stampLayout)}},
		{s.markRedeemed, []any{now, r.id}},
		{s.event, []any{eventID, now, r.email, r.issuer, r.tokenID, r.clientID, r.label}},
	} {
		if _, err := tx.StmtContext(ctx, step.statement).ExecContext(ctx, step.args...); err != nil {
			return t, err
		}
	}
	return t, tx.Commit()
}
