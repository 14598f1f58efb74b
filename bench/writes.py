"""Durable writes of our stores beside those of the libraries beneath them, on the same disk."""

import shutil
import subprocess

WRITERS = (1, 8, 64, 512)
# Ours and the library's own. "sqlite" is one thread that has all rows at hand, and writes as many
# in a transaction as there are writers: a bound. "sqlite-threads" is how SQLite serves as many.
PAIRS = (("kv", "rocksdb"), ("sql", "sqlite-threads"), ("sql", "sqlite"))


def writes(lab, options, say):
    """{kind: {writers: [{"rate": writes in a second}, …]}}"""
    program = lab.cusp_binary.parent / "store_writes"
    folder = lab.folder / "writes"
    kinds = list(dict.fromkeys(kind for pair in PAIRS for kind in pair))
    rounds = {kind: {str(writers): [] for writers in WRITERS} for kind in kinds}
    for number in range(options.rounds):
        for writers in WRITERS:
            # In turns, and the other one first every second round.
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                done = subprocess.run(
                    [program, kind, str(writers), str(options.seconds), folder],
                    capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(f"store_writes {kind}: {done.stderr.strip()}")
                rounds[kind][str(writers)].append({"rate": float(done.stdout)})
        say(f"writes: round {number + 1} of {options.rounds}")
    shutil.rmtree(folder, ignore_errors=True)
    return rounds
