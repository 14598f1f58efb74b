"""Postgres, MySQL and MQTT as guests use them: Debian's servers, and peers that only say so."""

import struct
from urllib.parse import quote

import pytest
from cli_driver import guest
from conftest import nodes
from database_servers import PASSWORD, USER, Subscriber, mariadb, mosquitto, postgres
from peers import peer


@pytest.fixture(scope="module")
def pg():
    with postgres() as place:
        yield place


@pytest.fixture(scope="module")
def maria():
    with mariadb() as place:
        yield place


@pytest.fixture(scope="module")
def broker():
    with mosquitto() as place:
        yield place


@pytest.fixture
def app(tmp_path, state):
    """A node with an app of one of the SDKs that may reach the hosts given."""
    with nodes(state) as start:

        def serve(name, *hosts):
            allowed = ", ".join(f'"{host}"' for host in hosts)
            (tmp_path / "cusp.toml").write_text(
                f'name = "databases"\n[component.it]\nsource = "{guest(name)}"\n'
                f"allowed_outbound_hosts = [{allowed}]\n"
                '[component.it.limits]\ncpu_time = "10s"\n'
            )
            return start(tmp_path)

        yield serve


def pg_address(place, mode="disable", host="127.0.0.1", password=PASSWORD):
    return (
        f"postgres://{USER}:{quote(password)}@{host}:{place.port}/postgres"
        f"?sslmode={mode}&connect_timeout=5"
    )


def mysql_address(place, user=USER, password=PASSWORD):
    return f"mysql://{user}:{quote(password)}@127.0.0.1:{place.port}/shop"


def ask(server, interface, address, *lines, **headers):
    fields = {"x-address": address} | {f"x-{name}": text for name, text in headers.items()}
    status, text = server._ask("POST", f"/{interface}", "\n".join(lines).encode(), fields)
    assert status == 200, text
    return text.split("\n")


PG = [("stores-spin-5", "pg2"), ("stores-spin-5", "pg3"), ("stores-spin-5", "pg4"),
      ("stores-spin-7", "pg")]  # fmt: skip


@pytest.mark.parametrize("name, interface", PG)
def test_postgres_by_every_interface(app, pg, name, interface):
    server = app(name, f"postgres://127.0.0.1:{pg.port}")
    lines = ask(
        server, interface, pg_address(pg),
        "!CREATE TEMPORARY TABLE t (id int PRIMARY KEY, name text, score float8, raw bytea)",
        "!INSERT INTO t VALUES (1, 'one', 1.5, '\\x00ff'), (2, NULL, NULL, NULL)",
        "SELECT * FROM t ORDER BY id",
        "SELECT * FROM t WHERE false",
        "SELECT nonsense",
        "!DELETE FROM t",
    )  # fmt: skip
    assert lines[:2] == ["0", "2"]
    assert lines[2].startswith(
        "id:DbDataType::Int32,name:DbDataType::Str,score:DbDataType::Floating64,"
        "raw:DbDataType::Binary 2 "
    )
    assert 'DbValue::Str("one")' in lines[2] and "[0, 255]" in lines[2]
    assert lines[2].count("DbNull") == 3
    assert lines[3].startswith("id:") and " 0 " in lines[3]
    assert "QueryFailed" in lines[4] and 'column \\"nonsense\\" does not exist' in lines[4]
    assert lines[5] == "2"


@pytest.mark.parametrize("name, interface", PG)
def test_parameters_of_postgres_have_the_types_of_the_statement(app, pg, name, interface):
    server = app(name, f"postgres://127.0.0.1:{pg.port}")

    def one(statement, *parameters):
        given = " ".join(parameters)
        return ask(server, interface, pg_address(pg), statement, parameters=given)[0]

    assert "Int64(5)" in one("SELECT $1::bigint", "i32:5")
    assert "Int16(-3)" in one("SELECT $1::smallint", "i64:-3")
    assert "BadParameter" in one("SELECT $1::smallint", "i64:40000")
    assert 'Str("text")' in one("SELECT $1::text", "str:text")
    assert "Boolean(true)" in one("SELECT $1::boolean", "bool:true")
    assert "Floating64(2.5)" in one("SELECT $1::float8", "f64:2.5")
    assert "Binary([97, 98])" in one("SELECT $1::bytea", "bin:ab")
    assert "DbNull" in one("SELECT $1::int", "null")
    assert "not a text" in one("SELECT $1::int", "str:5")
    assert "wants 2 parameters, not 1" in one("SELECT $1::int + $2::int", "i32:1")


