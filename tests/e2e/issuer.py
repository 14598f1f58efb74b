"""Signs tokens with RS256, through openssl, and publishes the keys."""

import base64
import json
import subprocess
import time

from web_server import WebServer

def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer(WebServer):
    """Publishes its keys, and signs tokens with RS256 through openssl."""

    def __init__(self, folder, handler):
        self.folder, self.status, self.published = folder, 200, []
        self.add_key("k1")
        super().__init__(handler)

    def add_key(self, name, publish=True):
        path = self.folder / f"{name}.pem"
        run = subprocess.run
        run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
        modulus = run(["openssl", "rsa", "-in", path, "-noout", "-modulus"], check=True,
                      capture_output=True, text=True).stdout.strip().split("=")[1]  # fmt: skip
        if publish:
            key = {"kty": "RSA", "kid": name, "n": encode(bytes.fromhex(modulus)), "e": "AQAB"}
            self.published.append(key)

    def token(self, key="k1", **claims):
        claims = {"iss": self.url, "aud": "shop", "sub": "alice", "exp": time.time() + 60} | claims
        header = {"alg": "RS256", "kid": key}
        data = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.folder / f"{key}.pem"],
            input=data.encode(), check=True, capture_output=True,
        ).stdout  # fmt: skip
        return f"{data}.{encode(signature)}"
