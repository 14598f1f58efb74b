import unittest

import count_results

PYTEST = """
FAILED tests/e2e/test_limits.py::test_a - assert 12 passed
=== 2 failed, 30 passed, 1 skipped, 1 error in 3.10s ===
"""

CARGO = """
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
"""


class CountResults(unittest.TestCase):
    def test_ctest_total_is_split_into_passed_and_failed(self):
        text = "95% tests passed, 5 tests failed out of 100\n"
        self.assertEqual(count_results.count("ctest", 8, text), (95, 5))

    def test_cargo_sums_every_test_program(self):
        self.assertEqual(count_results.count("cargo", 101, CARGO), (15, 2))

    def test_pytest_errors_count_as_failed_and_only_the_last_line_counts(self):
        self.assertEqual(count_results.count("pytest", 1, PYTEST), (30, 3))

    def test_pytest_without_decoration_and_with_a_long_duration_is_read(self):
        text = "120 passed, 3 skipped in 72.31s (0:01:12)\n"
        self.assertEqual(count_results.count("pytest", 0, text), (120, 0))

    def test_h2spec_is_read(self):
        text = "Finished in 3.2 seconds\n146 tests, 145 passed, 0 skipped, 1 failed\n"
        self.assertEqual(count_results.count("h2spec", 1, text), (145, 1))

    def test_unittest_failures_and_errors_are_taken_off(self):
        text = "Ran 9 tests in 0.1s\n\nFAILED (failures=2, errors=1)\n"
        self.assertEqual(count_results.count("unittest", 1, text), (6, 3))

    def test_once_is_the_exit_code(self):
        self.assertEqual(count_results.count("once", 0, ""), (1, 0))
        self.assertEqual(count_results.count("once", 7, "142 passed"), (0, 1))

    def test_a_suite_that_ran_nothing_has_failed(self):
        for result_format in count_results.FORMATS:
            if result_format != "once":
                with self.subTest(result_format):
                    self.assertEqual(count_results.count(result_format, 0, ""), (0, 1))

    def test_a_suite_that_ended_badly_after_passing_tests_has_failed(self):
        text = "100% tests passed, 0 tests failed out of 4\n"
        self.assertEqual(count_results.count("ctest", 139, text), (4, 1))


if __name__ == "__main__":
    unittest.main()