def test_every_type_of_postgres_that_the_interface_has_goes_both_ways(app, pg):
    server = app("stores-spin-7", f"postgres://127.0.0.1:{pg.port}")

    def one(statement, *parameters):
        given = " ".join(parameters)
        return ask(server, "pg", pg_address(pg), statement, parameters=given)[0]

    assert "Date((2026, 11, 23))" in one("SELECT $1::date", "date:2026,11,23")
    assert "Datetime((1970, 1, 2, 0, 0, 0, 0))" in one("SELECT $1::timestamptz", "timestamp:86400")
    uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert f'Uuid("{uuid}")' in one("SELECT $1::uuid", f"uuid:{uuid}")
    assert one("SELECT ($1::jsonb)->>'a'", 'jsonb:{"a":"x"}').endswith('Str("x")]')
    assert 'Decimal("12.50")' in one("SELECT $1::numeric", "decimal:12.50")
    assert "RangeInt32" in one("SELECT $1::int4range", "range:1,9")
    assert "ArrayInt32([Some(1), Some(2)])" in one("SELECT $1::int[]", "array:1,2")
    assert "micros: 7, days: 1, months: 2" in one("SELECT $1::interval", "interval:7")
    assert "Time((23, 59, 58, 500000000))" in one("SELECT time '23:59:58.5'")
    assert 'ArrayStr([Some("a,b"), None])' in one("SELECT ARRAY['a,b', NULL]::text[]")
    assert "Unsupported" in one("SELECT point(1,2)")
    assert "ValueConversionFailed" in one("SELECT 'infinity'::date")
    refusal = one("INSERT INTO pg_class (oid) VALUES (1)")
    assert 'code: "42501"' in refusal or 'code: "23502"' in refusal


def test_a_transaction_of_postgres_belongs_to_its_connection(app, pg):
    server = app("stores-spin-5", f"postgres://127.0.0.1:{pg.port}")
    address = pg_address(pg)
    ask(server, "pg4", address, "!CREATE TABLE kept (n int)")
    lines = ask(server, "pg4", address, "!BEGIN", "!INSERT INTO kept VALUES (1)")
    assert lines == ["0", "1"]
    # The request is over, and its connection with it: nothing was committed.
    assert " 1 [DbValue::Int64(0)]" in ask(server, "pg4", address, "SELECT count(*) FROM kept")[0]
    ask(server, "pg4", address, "!BEGIN", "!INSERT INTO kept VALUES (1)", "!COMMIT")
    assert " 1 [DbValue::Int64(1)]" in ask(server, "pg4", address, "SELECT count(*) FROM kept")[0]


def test_postgres_by_tls_trusts_whom_the_guest_names_and_nobody_else(app, pg):
    server = app("stores-spin-7", f"postgres://*:{pg.port}", f"postgres://127.0.0.1:{pg.port}")
    question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    authority = pg.authority.replace("\n", "|")
    address = pg_address(pg, "require")
    assert "Boolean(true)" in ask(server, "pg", address, question, ca=authority)[0]
    assert "not trusted" in ask(server, "pg", address, question)[0]
    assert "no authorities" in ask(server, "pg", address, question, ca="nonsense")[0]
    assert "Boolean(false)" in ask(server, "pg", pg_address(pg), question)[0]


def test_a_wrong_password_of_postgres_is_an_error_that_does_not_repeat_it(app, pg):
    server = app("stores-spin-5", f"postgres://127.0.0.1:{pg.port}")
    (refused,) = ask(server, "pg4", pg_address(pg, password="wr0ng"), "SELECT 1")
    assert "ConnectionFailed" in refused and "password authentication failed" in refused
    assert "wr0ng" not in refused and "wr0ng" not in server.output


