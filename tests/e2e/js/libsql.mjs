// Drives a database with libSQL's clients as they come from npm, and prints what they saw: a line of
// JSON for each step. Arguments: the database's URL, a token that writes, one that reads.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, write, read] = process.argv.slice(2);
const require = createRequire(process.env.CUSP_JS_CLIENTS + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { createClient } = await load("@libsql/client");
const { connect } = await load("@tursodatabase/serverless");

const show = (step, value) =>
  console.log(JSON.stringify({ step, value }, (_, v) => (typeof v === "bigint" ? Number(v) : v)));
const failure = (promise) => promise.then(() => "no error", (error) => `${error.code}: ${error.message}`);
const count = async (on, table) => (await on.execute(`SELECT count(*) AS c FROM ${table}`)).rows[0].c;

const db = createClient({ url: url + "/", authToken: write });
await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB, r REAL)");
const inserted = await db.execute({
  sql: "INSERT INTO t (name, data, r) VALUES (?, ?, ?)",
  args: ["é", new Uint8Array([0, 1, 255]), 1.5],
});
show("insert", [inserted.lastInsertRowid, inserted.rowsAffected]);
const one = (await db.execute({ sql: "SELECT * FROM t WHERE name = :n", args: { n: "é" } })).rows[0];
show("row", [one.id, one.name, [...new Uint8Array(one.data)], one.r]);
show("constraint", await failure(db.execute("INSERT INTO t (name) VALUES ('é')")));
const twice = ["INSERT INTO t (name) VALUES ('a')", "INSERT INTO t (name) VALUES ('a')"];
show("failed batch", await failure(db.batch(twice, "write")));
show("after failed batch", await count(db, "t"));
const transaction = await db.transaction("write");
await transaction.execute("INSERT INTO t (name) VALUES ('b')");
show("within", await count(transaction, "t"));
await transaction.rollback();
show("rolled back", await count(db, "t"));
const reading = await db.transaction("read");
show("read transaction", await count(reading, "t"));
await reading.commit();
await db.executeMultiple("CREATE TABLE u (a); INSERT INTO u VALUES (';'); INSERT INTO u VALUES (2);");
show("script", await count(db, "u"));
await db.migrate(["CREATE TABLE w (a)"]);

const reader = createClient({ url: url + "/", authToken: read });
show("reader reads", await count(reader, "u"));
show("reader writes", await failure(reader.execute("DELETE FROM u")));
show("no token", await failure(createClient({ url: url + "/", authToken: "x" }).execute("SELECT 1")));

const serverless = connect({ url, authToken: write });
const statement = await serverless.prepare("SELECT a FROM u WHERE a = ?");
show("serverless row", await statement.get([2]));
let rows = 0;
const many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, hex(zeroblob(50)) FROM n";
for await (const _ of (await serverless.prepare(many)).iterate()) rows += 1;
show("serverless cursor", rows);
await serverless.exec("CREATE TABLE x (a); INSERT INTO x VALUES (1);");
await serverless.batch(["INSERT INTO x VALUES (2)", "INSERT INTO x VALUES (3)"]);
show("serverless batch", await count(db, "x"));
show("serverless error", await failure(serverless.run("SELECT nope")));
db.close();
