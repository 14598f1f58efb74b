"""An ACME server for tests: pebble, with a name server that knows every name."""

import contextlib
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.request

import pytest
from peers import certificate, free_port, tls_server

HOME = socket.inet_aton("127.0.0.1")


@contextlib.contextmanager
def name_server():
    """The port of a name server (RFC 1035) for which every name is this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer():
            while True:
                query, client = server.recvfrom(512)
                if not query:
                    return
                end = query.index(b"\0", 12) + 5  # the question: name, type, class
                is_a = query[end - 4 : end - 2] == b"\0\x01"
                record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + HOME
                head = query[:2] + struct.pack("!5H", 0x8180, 1, int(is_a), 0, 0)
                server.sendto(head + query[12:end] + (record if is_a else b""), client)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


class Pebble:
    """Checks proofs at these two ports, and signs for `seconds`."""

    def __init__(self, folder, names, http_port, tls_port, seconds=3600, blocked=()):
        program = os.environ.get("CUSP_PEBBLE")
        if not program:
            pytest.fail("CUSP_PEBBLE does not name pebble; ./x test builds it")
        self.ca, key = certificate(folder, "localhost", "IP:127.0.0.1")
        self.port, management = free_port(), free_port()
        config = folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(self.ca), "privateKey": str(key),
            "httpPort": http_port, "tlsPort": tls_port,
            "domainBlocklist": list(blocked), "certificateValidityPeriod": seconds,
        }}))  # fmt: skip
        self.directory = f"https://127.0.0.1:{self.port}/dir"
        self.root_url = f"https://127.0.0.1:{management}/roots/0"
        self._log = open(folder / "pebble.log", "w+")
        # One nonce in five is refused: a client has to bear it.
        environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20",
                                    "PEBBLE_AUTHZREUSE": "0"}  # fmt: skip
        self.process = subprocess.Popen(
            [program, "-config", config, "-strict", "-dnsserver", f"127.0.0.1:{names}"],
            env=environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.05)

    @property
    def log(self):
        self._log.seek(0)
        return self._log.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self._log.close()


class Nonsense:
    """A server that answers every request the same; what is said stands in `answers` by path."""

    def __init__(self, folder, answers):
        pair = certificate(folder, "localhost", "IP:127.0.0.1")
        self.ca = pair[0]
        self.asked = []
        outer = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.command, self.path))
                self.rfile.read(int(self.headers.get("content-length") or 0))
                status, body = answers.get(self.path, answers.get("*", (404, b"")))
                body = body.replace(b"HERE", outer.url.encode())
                self.send_response(status)
                self.send_header("replay-nonce", "bm9uY2U")
                self.send_header("location", f"{outer.url}/account")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.socket = tls_server(pair).wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.directory = self.url + "/dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def fetch_root(pebble):
    """The certificate of the authority, in PEM form; pebble makes a new one at each start."""
    context = ssl.create_default_context(cafile=pebble.ca)
    context.check_hostname = False
    with urllib.request.urlopen(pebble.root_url, context=context) as answer:
        return answer.read().decode()