@pytest.mark.parametrize(
    "address, reason",
    [
        ("postgres://a:b@127.0.0.1:1/x", "does not list postgres://127.0.0.1:1"),
        ("postgres://a:b@localhost:5432/x", "does not list postgres://localhost:5432"),
        ("host=/var/run/postgresql user=a", "only hosts with a name"),
        ("postgres://127.0.0.1:5432/x", "names no user"),
        ("nonsense", "is no Postgres one"),
        ("", "names no"),
    ],
)
def test_an_address_of_postgres_that_may_not_be_or_is_none_is_refused(app, address, reason):
    server = app("stores-spin-5", "postgres://127.0.0.1:5432")
    (refused,) = ask(server, "pg4", address, "SELECT 1")
    assert "ConnectionFailed" in refused and reason in refused


def test_a_private_address_behind_a_name_is_refused(app):
    server = app("stores-spin-5", "postgres://*:*", "mysql://*:*", "mqtt://*:*")
    for interface, address in [
        ("pg4", "postgres://a:b@localhost:5432/x"),
        ("mysql", "mysql://a:b@localhost/x"),
        ("mqtt", "mqtt://localhost"),
    ]:
        assert "may not be reached" in ask(server, interface, address, "SELECT 1")[0]


def test_a_large_result_of_postgres_is_an_error_and_the_node_stays_small(app, pg):
    server = app("stores-spin-5", f"postgres://127.0.0.1:{pg.port}")
    ask(server, "pg4", pg_address(pg), "SELECT 1")
    before = server.resident()
    rows = ask(server, "pg4", pg_address(pg), "SELECT generate_series(1, 1000000)")[0]
    assert "the result is larger than" in rows
    wide = ask(server, "pg4", pg_address(pg), "SELECT repeat('x', 100000000)")[0]
    assert "the server's answer is too large" in wide
    assert server.resident() - before < 160 << 20


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_mysql_by_every_interface(app, maria, name):
    server = app(name, f"mysql://127.0.0.1:{maria.port}")
    table = f"t_{name[-1]}"
    lines = ask(
        server, "mysql", mysql_address(maria),
        f"!CREATE TABLE {table} (id INT PRIMARY KEY, name TEXT, big BIGINT UNSIGNED, raw BLOB, "
        "price DECIMAL(9,2), at DATETIME)",
        f"!INSERT INTO {table} VALUES (1, 'naïve ☃', 18446744073709551615, x'00ff', 12.5, "
        "'2026-11-23 10:00:00'), (2, NULL, NULL, NULL, NULL, NULL)",
        f"SELECT * FROM {table} ORDER BY id",
        f"SELECT * FROM {table} WHERE false",
        "SELECT nonsense",
        "SELECT 1",
    )  # fmt: skip
    assert lines[2].startswith(
        "id:DbDataType::Int32,name:DbDataType::Str,big:DbDataType::Uint64,"
        "raw:DbDataType::Binary,price:DbDataType::Other,at:DbDataType::Other 2 "
    )
    for value in ["naïve ☃", "18446744073709551615", "[0, 255]", "12.50", "2026-11-23 10:00:00"]:
        assert value in lines[2]
    assert lines[2].count("DbNull") == 5
    assert " 0 " in lines[3]
    assert "QueryFailed" in lines[4] and "Unknown column" in lines[4]
    # After the server's refusal the connection goes on.
    assert "Int32(1)" in lines[5] or "Int64(1)" in lines[5]


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_parameters_of_mysql_are_values_and_no_text(app, maria, name):
    server = app(name, f"mysql://127.0.0.1:{maria.port}")

    def one(statement, parameters=""):
        return ask(server, "mysql", mysql_address(maria), statement, parameters=parameters)[0]

    assert "7" in one("SELECT ? + ?", "i64:3 i64:4")
    assert "');DROP" in one("SELECT ?", "str:');DROP")
    assert "DbNull" in one("SELECT ?", "null")
    assert "wants 2 parameters, not 1" in one("SELECT ? + ?", "i64:3")


def test_a_procedure_of_mysql_answers_its_first_result(app, maria):
    server = app("stores-spin-5", f"mysql://127.0.0.1:{maria.port}")
    lines = ask(
        server, "mysql", mysql_address(maria),
        "!CREATE PROCEDURE both_of() BEGIN SELECT 1 AS a; SELECT 2 AS b; END",
        "CALL both_of()",
        "SELECT 3",
    )  # fmt: skip
    assert lines[1].startswith("a:") and " 1 " in lines[1]
    assert "(3)" in lines[2]


