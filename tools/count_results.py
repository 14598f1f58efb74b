"""Reads the log of one test suite and prints two numbers: tests passed and tests failed.

usage: count_results.py FORMAT EXIT_CODE LOG

A suite that ended badly without saying which test failed, or that ran nothing, counts as one failed
test: silence is never success.
"""

import re
import sys


def sum_of(pattern, text):
    return sum(int(number) for number in re.findall(pattern, text, re.MULTILINE))


def count_unittest(text):
    ran = sum_of(r"^Ran (\d+) tests? in", text)
    failed = sum_of(r"(?:failures|errors)=(\d+)", text)
    return ran - failed, failed


def count_ctest(text):
    failed = sum_of(r"^\d+% tests passed, (\d+) tests failed out of \d+$", text)
    total = sum_of(r"^\d+% tests passed, \d+ tests failed out of (\d+)$", text)
    return total - failed, failed


def count_cargo(text):
    passed = sum_of(r"^test result: \w+\. (\d+) passed;", text)
    failed = sum_of(r"^test result: \w+\. \d+ passed; (\d+) failed;", text)
    return passed, failed


def count_pytest(text):
    """The last line, such as '2 failed, 30 passed, 1 skipped, 1 error in 3.10s'."""
    summaries = re.findall(r"^=*\s*(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s.*$", text, re.MULTILINE)
    if not summaries:
        return 0, 0
    passed = sum_of(r"(\d+) passed", summaries[-1])
    return passed, sum_of(r"(\d+) (?:failed|errors?)\b", summaries[-1])


def count_h2spec(text):
    passed = sum_of(r"^\d+ tests, (\d+) passed, \d+ skipped, \d+ failed", text)
    failed = sum_of(r"^\d+ tests, \d+ passed, \d+ skipped, (\d+) failed", text)
    return passed, failed


# "once" is a check whose exit code is its only result.
FORMATS = {
    "once": None,
    "unittest": count_unittest,
    "ctest": count_ctest,
    "cargo": count_cargo,
    "pytest": count_pytest,
    "h2spec": count_h2spec,
}


def count(result_format, exit_code, text):
    if result_format == "once":
        return (1, 0) if exit_code == 0 else (0, 1)
    passed, failed = FORMATS[result_format](text)
    if failed == 0 and (exit_code != 0 or passed == 0):
        failed = 1
    return passed, failed


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in FORMATS or not arguments[1].isdigit():
        print(f"{__doc__}\nFORMAT is one of {', '.join(FORMATS)}", file=sys.stderr)
        return 2
    with open(arguments[2], encoding="utf-8", errors="replace") as log:
        passed, failed = count(arguments[0], int(arguments[1]), log.read())
    print(passed, failed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
