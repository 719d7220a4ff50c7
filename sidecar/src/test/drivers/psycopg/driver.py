"""What an agent does with psycopg 3. Connects as PGHOST, PGPORT, ... say; one line per promise."""

import datetime
import decimal
import os
import threading
import time

import psycopg
from psycopg.types.json import Jsonb

PROMISES = []


def promise(name):
    def add(function):
        PROMISES.append((name, function))
        return function

    return add


def connect(**options):
    return psycopg.connect("", autocommit=True, **options)


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def refused(state, action):
    try:
        action()
    except psycopg.Error as error:
        same(error.sqlstate, state)
        return error
    raise AssertionError("was not refused")


@promise("parameters")
def parameters():
    with connect() as c:
        same(c.execute("SELECT name FROM people WHERE id = %s", [7]).fetchone(), ("name 7",))
        same(c.execute("SELECT %s::text || %s", ["a'b", "ü"]).fetchone(), ("a'bü",))


@promise("types")
def types():
    values = (
        1,
        "line\nünï",
        datetime.datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=datetime.timezone.utc),
        b"\x00\xff\\x",
        ["a", None, 'b"c'],
        {"k": [1, None, "x"]},
        decimal.Decimal("12345678901234.5678"),
    )
    with connect() as c:
        for binary in (False, True):
            c.execute("DELETE FROM notes WHERE id = 1")
            sent = values[:5] + (Jsonb(values[5]),) + values[6:]
            c.execute(
                "INSERT INTO notes (id, text, at, data, tags, extra, amount)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                sent,
                binary=binary,
            )
            row = c.execute("SELECT * FROM notes WHERE id = 1", binary=binary).fetchone()
            same(row, values)
            same(c.execute("SELECT NULL::int", binary=binary).fetchone(), (None,))


@promise("transactions")
def transactions():
    with connect() as c:
        c.execute("DELETE FROM notes")
        with c.transaction():
            c.execute("INSERT INTO notes (id) VALUES (1)")
            try:
                with c.transaction():
                    c.execute("INSERT INTO notes (id) VALUES (2)")
                    raise psycopg.Rollback()
            except psycopg.Rollback:
                pass
        same(c.execute("SELECT array_agg(id) FROM notes").fetchone(), ([1],))


@promise("refusal")
def refusal():
    with connect() as c:
        error = refused("42501", lambda: c.execute("DELETE FROM kept WHERE id = %s", [1]))
        same("public.kept" in error.diag.message_primary, True)
        same(error.diag.message_hint.startswith("Allowed here:"), True)
        same(c.execute("SELECT 1").fetchone(), (1,))
        c.autocommit = False
        refused("42501", lambda: c.execute("DROP TABLE kept"))
        same(c.info.transaction_status, psycopg.pq.TransactionStatus.INERROR)
        c.rollback()
        same(c.execute("SELECT 1").fetchone(), (1,))
        c.rollback()


@promise("masked text")
def masked_text():
    with connect() as c:
        same(c.execute("SELECT id, ssn FROM people WHERE id = 1").fetchone(), (1, "[redacted]"))


@promise("masked binary")
def masked_binary():
    with connect() as c:
        cursor = c.cursor(binary=True)
        cursor.execute("SELECT id, ssn FROM people WHERE id = %s", [1])
        same(cursor.fetchone(), (1, "[redacted]"))


@promise("pipeline")
def pipeline():
    with connect() as c:
        c.execute("DELETE FROM notes")
        with c.pipeline() as p:
            cursors = [
                c.execute("SELECT name, ssn FROM people WHERE id = %s", [i]) for i in range(1, 101)
            ]
            c.execute("INSERT INTO notes (id) VALUES (1)")
            p.sync()
            same([x.fetchone()[0] for x in cursors], [f"name {i}" for i in range(1, 101)])
        with c.pipeline() as p:
            allowed = c.execute("SELECT 1")
            denied = c.execute("DELETE FROM kept")
            skipped = c.execute("INSERT INTO notes (id) VALUES (2)")
            refused("42501", p.sync)
            same(allowed.fetchone(), (1,))
            del denied, skipped
        same(c.execute("SELECT array_agg(id) FROM notes").fetchone(), ([1],))