def test_mysql_refuses_who_it_should_and_nothing_repeats_a_password(app, maria):
    server = app("stores-spin-5", f"mysql://127.0.0.1:{maria.port}")
    (refused,) = ask(server, "mysql", mysql_address(maria, password="wr0ng"), "SELECT 1")
    assert "ConnectionFailed" in refused and "Access denied" in refused
    assert "wr0ng" not in refused
    tls = mysql_address(maria) + "?ssl-mode=REQUIRED"
    assert "the server does not offer TLS" in ask(server, "mysql", tls, "SELECT 1")[0]
    empty = f"mysql://nobody@127.0.0.1:{maria.port}/"
    assert "(1)" in ask(server, "mysql", empty, "SELECT 1")[0]


def test_a_large_result_of_mysql_is_an_error_and_the_next_statement_an_answer(app, maria):
    server = app("stores-spin-5", f"mysql://127.0.0.1:{maria.port}")
    lines = ask(
        server, "mysql", mysql_address(maria), "SELECT seq FROM seq_1_to_200000", "SELECT 5"
    )
    assert "the result is larger than 100000 rows" in lines[0]
    assert "(5)" in lines[1]
    (wide,) = ask(server, "mysql", mysql_address(maria), "SELECT REPEAT('x', 60000000)")
    assert "error" in wide


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_mqtt_publishes_with_each_quality_of_service(app, broker, name):
    server = app(name, f"mqtt://127.0.0.1:{broker.port}")
    address = f"mqtt://127.0.0.1:{broker.port}?client_id={name}"
    subscriber = Subscriber(broker.port, f"{name}/#")
    try:
        lines = ask(
            server, "mqtt", address, *[f"{q} {name}/{q} hello {q}" for q in (0, 1, 2)],
            parameters=f"{USER} {PASSWORD}",
        )  # fmt: skip
        assert lines == ["()"] * 3
        assert [subscriber.next() for _ in range(3)] == [f"{name}/{q} hello {q}" for q in (0, 1, 2)]
    finally:
        subscriber.close()


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_mqtt_refuses_what_cannot_be(app, broker, name):
    server = app(name, f"mqtt://127.0.0.1:{broker.port}")
    address = f"mqtt://127.0.0.1:{broker.port}"
    (refused,) = ask(server, "mqtt", address, "0 a b", parameters=f"{USER} wr0ng")
    assert "ConnectionFailed" in refused and "wr0ng" not in refused
    assert ask(server, "mqtt", "nonsense", "0 a b") == ["error: Error::InvalidAddress"]
    assert "does not list mqtt" in ask(server, "mqtt", "mqtt://127.0.0.1:1", "0 a b")[0]
    login = {"parameters": f"{USER} {PASSWORD}"}
    assert "cannot be sent" in ask(server, "mqtt", address, "1 a/# b", **login)[0]


