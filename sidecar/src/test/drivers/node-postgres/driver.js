// What an agent does with node-postgres. Connects as PGHOST, PGPORT, ... say; one line per promise.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');

const promises = [];
const promise = (name, action) => promises.push([name, action]);

async function connected(action) {
  const client = new Client();
  await client.connect();
  try {
    await action(client);
  } finally {
    await client.end();
  }
}

async function refused(state, action) {
  try {
    await action();
  } catch (error) {
    assert.strictEqual(error.code, state, error.message);
    return error;
  }
  throw new Error('was not refused');
}

promise('parameters', () =>
  connected(async (c) => {
    const { rows } = await c.query('SELECT name FROM people WHERE id = $1', [7]);
    assert.deepStrictEqual(rows, [{ name: 'name 7' }]);
    const joined = await c.query("SELECT $1::text || $2 AS v", ["a'b", 'ü']);
    assert.deepStrictEqual(joined.rows, [{ v: "a'bü" }]);
  }));

promise('types', () =>
  connected(async (c) => {
    const at = new Date('2026-03-02T10:00:00.123Z');
    const values = [1, 'line\nünï', at, Buffer.from([0, 255, 92]), ['a', null, 'b"c'],
      { k: [1, null, 'x'] }, '12345678901234.5678'];
    await c.query('DELETE FROM notes WHERE id = 1');
    await c.query(
      'INSERT INTO notes (id, text, at, data, tags, extra, amount) VALUES ($1, $2, $3, $4, $5, $6, $7)',
      values);
    const { rows } = await c.query({ text: 'SELECT * FROM notes WHERE id = $1', values: [1], rowMode: 'array' });
    assert.deepStrictEqual(rows, [values]);
    assert.deepStrictEqual((await c.query('SELECT NULL::int AS v')).rows, [{ v: null }]);
  }));

promise('transactions', () =>
  connected(async (c) => {
    await c.query('DELETE FROM notes');
    await c.query('BEGIN');
    await c.query('INSERT INTO notes (id) VALUES (1)');
    await c.query('SAVEPOINT s');
    await c.query('INSERT INTO notes (id) VALUES (2)');
    await c.query('ROLLBACK TO SAVEPOINT s');
    await c.query('COMMIT');
    assert.deepStrictEqual((await c.query('SELECT id FROM notes')).rows, [{ id: 1 }]);
  }));

promise('refusal', () =>
  connected(async (c) => {
    for (const query of ['DELETE FROM kept', { text: 'DELETE FROM kept WHERE id = $1', values: [1] }]) {
      const error = await refused('42501', () => c.query(query));
      assert.match(error.message, /public\.kept/);
      assert.match(error.hint, /^Allowed here:/);
      assert.deepStrictEqual((await c.query('SELECT 1 AS v')).rows, [{ v: 1 }]);
    }
    await c.query('BEGIN');
    await refused('42501', () => c.query('DROP TABLE kept'));
    await refused('25P02', () => c.query('SELECT 1'));
    await c.query('ROLLBACK');
    assert.deepStrictEqual((await c.query('SELECT 1 AS v')).rows, [{ v: 1 }]);
  }));

promise('masked text', () =>
  connected(async (c) => {
    const { rows } = await c.query('SELECT id, ssn FROM people WHERE id = $1', [1]);
    assert.deepStrictEqual(rows, [{ id: 1, ssn: '[redacted]' }]);
  }));

promise('masked binary', () =>
  connected(async (c) => {
    const { rows } = await c.query({ text: 'SELECT id, ssn FROM people WHERE id = $1', values: [1], binary: true });
    assert.deepStrictEqual(rows, [{ id: 1, ssn: '[redacted]' }]);
  }));

promise('prepared', () =>
  connected(async (c) => {
    for (let i = 1; i <= 50; i++) {
      const { rows } = await c.query({ name: 'person', text: 'SELECT name, ssn FROM people WHERE id = $1', values: [i] });
      assert.deepStrictEqual(rows, [{ name: `name ${i}`, ssn: '[redacted]' }]);
    }
  }));

promise('many rows', () =>
  connected(async (c) => {
    const { rows } = await c.query('SELECT id, ssn FROM people ORDER BY id');
    assert.strictEqual(rows.length, 20000);
    assert.deepStrictEqual(rows[19999], { id: 20000, ssn: '[redacted]' });
  }));

promise('cursor', () =>
  connected(async (c) => {
    const cursor = c.query(new Cursor('SELECT id, ssn FROM people WHERE id <= $1 ORDER BY id', [2500]));
    let seen = 0;
    for (let rows = await cursor.read(1000); rows.length > 0; rows = await cursor.read(1000)) {
      rows.forEach((row) => assert.strictEqual(row.ssn, '[redacted]'));
      seen += rows.length;
    }
    await cursor.close();
    assert.strictEqual(seen, 2500);
    assert.deepStrictEqual((await c.query('SELECT 1 AS v')).rows, [{ v: 1 }]);
  }));

promise('pool', async () => {
  const pool = new Pool({ max: 5 });
  try {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => pool.query('SELECT name FROM people WHERE id = $1', [i + 1])));
    results.forEach((result, i) => assert.strictEqual(result.rows[0].name, `name ${i + 1}`));
  } finally {
    await pool.end();
  }
});

promise('notifications', () =>
  connected(async (c) => {
    const heard = new Promise((resolve) => c.once('notification', resolve));
    await c.query('LISTEN news');
    await connected((other) => other.query("NOTIFY news, 'first'"));
    // Where columns are masked, a payload may be what a trigger copied out of one.
    const { channel, payload } = await heard;
    assert.deepStrictEqual([channel, payload], ['news', '']);
  }));

promise('cancel', () =>
  connected(async (c) => {
    // The driver has no call of its own for it: what it sends is a connection with a CancelRequest.
    const canceller = new Client();
    const { processID, secretKey } = c;
    setTimeout(() => {
      canceller.connection.on('connect', () => canceller.connection.cancel(processID, secretKey));
      canceller.connection.connect(Number(process.env.PGPORT), process.env.PGHOST);
    }, 1000);
    await refused('57014', () => c.query('SELECT count(*) FROM people a, people b, people d'));
    assert.deepStrictEqual((await c.query('SELECT 1 AS v')).rows, [{ v: 1 }]);
  }));

promise('verified TLS', async () => {
  const ca = fs.readFileSync(process.env.GATEWAY_CA, 'utf8');
  const client = new Client({ ssl: { ca, host: process.env.PGHOST } });
  await client.connect();
  try {
    assert.ok(client.connection.stream.encrypted && client.connection.stream.authorized);
    assert.deepStrictEqual((await client.query('SELECT 1 AS v')).rows, [{ v: 1 }]);
  } finally {
    await client.end();
  }
});

(async () => {
  for (const [name, action] of promises) {
    try {
      await action();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`FAILED ${name}: ${error.message}`.replace(/\n/g, ' | '));
    }
  }
})();