@promise("prepared")
def prepared():
    with connect(prepare_threshold=0) as c:
        for i in range(1, 51):
            row = c.execute("SELECT name, ssn FROM people WHERE id = %s", [i]).fetchone()
            same(row, (f"name {i}", "[redacted]"))
        c.execute("DEALLOCATE ALL")


@promise("many rows")
def many_rows():
    with connect() as c:
        rows = c.execute("SELECT id, ssn FROM people ORDER BY id").fetchall()
        same((len(rows), rows[-1]), (20000, (20000, "[redacted]")))


@promise("cursor")
def cursor():
    with connect() as c, c.transaction():
        with c.cursor(name="slow") as portal:
            portal.itersize = 1000
            portal.execute("SELECT id, ssn FROM people ORDER BY id")
            rows = [row for row in portal]
        same((len(rows), rows[0], rows[-1][0]), (20000, (1, "[redacted]"), 20000))


@promise("copy out")
def copy_out():
    with connect() as c:
        for form in ("text", "csv", "binary"):
            query = "COPY (SELECT id, name FROM people WHERE id < 4 ORDER BY id) TO STDOUT"
            with c.cursor().copy(f"{query} (FORMAT {form})") as copy:
                if form == "csv":
                    data = b"".join(bytes(block) for block in copy)
                    same(data, b"1,name 1\n2,name 2\n3,name 3\n")
                else:
                    copy.set_types(["int4", "text"])
                    same(list(copy.rows()), [(1, "name 1"), (2, "name 2"), (3, "name 3")])


@promise("copy in")
def copy_in():
    with connect() as c:
        for form in ("", "(FORMAT binary)"):
            c.execute("DELETE FROM notes")
            with c.cursor().copy(f"COPY notes (id, text) FROM STDIN {form}") as copy:
                copy.set_types(["int4", "text"])
                for i in range(1000):
                    copy.write_row((i, f"note\t{i}"))
            same(c.execute("SELECT count(*), max(text) FROM notes").fetchone(), (1000, "note\t999"))


@promise("notifications")
def notifications():
    with connect() as listening, connect() as c:
        listening.execute("LISTEN news")
        c.execute("NOTIFY news, 'first'")
        heard = list(listening.notifies(timeout=30, stop_after=1))
        # Where columns are masked, a payload may be what a trigger copied out of one.
        same([(n.channel, n.payload) for n in heard], [("news", "")])


@promise("cancel")
def cancel():
    with connect() as c:
        timer = threading.Timer(1, c.cancel)
        timer.start()
        started = time.monotonic()
        refused("57014", lambda: c.execute("SELECT count(*) FROM people a, people b, people d"))
        timer.join()
        if time.monotonic() - started > 60:
            raise AssertionError("took too long")
        same(c.execute("SELECT 1").fetchone(), (1,))


@promise("verified TLS")
def verified_tls():
    for negotiation in ("postgres", "direct"):
        with connect(
            sslmode="verify-full",
            sslnegotiation=negotiation,
            sslrootcert=os.environ["GATEWAY_CA"],
        ) as c:
            same(c.pgconn.ssl_in_use, True)
            same(c.execute("SELECT count(*) FROM people").fetchone(), (20000,))


@promise("protocol 3.2")
def protocol_32():
    with connect(min_protocol_version="3.0", max_protocol_version="3.2") as c:
        same(c.execute("SELECT 1").fetchone(), (1,))
    try:
        connect(min_protocol_version="3.2", max_protocol_version="3.2")
    except psycopg.OperationalError:
        return
    raise AssertionError("the gateway speaks 3.0")


for name, function in PROMISES:
    try:
        function()
        print(f"ok {name}", flush=True)
    except Exception as error:
        print(f"FAILED {name}: {type(error).__name__}: {error}".replace("\n", " | "), flush=True)
