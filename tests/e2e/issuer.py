"""Signs tokens with RS256, through openssl, and publishes the keys."""

import base64
import http.server
import json
import subprocess
import threading
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer(http.server.ThreadingHTTPServer):
    """Publishes its keys, and signs tokens with RS256 through openssl."""

    daemon_threads = True

    def __init__(self, folder, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.folder, self.asked, self.status, self.published = folder, 0, 200, []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.add_key("k1")
        threading.Thread(target=self.serve_forever, daemon=True).start()

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
