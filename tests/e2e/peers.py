"""What stands on the other side of a node: an upstream, echoing sockets, clients, certificates."""

import contextlib
import http.client
import socket
import ssl
import subprocess
import threading
import time


class Origin:
    """An upstream that counts its connections and does what the path says.

    /echo      the request's body comes back while it still arrives
    /reverse   the request's body comes back, its last byte first
    /slow      the head comes after two seconds
    /stall     half of the body comes, the rest never does
    /short     the connection ends in the middle of the body
    /mute      the connection ends without an answer
    /garbage   an answer that is no HTTP
    /trailers  a body and the trailer x-checksum
    /hops      fields of the connection, one of them named by "connection"
    others     a line that names method and target
    """

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if context else 'http'}://{self.authority}"
        self.connections = 0
        self.heads = []  # the fields of each request, in the order of arrival
        self.left = threading.Event()  # the client of /stall has gone
        self._context = context
        self._open = set()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for peer in [self.listener, *self._open]:
            with contextlib.suppress(OSError):  # the other side may have closed it already
                peer.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError, EOFError, ValueError):  # left, or speaks no HTTP
            if self._context:
                peer = self._context.wrap_socket(peer, server_side=True)
            self._open.add(peer)
            with peer, peer.makefile("rb") as reader:
                while self._answer(peer, reader):
                    pass

    def _answer(self, peer, reader):
        """False: the connection ends here."""
        line = reader.readline().decode()
        if not line:
            return False
        method, target, _ = line.split(" ")
        fields = http.client.parse_headers(reader)
        self.heads.append(fields)
        if target in self._BROKEN:
            self._BROKEN[target](self, peer, reader)
            return False
        if target == "/echo":
            peer.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for piece in body_of(fields, reader):
                peer.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            peer.sendall(b"0\r\n\r\n")
            return True
        body = b"".join(body_of(fields, reader))
        if target == "/slow":
            time.sleep(2)
        if target in self._FIXED:
            peer.sendall(self._FIXED[target])
            return True
        answer = body[::-1] if target == "/reverse" else f"{method} {target}\n".encode()
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
        return True

    def _stall(self, peer, reader):
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf of it")
        with contextlib.suppress(OSError):
            reader.read()
        self.left.set()

    _BROKEN = {
        "/stall": _stall,
        "/short": lambda _, peer, __: peer.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf of it"
        ),
        "/mute": lambda *_: None,
        "/garbage": lambda _, peer, __: peer.sendall(b"SSH-2.0-x\r\n\r\n"),
    }
    _FIXED = {
        "/trailers": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"4\r\nbody\r\n0\r\nx-checksum: 42\r\n\r\n",
        "/hops": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: x-hop\r\n"
        b"keep-alive: timeout=5\r\nx-hop: 1\r\nx-kept: 2\r\n\r\n",
    }


def body_of(fields, reader):
    """The parts of a request's body as they arrive. EOFError when it ends too early."""

    def line():
        text = reader.readline()
        if not text:
            raise EOFError
        return text

    if fields.get("transfer-encoding") == "chunked":
        while size := int(line(), 16):
            yield reader.read(size)
            line()
        line()
        return
    left = int(fields.get("content-length") or 0)
    while left:
        piece = reader.read1(min(left, 65536))
        if not piece:
            raise EOFError
        left -= len(piece)
        yield piece


@contextlib.contextmanager
def echoing_sockets():
    """(TCP, UDP): the addresses of sockets that send back what they get."""
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))

    def echo_streams():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = tcp.accept()
                with peer, contextlib.suppress(OSError):
                    while data := peer.recv(4096):
                        peer.sendall(b"echo " + data)

    def echo_datagrams():
        with contextlib.suppress(OSError):
            while True:
                data, sender = udp.recvfrom(4096)
                if not data:
                    return
                udp.sendto(b"echo " + data, sender)

    threads = [threading.Thread(target=run) for run in (echo_streams, echo_datagrams)]
    for thread in threads:
        thread.start()
    yield tuple("{}:{}".format(*end.getsockname()) for end in (tcp, udp))
    tcp.shutdown(socket.SHUT_RDWR)
    udp.sendto(b"", udp.getsockname())
    for thread in threads:
        thread.join()
    tcp.close()
    udp.close()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def peer(answer, greeting=b""):
    """Accepts connections; sends `greeting`, and `answer` after the first bytes of each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    held.append(connection)
                    with contextlib.suppress(OSError):
                        connection.sendall(greeting)
                        connection.recv(65536)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def exchange(port, data, timeout=10):
    """Sends raw bytes and answers with all that comes until the node closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        client.sendall(data)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


def certificate(folder, name, *others):
    """A self-signed certificate for a host name: the paths of certificate and key.

    `others` are more subjects, as "IP:127.0.0.1"."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    subjects = ",".join([f"DNS:{name}", *others])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subjects}",
         "-days", "2", "-keyout", paths[1], "-out", paths[0]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


def tls_server(paths):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context


def curl(*arguments, data=None, timeout=20):
    """What curl prints; its failure is a failure of the test."""
    result = subprocess.run(
        ["curl", "-sS", "--max-time", str(timeout), *map(str, arguments)],
        input=data, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, (arguments, result.stderr)
    return result.stdout
