"""The caches that Cusp's score is put beside, set up as the suite's own authors do it."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ }}
http {{
  access_log off;
  proxy_cache_path {folder}/store levels=1:2 keys_zone=suite:8m max_size=1000m inactive=600m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_cache suite; proxy_cache_revalidate on; proxy_http_version 1.1;
    }}
  }}
}}
"""


def nginx(folder, port, origin):
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, origin=origin))
    return ["nginx", "-p", folder, "-c", config, "-e", folder / "nginx.err"]


def varnish(folder, port, origin):
    return ["varnishd", "-F", "-n", folder / "work", "-a", f"127.0.0.1:{port}", "-b",
            f"127.0.0.1:{origin}", "-p", "default_ttl=0", "-p", "default_grace=0", "-p",
            "default_keep=3600", "-s", "malloc,64M"]  # fmt: skip


PEERS = {"nginx": ("nginx", nginx), "varnish": ("varnishd", varnish)}


class Peer:
    """A cache in front of the suite's origin, from here to the end of the block."""

    def __init__(self, name, origin, port):
        self.program, self.command = PEERS[name]
        self.name, self.origin, self.port = name, origin, port

    def installed(self):
        return shutil.which(self.program) is not None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        # Started as root, workers give up their rights and need a folder that everybody may enter.
        folder.chmod(0o755)
        command = self.command(folder, self.port, self.origin)
        with open(folder / "log", "w") as log:
            self._process = subprocess.Popen([str(part) for part in command], stdout=log,
                                             stderr=log)  # fmt: skip
        for _ in range(100):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return f"http://127.0.0.1:{self.port}"
            except OSError:
                time.sleep(0.1)
        text = (folder / "log").read_text(errors="replace")
        self.__exit__()
        raise SystemExit(f"{self.name} does not listen:\n{text[-2000:]}")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=20)
        self._folder.cleanup()