def greeting(capabilities=0x81BFF7FF, plugin=b"mysql_native_password"):
    """A server's first packet, protocol 10."""
    low, high = struct.pack("<HH", capabilities & 0xFFFF, capabilities >> 16)[:2], b""
    low = struct.pack("<H", capabilities & 0xFFFF)
    high = struct.pack("<H", capabilities >> 16)
    body = (b"\x0a8.0.0\0" + struct.pack("<I", 7) + b"a" * 8 + b"\0" + low + b"\x2d\2\0" + high
            + b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0" + plugin + b"\0")  # fmt: skip
    return packet(0, body)


def packet(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


OK = b"\0\0\0\2\0\0\0"

# What each server says at once, and when it has heard something.
HOSTILE = {
    "pg nothing": ("pg4", b"", b""),
    "pg nonsense": ("pg4", b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "pg a huge length": ("pg4", b"", b"NR\x7f\xff\xff\xff\0\0\0\0"),
    "pg a negative length": ("pg4", b"", b"NR\xff\xff\xff\xff\0\0\0\0"),
    "pg ready at once": ("pg4", b"", b"NR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
    "pg endless notices": ("pg4", b"", b"N" + b"N\0\0\0\x0aSx\0\0\0\0" * 100_000),
    "pg unknown authentication": ("pg4", b"", b"NR\0\0\0\x08\0\0\0\x63"),
    "pg SCRAM nonsense": ("pg4", b"", 
        b"NR\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x0c\0\0\0\x0br=x"),
    "mysql nothing": ("mysql", b"", b""),
    "mysql nonsense": ("mysql", b"SSH-2.0-OpenSSH\r\n", b""),
    "mysql empty packets": ("mysql", b"\0\0\0\0" * 1000, b""),
    "mysql a huge packet": ("mysql", b"\xff\xff\xff\0" + b"x" * 1000, b""),
    "mysql a short greeting": ("mysql", packet(0, b"\x0a8"), b""),
    "mysql an error": ("mysql", packet(0, b"\xff\x10\x04Too many connections"), b""),
    "mysql an old password": ("mysql", greeting(), packet(2, b"\xfe")),
    "mysql a password in the clear": (
        "mysql", greeting(), packet(2, b"\xfemysql_clear_password\0")),
    "mysql endless switches": (
        "mysql", greeting(), b"".join(
            packet(2 + 2 * i, b"\xfemysql_native_password\0" + b"c" * 20 + b"\0")
            for i in range(50))),
    "mysql a key that is none": (
        "mysql", greeting(plugin=b"caching_sha2_password"),
        packet(2, b"\x01\x04") + packet(4, b"\x01-----BEGIN PUBLIC KEY-----\nAAAA\n")),
    "mysql a wish for a file": (
        "mysql", greeting(), packet(2, OK) + packet(1, b"\0" + struct.pack("<IHHBH", 1, 0, 0, 0, 0))
        + packet(1, b"\xfb/etc/passwd")),
    "mysql a billion columns": (
        "mysql", greeting(), packet(2, OK) + packet(1, b"\0" + struct.pack("<IHHBH", 1, 0, 0, 0, 0))
        + packet(1, b"\xfe" + b"\xff" * 8)),
    "mqtt nothing": ("mqtt", b"", b""),
    "mqtt nonsense": ("mqtt", b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "mqtt a length that does not end": ("mqtt", b"", b"\x20\xff\xff\xff\xff\xff"),
    "mqtt a huge length": ("mqtt", b"", b"\x30\xff\xff\xff\x7f" + b"x" * 100_000),
    "mqtt a refusal": ("mqtt", b"", b"\x20\x02\x00\x05"),
    "mqtt messages nobody asked for": (
        "mqtt", b"", b"\x20\x02\x00\x00" + b"\x30\x05\x00\x01aXX" * 50_000),
    "mqtt another's acknowledgement": ("mqtt", b"", b"\x20\x02\x00\x00\x40\x02\x12\x34"),
}  # fmt: skip


@pytest.fixture(scope="module")
def reaching(state, tmp_path_factory):
    """A node that the tests of hostile servers share."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "cusp.toml").write_text(
        f'name = "hostile"\n[component.it]\nsource = "{guest("stores-spin-5")}"\n'
        'allowed_outbound_hosts = ["*://127.0.0.1:*"]\n[component.it.limits]\nwall_time = "1s"\n'
    )
    with nodes(state) as start:
        yield start(folder)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_server_fails_its_own_request(reaching, case):
    interface, first, answer = HOSTILE[case]
    scheme, path = {"pg4": ("postgres", "/x"), "mysql": ("mysql", "/x"), "mqtt": ("mqtt", "")}[
        interface
    ]
    before = reaching.resident()
    with peer(answer, greeting=first) as port:
        login = "a:b@" if path else ""
        address = f"{scheme}://{login}127.0.0.1:{port}{path}"
        fields = {"x-address": address}
        lines = "1 topic text" if interface == "mqtt" else "SELECT 1"
        status, text = reaching._ask("POST", f"/{interface}", lines, fields)
    # A server that says nothing holds its request until that has had its time.
    assert (status == 200 and text.startswith("error: ")) or status == 504, (status, text)
    assert reaching.resident() - before < 64 << 20
    assert "no such path" in reaching._ask("POST", "/", "", {})[1]
    assert reaching.process.poll() is None
