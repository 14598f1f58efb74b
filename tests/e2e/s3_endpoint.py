"""A node that serves S3, for the tests of that."""

import contextlib
import hashlib
import json
import subprocess

import boto3
from botocore.config import Config
from cli_driver import CUSP
from conftest import nodes
from s3_signer import Signer, send

BUCKET = "keeps.default"
MIB = 1024 * 1024


def make_token(state, *flags, app="keeps"):
    ran = subprocess.run(
        [CUSP, "token", "create", app, "--json", "--state-dir", state, *flags],
        capture_output=True,
        text=True,
        check=True,
    )
    token = json.loads(ran.stdout)
    return token["id"], token["secret"]


class Endpoint:
    def __init__(self, server, state, stores):
        self.server, self.state, self.stores = server, state, stores
        self.url = server.wait_for(r"S3 on http").split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.keys = make_token(state, "--store", "object:*", "--write")

    def client(self, keys=None, **config):
        access_key, secret_key = keys or self.keys
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config
            ),
        )

    def signer(self, **options):
        return Signer(*self.keys, **options)

    def send(self, method, path, body=None, payload=None, extra=None, signer=None):
        digest = payload or hashlib.sha256(body or b"").hexdigest()
        signer = signer or self.signer()
        fields = signer.fields(f"127.0.0.1:{self.port}", method, path, "", digest, extra)
        return send(self.port, method, path, fields, body)


@contextlib.contextmanager
def endpoint(folder, state):
    (folder / "cusp.toml").write_text(
        'name = "keeps"\n[[route]]\npath = "/"\nstatic = { status = 204 }\n'
    )
    with nodes(state) as start:
        server = start(folder, "--s3", "127.0.0.1:0")
        yield Endpoint(server, state, folder / ".cusp/stores")


def code(caught):
    return caught.value.response["Error"]["Code"]
