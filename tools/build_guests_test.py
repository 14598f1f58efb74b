"""Which guests in Rust are built, and which come from the repository."""

import hashlib
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import build_guests
from build_guests import BuildError, Group, Guest


class WithoutTheRustTarget(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.source = self.root / "guest" / "lib.rs"
        self.source.parent.mkdir()
        self.source.write_text("fn main() {}")
        self.prebuilt = self.root / "prebuilt"
        self.prebuilt.mkdir()
        (self.prebuilt / "guest.wasm").write_bytes(b"\0asm")
        self.built = []
        self.group = Group("guests", [self.source.parent], [Guest("guest")], self.build, ["cargo"])
        for owner, name, value in [
            (build_guests, "ROOT", self.root),
            (build_guests, "OUT", self.root / "out"),
            (build_guests, "CACHE", self.root / "cache"),
            (build_guests, "PREBUILT", self.prebuilt),
            (build_guests, "say", lambda _: None),
            (build_guests, "rust_environment", lambda: {}),
            (build_guests, "need", lambda *_: None),
            (build_guests, "run", lambda *_: "version"),
            (build_guests.rust_wasi, "has_target", lambda: False),
            (build_guests.rust_wasi, "version", lambda: None),
        ]:
            patch = mock.patch.object(owner, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.write_index(hashlib.sha256(b"\0asm").hexdigest())

    def write_index(self, digest):
        entry = {"sources": self.group.sources(), "guests": {"guest": digest}}
        (self.prebuilt / "index.json").write_text(json.dumps({"guests": entry}))

    def build(self, group, out):
        self.built.append(group.name)
        (out / "guest.wasm").write_bytes(b"built")

    def guest(self):
        return (self.root / "out" / "guest.wasm").read_bytes()

    def test_a_guest_of_unchanged_sources_comes_from_the_repository(self):
        build_guests.make(self.group)
        self.assertEqual(self.guest(), b"\0asm")
        self.assertEqual(self.built, [])
        self.assertEqual(build_guests.rust_packages([self.group]), [])

    def test_a_guest_of_changed_sources_is_built_with_debians_rust(self):
        self.source.write_text("fn main() { panic!() }")
        with mock.patch.object(build_guests.rust_wasi, "version", lambda: "1.96.0"):
            build_guests.make(self.group)
        self.assertEqual(self.guest(), b"built")

    def test_changed_sources_without_debians_rust_name_the_packages(self):
        self.source.write_text("fn main() { panic!() }")
        with self.assertRaisesRegex(BuildError, "apt-get install .*rust-web-src"):
            build_guests.make(self.group)
        self.assertIn("rust-web-src", build_guests.rust_packages([self.group]))

    def test_a_group_that_the_index_does_not_name_needs_the_packages(self):
        (self.prebuilt / "index.json").write_text("{}")
        self.assertIn("rust-web-src", build_guests.rust_packages([self.group]))

    def test_a_binary_other_than_the_index_says_is_refused(self):
        self.write_index(hashlib.sha256(b"other").hexdigest())
        with self.assertRaisesRegex(BuildError, "guest.wasm is not what index.json says"):
            build_guests.make(self.group)
        self.assertFalse((self.root / "out").exists())

    def test_with_the_target_everything_is_built(self):
        with mock.patch.object(build_guests.rust_wasi, "has_target", lambda: True):
            build_guests.make(self.group)
            self.assertEqual(build_guests.rust_packages([self.group]), [])
        self.assertEqual(self.guest(), b"built")


if __name__ == "__main__":
    unittest.main()
