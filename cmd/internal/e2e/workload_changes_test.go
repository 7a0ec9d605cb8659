package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// oddTexts are what texts are put together from.
var oddTexts = []string{"", "Größe", "O'Brien", `"`, `\`, `\N`, "\t", "\n", "\r\n", "null", ",", ";", "=1+1", "𝄞", "<&>", "\u2028", " "}

func oddText(rnd *rand.Rand) any {
	if rnd.IntN(5) == 0 {
		return nil
	}
	var b strings.Builder
	for range rnd.IntN(4) {
		b.WriteString(oddTexts[rnd.IntN(len(oddTexts))])
	}
	return b.String()
}

// or is a value, or now and then null.
func or(rnd *rand.Rand, value any) any {
	if rnd.IntN(6) == 0 {
		return nil
	}
	return value
}

func oddNumber(rnd *rand.Rand) string {
	return []string{"0", "0.00", "1.10", "-0.01", "123456789012345678901234567890.123456789", "-99999999999999999999", "1e-12", "255", "256", "-128", "-129", "-32768"}[rnd.IntN(12)]
}

func oddTime(rnd *rand.Rand) string {
	at := []time.Time{time.Unix(0, 0), time.Date(1899, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(2200, 2, 28, 12, 0, 0, 1000, time.UTC),
		time.UnixMicro(1_790_000_000_000_000 + rnd.Int64N(1e12)), time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)}[rnd.IntN(5)]
	return at.UTC().Format("2006-01-02 15:04:05.999999")
}

func oddDocument(rnd *rand.Rand) string {
	return []string{`{}`, `[]`, `null`, `"text"`, `{"a": {"b": [1, 2.50, -3e10]}, "ü": "Größe \"quoted\" \\ \u2028"}`, `{"n": 12345678901234567890.10}`, `[true, false, null]`}[rnd.IntN(7)]
}

func oddBlob(rnd *rand.Rand) []byte {
	b := make([]byte, rnd.IntN(40))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func newUUID(rnd *rand.Rand) string {
	a, b := rnd.Uint64(), rnd.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// accountValues are those of all columns but the key.
func (wl *workload) accountValues() []any {
	r := wl.rnd
	return []any{oddText(r), or(r, fmt.Sprintf("%d.%02d", r.IntN(2_000_000)-1_000_000, r.IntN(100))), or(r, oddNumber(r)), or(r, r.IntN(2) == 0),
		or(r, oddTime(r)[:10]), or(r, oddTime(r)), or(r, oddTime(r)), or(r, newUUID(r)), or(r, oddDocument(r)), or(r, oddBlob(r)), or(r, r.Int32()-1<<30), oddText(r)}
}

func (wl *workload) insertAccount(ctx context.Context, tx pgx.Tx, id int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO accounts VALUES ($1, $2, $3::text::numeric, $4::text::numeric, $5, $6::text::date, $7::text::timestamptz, $8::text::timestamp,
		$9::text::uuid, $10::text::jsonb, $11, $12, $13)`, append([]any{id}, wl.accountValues()...)...)
	return err
}

func (wl *workload) openAccount(ctx context.Context, tx pgx.Tx) error {
	return wl.insertAccount(ctx, tx, wl.rnd.Int64()-wl.rnd.Int64())
}

func (wl *workload) account(ctx context.Context, tx pgx.Tx) (id int64, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM accounts ORDER BY id OFFSET $1::float8 * (SELECT count(*) FROM accounts) LIMIT 1", wl.rnd.Float64()).Scan(&id)
	return id, err
}

func (wl *workload) changeAccount(ctx context.Context, tx pgx.Tx) error {
	id, err := wl.account(ctx, tx)
	if err != nil {
		return err
	}
	v := wl.accountValues()
	_, err = tx.Exec(ctx, `UPDATE accounts SET owner = $2, balance = $3::text::numeric, doc = $4::text::jsonb, blob = $5, "Größe" = "Größe" / 2 WHERE id = $1`, id, v[0], v[1], v[8], v[9])
	return err
}

func (wl *workload) renumberAccount(ctx context.Context, tx pgx.Tx) error {
	id, err := wl.account(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE accounts SET id = $2, owner = $3 WHERE id = $1", id, wl.rnd.Int64(), oddText(wl.rnd))
	return err
}

func (wl *workload) closeAccount(ctx context.Context, tx pgx.Tx) error {
	id, err := wl.account(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM accounts WHERE id = $1", id)
	return err
}

func (wl *workload) reopenAccount(ctx context.Context, tx pgx.Tx) error {
	id, err := wl.account(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM accounts WHERE id = $1", id); err != nil {
		return err
	}
	return wl.insertAccount(ctx, tx, id)
}

func (wl *workload) purchase(ctx context.Context, tx pgx.Tx) error {
	r := wl.rnd
	_, err := tx.Exec(ctx, "INSERT INTO purchases VALUES ($1, $2, $3::text::uuid, $4::text::numeric, $5, $6::text::timestamptz, $7::text::jsonb, $8)",
		r.Int64N(4), oddText(r), newUUID(r), or(r, fmt.Sprintf("%d.%02d", r.IntN(10_000), r.IntN(100))), or(r, r.IntN(2) == 0), or(r, oddTime(r)), or(r, oddDocument(r)), wl.body())
	return err
}

// body is now and then so long that it lies outside the row.
func (wl *workload) body() any {
	if wl.rnd.IntN(2) == 0 {
		return oddText(wl.rnd)
	}
	return strings.Repeat(newUUID(wl.rnd), 100)
}

func (wl *workload) onePurchase(ctx context.Context, tx pgx.Tx) (tenant int64, id string, err error) {
	err = tx.QueryRow(ctx, "SELECT tenant, id::text FROM purchases ORDER BY tenant, id OFFSET $1::float8 * (SELECT count(*) FROM purchases) LIMIT 1", wl.rnd.Float64()).Scan(&tenant, &id)
	return tenant, id, err
}

// changePurchase leaves the body alone: the log does not hold a long one then.
func (wl *workload) changePurchase(ctx context.Context, tx pgx.Tx) error {
	tenant, id, err := wl.onePurchase(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE purchases SET status = $3, amount = amount + 1 WHERE tenant = $1 AND id = $2::text::uuid", tenant, id, oddText(wl.rnd))
	return err
}

// movePurchase changes one column of the key, and the body with it: of a row
// under a new key nobody has an older version.
func (wl *workload) movePurchase(ctx context.Context, tx pgx.Tx) error {
	tenant, id, err := wl.onePurchase(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE purchases SET tenant = $3, body = $4 WHERE tenant = $1 AND id = $2::text::uuid", tenant, id, tenant+10, wl.body())
	return err
}

func (wl *workload) removePurchase(ctx context.Context, tx pgx.Tx) error {
	tenant, id, err := wl.onePurchase(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM purchases WHERE tenant = $1 AND id = $2::text::uuid", tenant, id)
	return err
}
