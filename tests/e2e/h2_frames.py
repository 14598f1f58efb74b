"""HTTP/2 as an attacker speaks it: frames made by hand, and what the node answers."""

import contextlib
import select
import socket
import struct

# Frame types and error codes of RFC 9113, sections 6 and 7.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, END_HEADERS = 0x1, 0x4
ENHANCE_YOUR_CALM = 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# :method GET, :scheme http, :path / from the static table (RFC 7541, appendix A); :authority a.
GET = b"\x82\x86\x84\x41\x01a"
POST = b"\x83\x86\x84\x41\x01a"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value, indexed=False):
    """A field with a new name, with 7-bit prefixes for both lengths."""
    return (b"\x40" if indexed else b"\x00") + text(name) + text(value)


def text(value):
    return integer(len(value), 7) + value


def integer(value, bits, first=0):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out = bytes([first | limit])
    value -= limit
    while value >= 128:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


class Attacker:
    """One connection in clear text. `sent` counts what went out before the node had enough."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.sendall(PREFACE + frame(SETTINGS))
        self.sent = 0
        self.goaway = None  # its error code, once the node has sent one
        self.unread = b""

    def send(self, data, count):
        """False once the node has said goodbye or closed."""
        while select.select([self.socket], [], [], 0)[0]:
            if not self._read():
                return False
        if self.goaway is not None:
            return False
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        self.sent += count
        return True

    def finish(self):
        """Reads until the node closes or is silent for five seconds, and closes."""
        with contextlib.suppress(OSError):
            while self._read():
                pass
        self.socket.close()

    def _read(self):
        """Takes what has come; false at the end."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.unread += piece
        while len(self.unread) >= 9:
            end = 9 + int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < end:
                break
            if self.unread[3] == GOAWAY and self.goaway is None:
                self.goaway = int.from_bytes(self.unread[13:17], "big")
            self.unread = self.unread[end:]
        return piece != b""
