"""Stores under kill -9: what was acknowledged is there, nothing is half there, they open at once.

CUSP_CRASH_ROUNDS says how many times (./x crash ROUNDS).
"""

import os
import random
import subprocess
import time

from cli_driver import CUSP, INSTRUMENTED

ROUNDS = int(os.environ.get("CUSP_CRASH_ROUNDS") or 50)
WRITER = CUSP.parent / "store_crash"


def test_no_acknowledged_write_is_lost_and_none_is_half_there(tmp_path):
    random.seed(20)
    opened = []
    for _ in range(ROUNDS):
        begun = time.monotonic()
        writer = subprocess.Popen([WRITER, tmp_path], stdout=subprocess.PIPE, text=True)
        try:
            assert writer.stdout.readline() == "writing\n"
            opened.append(time.monotonic() - begun)
            time.sleep(random.uniform(0, 0.08))
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    subprocess.run([WRITER, tmp_path, "check"], check=True, timeout=60)
    kv, sql, objects, messages = (
        (tmp_path / f"{kind}.acknowledged").read_text().count("\n")
        for kind in ("kv", "sql", "object", "queue")
    )
    assert min(kv, sql) > (ROUNDS if INSTRUMENTED else 3 * ROUNDS)
    assert objects > ROUNDS / 2
    assert messages > ROUNDS
    assert max(opened) < 10
    print(
        f"{ROUNDS} rounds, {kv} KV, {sql} SQL and {objects} object writes, {messages} messages, "
        f"opened in {max(opened):.2f} s at most"
    )
