"""The servers of Debian that guests reach: Postgres, MariaDB, Mosquitto. They run as their own
user, on loopback and a free port, in a folder that goes with them."""

import contextlib
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from peers import certificate, free_port

USER, PASSWORD = "app", "s3cret word"


@contextlib.contextmanager
def folder_of(user):
    """A folder of theirs, and what a process must be started with."""
    folder = Path(tempfile.mkdtemp(prefix="cusp-server-"))
    as_user = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:
        as_user["user"] = user
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give(folder, user):
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, user)


@contextlib.contextmanager
def running(command, port, as_user):
    server = subprocess.Popen(command, **as_user)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            assert server.poll() is None and time.monotonic() < deadline, command
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


class Place:
    """Where a server is, and the certificate that it shows."""

    def __init__(self, port, authority):
        self.port, self.authority = port, authority


@contextlib.contextmanager
def postgres():
    programs = Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
    with folder_of("postgres") as (folder, as_user):
        (folder / "password").write_text(PASSWORD)
        authority, key = certificate(folder, "localhost", "IP:127.0.0.1")
        key.chmod(0o600)
        give(folder, "postgres")
        port = free_port()
        subprocess.run(
            [programs / "initdb", "-D", "data", "-U", USER, "--auth=scram-sha-256", "-N",
             "--pwfile=password", "--no-locale", "-E", "UTF8"],
            check=True, **as_user,
        )  # fmt: skip
        settings = [
            "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "ssl=on",
            f"ssl_cert_file={authority}", f"ssl_key_file={key}", "max_connections=40",
        ]  # fmt: skip
        command = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
        for setting in settings:
            command += ["-c", setting]
        with running(command, port, as_user):
            yield Place(port, authority.read_text())


@contextlib.contextmanager
def mariadb():
    with folder_of("mysql") as (folder, as_user):
        (folder / "setup.sql").write_text(
            "CREATE DATABASE shop CHARACTER SET utf8mb4;\n"
            f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON shop.* TO '{USER}'@'127.0.0.1';\n"
            "CREATE USER 'nobody'@'127.0.0.1' IDENTIFIED BY '';\n"
        )
        (folder / "data").mkdir()
        give(folder, "mysql")
        port = free_port()
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, **as_user,
        )  # fmt: skip
        command = [
            "mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={folder}/socket", "--skip-name-resolve",
            f"--init-file={folder}/setup.sql", "--innodb-flush-log-at-trx-commit=0",
            f"--pid-file={folder}/pid", "--max-allowed-packet=64M",
        ]  # fmt: skip
        path = os.environ["PATH"] + ":/usr/sbin"
        with running(command, port, as_user | {"env": {"PATH": path}}):
            yield Place(port, None)


@contextlib.contextmanager
def mosquitto():
    with folder_of("mosquitto") as (folder, as_user):
        passwords = folder / "passwords"
        command = ["mosquitto_passwd", "-b", "-c", str(passwords), USER, PASSWORD]
        subprocess.run(command, check=True, capture_output=True)
        port = free_port()
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
        )
        give(folder, "mosquitto")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with running([program, "-c", folder / "mosquitto.conf"], port, as_user):
            yield Place(port, None)


class Subscriber:
    """Collects what is published below a topic."""

    def __init__(self, port, topic):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-u", USER,
             "-P", PASSWORD, "-q", "2", "-v", "-t", topic, "-d"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        while "SUBACK" not in self.process.stdout.readline():
            assert self.process.poll() is None

    def next(self):
        """Topic and text of the next message."""
        for line in self.process.stdout:
            if not line.startswith(("Client", "Subscribed")):
                return line.rstrip("\n")
        raise AssertionError("the subscriber has ended")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()
