"""Debian's Redis, on loopback and a free port, as nobody."""

import contextlib
import os
import socket
import subprocess
import time

from peers import free_port


def ready(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as peer:
        peer.sendall(b"PING\r\n")
        return peer.recv(1) != b""
    return False


@contextlib.contextmanager
def redis_server(*flags, port=None):
    """Its port."""
    port = port or free_port()
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, *flags], cwd="/", stdout=subprocess.DEVNULL, **user)
    try:
        deadline = time.monotonic() + 20
        while not ready(port):
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()
