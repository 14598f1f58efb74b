"""Every rule of tidy.py fires on a tree that breaks it, and is silent on one that does not."""

import tempfile
import unittest
from pathlib import Path

import tidy


class Tidy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def findings(self, path, text, rule=None):
        """(line, rule) of each finding in a tree that holds `text` at `path`."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        found = [finding for finding in tidy.check_tree(self.root) if finding.path == path]
        return [(finding.line, finding.rule) for finding in found if rule in (None, finding.rule)]

    def test_a_clean_pair_of_files_has_no_findings(self):
        header = '#pragma once\n#include "base/error.h"\nnamespace cusp::io {\nint f();\n}\n'
        source = '#include "io/a.h"\n\nnamespace cusp::io {\nint f() { return 1; }\n}\n'
        self.assertEqual(self.findings("src/io/a.h", header), [])
        self.assertEqual(self.findings("src/io/a.cc", source), [])

    def test_an_include_that_points_upwards_is_found(self):
        self.assertEqual(self.findings("src/io/a.cc", '#include "http/message.h"\n'),
                         [(1, "layer")])

    def test_edge_and_host_do_not_see_each_other(self):
        self.assertEqual(self.findings("src/edge/a.cc", '#include "host/x.h"\n'), [(1, "layer")])
        self.assertEqual(self.findings("src/host/a.cc", '#include "edge/x.h"\n'), [(1, "layer")])

    def test_the_engine_header_is_for_the_engine_layer_only(self):
        text = '#include "cusp_engine.h"\n'
        self.assertEqual(self.findings("src/engine/a.cc", text), [])
        self.assertEqual(self.findings("src/host/a.cc", text), [(1, "layer")])

    def test_an_unknown_layer_is_found(self):
        self.assertEqual(self.findings("src/misc/a.cc", "int a;\n"), [(1, "layer")])

    def test_a_header_without_pragma_once_is_found(self):
        self.assertEqual(self.findings("src/io/a.h", "int f();\n"), [(1, "pragma-once")])

    def test_heavy_boost_in_a_header_is_found_and_allowed_in_a_source(self):
        text = "#pragma once\n#include <boost/asio.hpp>\n"
        self.assertEqual(self.findings("src/io/a.h", text), [(2, "heavy-header")])
        self.assertEqual(self.findings("src/io/b.cc", text), [])

    def test_using_namespace_in_a_header_is_found_except_for_literals(self):
        text = "#pragma once\nusing namespace std;\nusing namespace std::chrono_literals;\n"
        self.assertEqual(self.findings("src/io/a.h", text), [(2, "using-namespace")])

    def test_own_header_comes_first_in_source_and_test(self):
        self.findings("src/io/a.h", "#pragma once\n")
        text = '#include <string>\n#include "io/a.h"\n'
        self.assertEqual(self.findings("src/io/a.cc", text), [(1, "own-header")])
        self.assertEqual(self.findings("src/io/a_test.cc", text), [(1, "own-header")])

    def test_long_files_are_found_unless_they_say_why(self):
        long = "int a;\n" * 501
        self.assertEqual(self.findings("src/io/a.cc", long), [(501, "file-size")])
        self.assertEqual(self.findings("src/io/b.cc", "// Long because: a table.\n" + long), [])
        header = "#pragma once\n" + "int a;\n" * 200
        self.assertEqual(self.findings("src/io/a.h", header), [(201, "file-size")])

    def test_long_lines_are_counted_in_characters(self):
        self.assertEqual(self.findings("src/io/a.cc", "// " + "é" * 97 + "\n"), [])
        self.assertEqual(self.findings("src/io/a.cc", "// " + "é" * 98 + "\n"), [(1, "columns")])

    def test_a_long_function_is_found_where_it_starts(self):
        body = "  call();\n" * 69
        fits = "namespace a {\nint f(int b,\n      int c) {\n" + body[:-20] + "}\n}\n"
        long = "namespace a {\nvoid g() {}\nint f() {\n" + body + "}\n}\n"
        self.assertEqual(self.findings("src/io/a.cc", fits), [])
        self.assertEqual(self.findings("src/io/a.cc", long), [(3, "function-size")])

    def test_braces_in_strings_and_comments_do_not_count(self):
        body = '  f("{{{ // \\"", R"x(}" } {)x", \'{\');  // {{{\n' * 30
        text = f"void a() {{\n{body}}}\nvoid b() {{\n{body}}}\nvoid c() {{\n{body}}}\n"
        self.assertEqual(self.findings("src/io/a.cc", text), [])

    def test_a_long_class_of_short_functions_is_no_long_function(self):
        text = "class A {\n" + "  void f() {\n  }\n" * 50 + "};\n"
        self.assertEqual(self.findings("src/io/a.cc", text), [])

    def test_a_long_rust_function_is_found(self):
        text = "impl A {\n    pub async fn f(a: u8) {\n" + "        g();\n" * 70 + "    }\n}\n"
        self.assertEqual(self.findings("crates/x/src/a.rs", text), [(2, "function-size")])

    def test_banned_words_are_found_in_every_kind_of_file(self):
        word = "TO" + "DO"
        self.assertEqual(self.findings("docs/a.md", f"one\n{word}: two\n"), [(2, "banned-word")])
        self.assertEqual(self.findings("x", f"# {word}\n"), [(1, "banned-word")])

    def test_machine_paths_are_found_and_relative_ones_are_not(self):
        for folder in ("work", "root", "home", "tmp"):
            with self.subTest(folder):
                self.assertEqual(self.findings("a.md", f"see /{folder}/x\n"), [(1, "machine-path")])
        self.assertEqual(self.findings("a.md", "see ./tmp/x and a/work/b and ~/work/c\n"), [])

    def test_a_lock_file_with_another_registry_host_is_found(self):
        line = '"resolved": "https://{}/left-pad/-/left-pad-1.0.0.tgz"\n'
        self.assertEqual(self.findings("package-lock.json", line.format("registry.npmjs.org")), [])
        self.assertEqual(self.findings("package-lock.json", line.format("mirror.example")),
                         [(1, "lock-host")])

    def test_throw_is_found_in_code_and_not_in_words_about_it(self):
        self.assertEqual(self.findings("src/io/a.cc", "void f() { throw 1; }\n"), [(1, "throw")])
        self.assertEqual(self.findings("src/io/a.cc", "void f() { throw; }\n"), [(1, "throw")])
        words = '// we do not throw it\nauto a = "throw 1";\n'
        self.assertEqual(self.findings("src/io/a.cc", words), [])

    def test_the_console_belongs_to_the_command_line(self):
        text = "void f() { std::cout << 1; }\n"
        self.assertEqual(self.findings("src/io/a.cc", text), [(1, "console")])
        self.assertEqual(self.findings("src/cli/a.cc", text), [])

    def test_unsafe_outside_of_the_listed_files_is_found(self):
        text = "// SAFETY: none needed.\nunsafe { f() }\n"
        self.assertEqual(self.findings("crates/cusp-engine/src/body.rs", text), [(2, "unsafe")])
        self.assertEqual(self.findings("crates/cusp-engine/src/abi/a.rs", text), [])

    def test_unsafe_without_a_reason_is_found_also_behind_another_statement(self):
        path = "crates/cusp-engine/src/abi/a.rs"
        self.assertEqual(self.findings(path, "unsafe { f() }\n"), [(1, "unsafe")])
        text = "// SAFETY: fine.\nunsafe { f() };\nlet a = 1;\nunsafe { g() };\n"
        self.assertEqual(self.findings(path, text), [(4, "unsafe")])
        self.assertEqual(self.findings(path, '// is it unsafe { }?\nlet a = "unsafe {";\n'), [])

    def test_built_and_downloaded_folders_are_not_read(self):
        for folder in ("build", "node_modules/x", "examples/target"):
            with self.subTest(folder):
                self.assertEqual(self.findings(f"{folder}/a.md", "see /root/x\n"), [])

    def test_generated_files_are_exempt_from_sizes_and_words(self):
        text = "// Generated by `wit-bindgen`\n" + "x" * 200 + "\n" * 600
        self.assertEqual(self.findings("examples/a/bindings.h", text), [])


if __name__ == "__main__":
    unittest.main()
