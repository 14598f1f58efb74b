"""Starts a node with the example applications, says where each answers, and waits for its end.

usage: run_examples.py CUSP CONFIG [ARGUMENT…]      Ctrl-C stops the node gracefully
"""

import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

READY = re.compile(r"listening on (https?)://(?:[\w.\-]+|\[[\w:]+\]):(\d+)")


def hosts_of(config):
    """(application, host name) of each [[app]] of a node's configuration, in its order."""
    for app in config.get("app", []):
        for host in app.get("hosts", []):
            yield Path(app["path"]).name, host


def lines_for(config, scheme, port):
    """What a person types to see each application."""
    rows = list(hosts_of(config))
    width = max((len(name) for name, _ in rows), default=0)
    insecure = "-k " if scheme == "https" else ""
    return [f"  {name:{width}}  curl {insecure}--resolve {host}:{port}:127.0.0.1 "
            f"{scheme}://{host}:{port}/" for name, host in rows]


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    cusp, path, *rest = arguments
    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    # The node is in our process group and gets Ctrl-C itself; we wait for what it makes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    node = subprocess.Popen(
        [cusp, "node", "--config", path, *rest], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    signal.signal(signal.SIGTERM, lambda *_: node.terminate())
    announced = False
    for line in node.stdout:
        print(line, end="", flush=True)
        found = READY.search(line)
        if found and not announced:
            announced = True
            print("\nThe example applications (any browser opens *.localhost without --resolve):")
            print("\n".join(lines_for(config, *found.groups())))
            print("Ctrl-C stops the node.\n", flush=True)
    return node.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
