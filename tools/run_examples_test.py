import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import run_examples

CONFIG = """
[[app]]
path = "hello-rust"
hosts = ["hello.localhost"]
[[app]]
path = "apps/shop"
hosts = ["shop.localhost"]
"""
FAKE_NODE = """#!/bin/sh
echo "listening on http://127.0.0.1:8123"
exit 5
"""


class RunExamples(unittest.TestCase):
    def run_node(self, node, config):
        with tempfile.TemporaryDirectory() as folder:
            program, file = Path(folder, "cusp"), Path(folder, "node.toml")
            program.write_text(node)
            program.chmod(0o755)
            file.write_text(config)
            return subprocess.run([sys.executable, run_examples.__file__, program, file],
                                  capture_output=True, text=True, check=False)

    def test_each_app_gets_a_curl_line_with_the_port_that_the_node_said(self):
        lines = self.run_node(FAKE_NODE, CONFIG).stdout
        self.assertIn("hello-rust  curl --resolve hello.localhost:8123:127.0.0.1 "
                      "http://hello.localhost:8123/", lines)
        self.assertIn("shop        curl --resolve shop.localhost:8123:127.0.0.1", lines)

    def test_the_exit_code_is_the_nodes(self):
        self.assertEqual(self.run_node(FAKE_NODE, CONFIG).returncode, 5)

    def test_a_node_that_never_listens_gets_no_curl_lines(self):
        result = self.run_node("#!/bin/sh\necho no; exit 1\n", CONFIG)
        self.assertEqual((result.stdout, result.returncode), ("no\n", 1))

    def test_a_broken_configuration_is_named(self):
        result = self.run_node(FAKE_NODE, "[[app\n")
        self.assertEqual(result.returncode, 2)
        self.assertIn("node.toml: ", result.stderr)


if __name__ == "__main__":
    unittest.main()
