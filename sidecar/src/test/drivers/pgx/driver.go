// What an agent does with pgx. Connects as PGHOST, PGPORT, ... say; one line per promise.
package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var background = context.Background()

func connect(mode pgx.QueryExecMode) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = mode
	return pgx.ConnectConfig(background, config)
}

func same(actual, expected any) error {
	if !reflect.DeepEqual(actual, expected) {
		return fmt.Errorf("%#v is not %#v", actual, expected)
	}
	return nil
}

func refused(state string, err error) error {
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("was not refused: %v", err)
	}
	return same(refusal.Code, state)
}

func stillWorks(c *pgx.Conn) error {
	var one int
	if err := c.QueryRow(background, "SELECT 1").Scan(&one); err != nil {
		return err
	}
	return same(one, 1)
}

func parameters(c *pgx.Conn) error {
	var name string
	if err := c.QueryRow(background, "SELECT name FROM people WHERE id = $1", 7).Scan(&name); err != nil {
		return err
	}
	if err := same(name, "name 7"); err != nil {
		return err
	}
	if err := c.QueryRow(background, "SELECT $1::text || $2::text", "a'b", "ü").Scan(&name); err != nil {
		return err
	}
	return same(name, "a'bü")
}

func types(c *pgx.Conn) error {
	at := time.Date(2026, 3, 2, 10, 0, 0, 123456000, time.UTC)
	data := []byte{0, 255, '\\'}
	tags := []string{"a", "b\"c"}
	if _, err := c.Exec(background, "DELETE FROM notes WHERE id = 1"); err != nil {
		return err
	}
	_, err := c.Exec(background,
		"INSERT INTO notes (id, text, at, data, tags, extra) VALUES ($1, $2, $3, $4, $5, $6)",
		1, "line\nünï", at, data, tags, `{"k": "x"}`)
	if err != nil {
		return err
	}
	var text string
	var read time.Time
	var bytes []byte
	var list []string
	var extra map[string]any
	var none *int
	err = c.QueryRow(background, "SELECT text, at, data, tags, extra, NULL::int FROM notes WHERE id = 1").
		Scan(&text, &read, &bytes, &list, &extra, &none)
	if err != nil {
		return err
	}
	return same([]any{text, read.UTC(), bytes, list, extra, none == nil},
		[]any{"line\nünï", at, data, tags, map[string]any{"k": "x"}, true})
}

func transactions(c *pgx.Conn) error {
	if _, err := c.Exec(background, "DELETE FROM notes"); err != nil {
		return err
	}
	tx, err := c.Begin(background)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(background, "INSERT INTO notes (id) VALUES (1)"); err != nil {
		return err
	}
	savepoint, err := tx.Begin(background)
	if err != nil {
		return err
	}
	if _, err = savepoint.Exec(background, "INSERT INTO notes (id) VALUES (2)"); err != nil {
		return err
	}
	if err = savepoint.Rollback(background); err != nil {
		return err
	}
	if err = tx.Commit(background); err != nil {
		return err
	}
	var count int
	if err = c.QueryRow(background, "SELECT count(*) FROM notes").Scan(&count); err != nil {
		return err
	}
	return same(count, 1)
}

func refusal(c *pgx.Conn) error {
	_, err := c.Exec(background, "DELETE FROM kept WHERE id = $1", 1)
	if e := refused("42501", err); e != nil {
		return e
	}
	if !strings.Contains(err.Error(), "public.kept") {
		return fmt.Errorf("does not say why: %v", err)
	}
	if err = stillWorks(c); err != nil {
		return err
	}
	tx, err := c.Begin(background)
	if err != nil {
		return err
	}
	_, err = tx.Exec(background, "DROP TABLE kept")
	if err = refused("42501", err); err != nil {
		return err
	}
	if err = tx.Rollback(background); err != nil {
		return err
	}
	return stillWorks(c)
}

func masked(c *pgx.Conn) error {
	var ssn string
	if err := c.QueryRow(background, "SELECT ssn FROM people WHERE id = $1", 1).Scan(&ssn); err != nil {
		return err
	}
	return same(ssn, "[redacted]")
}

func prepared(c *pgx.Conn) error {
	if _, err := c.Prepare(background, "person", "SELECT name, ssn FROM people WHERE id = $1"); err != nil {
		return err
	}
	for i := 1; i <= 50; i++ {
		var name, ssn string
		if err := c.QueryRow(background, "person", i).Scan(&name, &ssn); err != nil {
			return err
		}
		if err := same([]string{name, ssn}, []string{fmt.Sprint("name ", i), "[redacted]"}); err != nil {
			return err
		}
	}
	return c.Deallocate(background, "person")
}

