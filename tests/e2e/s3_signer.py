"""Signature Version 4 of Amazon S3 by hand, for requests that no client library would send."""

import base64
import datetime
import hashlib
import hmac
import http.client
import zlib

EMPTY = hashlib.sha256(b"").hexdigest()
REGION = "us-east-1"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()


class Signer:
    def __init__(self, access_key, secret_key, now=None):
        self.access_key = access_key
        now = now or datetime.datetime.now(datetime.UTC)
        self.time = now.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.time[:8]}/{REGION}/s3/aws4_request"
        key = f"AWS4{secret_key}".encode()
        for part in self.scope.split("/"):
            key = mac(key, part)
        self.key = key
        self.previous = ""

    def fields(self, host, method, path, query="", payload=EMPTY, extra=None):
        """The fields of a request, signed; `path` and `query` are canonical already."""
        fields = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": self.time}
        fields |= extra or {}
        names = ";".join(sorted(fields))
        lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self.time}\n{self.scope}\n{digest}"
        self.previous = mac(self.key, text).hex()
        fields["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{self.scope}, "
            f"SignedHeaders={names}, Signature={self.previous}"
        )
        return fields

    def _chained(self, kind, *digests):
        text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", self.time, self.scope, self.previous])
        self.previous = mac(self.key, "\n".join([text, *digests])).hex()
        return self.previous

    def chunk(self, content):
        digest = hashlib.sha256(content).hexdigest()
        signature = self._chained("PAYLOAD", EMPTY, digest)
        return f"{len(content):x};chunk-signature={signature}\r\n".encode() + content

    def trailers(self, trailers):
        text = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        signature = self._chained("TRAILER", hashlib.sha256(text.encode()).hexdigest())
        lines = "".join(f"{name}:{value}\r\n" for name, value in trailers.items())
        return f"{lines}x-amz-trailer-signature:{signature}\r\n\r\n".encode()


def send(port, method, target, fields, body=None):
    """Status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body, fields)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