func pipeline(c *pgx.Conn) error {
	batch := &pgx.Batch{}
	for i := 1; i <= 100; i++ {
		batch.Queue("SELECT name FROM people WHERE id = $1", i)
	}
	results := c.SendBatch(background, batch)
	for i := 1; i <= 100; i++ {
		var name string
		if err := results.QueryRow().Scan(&name); err != nil {
			return err
		}
		if err := same(name, fmt.Sprint("name ", i)); err != nil {
			return err
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	batch = &pgx.Batch{}
	batch.Queue("SELECT 1")
	batch.Queue("DELETE FROM kept")
	if err := refused("42501", c.SendBatch(background, batch).Close()); err != nil {
		return err
	}
	return stillWorks(c)
}

func manyRows(c *pgx.Conn) error {
	rows, err := c.Query(background, "SELECT id, ssn FROM people ORDER BY id")
	if err != nil {
		return err
	}
	count := 0
	for rows.Next() {
		var id int
		var ssn string
		if err = rows.Scan(&id, &ssn); err != nil {
			return err
		}
		count++
		if ssn != "[redacted]" || id != count {
			return fmt.Errorf("row %d: %d, %s", count, id, ssn)
		}
	}
	if rows.Err() != nil {
		return rows.Err()
	}
	return same(count, 20000)
}

func copyIn(c *pgx.Conn) error {
	if _, err := c.Exec(background, "DELETE FROM notes"); err != nil {
		return err
	}
	copied, err := c.CopyFrom(background, pgx.Identifier{"notes"}, []string{"id", "text"},
		pgx.CopyFromSlice(1000, func(i int) ([]any, error) { return []any{i, fmt.Sprint("note\t", i)}, nil }))
	if err != nil {
		return err
	}
	var text string
	if err = c.QueryRow(background, "SELECT max(text) FROM notes").Scan(&text); err != nil {
		return err
	}
	return same([]any{copied, text}, []any{int64(1000), "note\t999"})
}

func copyOut(c *pgx.Conn) error {
	var out strings.Builder
	_, err := c.PgConn().CopyTo(background, &out,
		"COPY (SELECT id, name FROM people WHERE id < 3 ORDER BY id) TO STDOUT (FORMAT csv)")
	if err != nil {
		return err
	}
	return same(out.String(), "1,name 1\n2,name 2\n")
}

func notifications(c *pgx.Conn) error {
	if _, err := c.Exec(background, "LISTEN news"); err != nil {
		return err
	}
	if _, err := c.Exec(background, "NOTIFY news, 'first'"); err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(background, 30*time.Second)
	defer stop()
	heard, err := c.WaitForNotification(waiting)
	if err != nil {
		return err
	}
	// Where columns are masked, a payload may be what a trigger copied out of one.
	return same([]string{heard.Channel, heard.Payload}, []string{"news", ""})
}

func cancel(c *pgx.Conn) error {
	timer := time.AfterFunc(time.Second, func() { _ = c.PgConn().CancelRequest(background) })
	defer timer.Stop()
	_, err := c.Exec(background, "SELECT count(*) FROM people a, people b, people d")
	if err = refused("57014", err); err != nil {
		return err
	}
	return stillWorks(c)
}

var promises = []struct {
	name   string
	action func(*pgx.Conn) error
}{
	{"parameters", parameters},
	{"types", types},
	{"transactions", transactions},
	{"refusal", refusal},
	{"masked", masked}, // in binary where parameters are, else as text
	{"prepared", prepared},
	{"pipeline", pipeline},
	{"many rows", manyRows},
	{"copy in", copyIn},
	{"copy out", copyOut},
	{"notifications", notifications},
	{"cancel", cancel},
}

func main() {
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement,
		pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	} {
		for _, promise := range promises {
			name := promise.name
			if name == "masked" && mode >= pgx.QueryExecModeExec {
				name += " text"
			} else if name == "masked" {
				name += " binary"
			}
			name += ", " + mode.String()
			c, err := connect(mode)
			if err == nil {
				err = promise.action(c)
				_ = c.Close(background)
			}
			if err == nil {
				fmt.Println("ok " + name)
			} else {
				fmt.Println("FAILED " + name + ": " + strings.ReplaceAll(err.Error(), "\n", " | "))
			}
		}
	}
}
