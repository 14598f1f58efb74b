# The test suites and their sum. Sourced by ./x.
# shellcheck shell=bash
# shellcheck disable=SC2154 # cache, root and log_dir come from ./x and progress.sh

tests_passed=0
tests_failed=0
suites_failed=()

# suite NAME TITLE FORMAT COMMAND…: runs COMMAND and adds what its log says to the sum. FORMAT is
# one that tools/count_results.py knows. A suite that fails does not stop the next one.
suite() {
  local name=$1 title=$2 format=$3 code=0 passed failed
  shift 3
  logged "$name" "$title" "$@" || code=$?
  read -r passed failed < <(python3 tools/count_results.py "$format" "$code" "$log_dir/$name.log")
  tests_passed=$((tests_passed + passed))
  tests_failed=$((tests_failed + failed))
  say "$title: $passed passed, $failed failed"
  if ((failed)); then
    suites_failed+=("$name")
    printf -- '---- the end of %s/%s.log ----\n' "$log_dir" "$name" >&2
    tail -n 60 "$log_dir/$name.log" >&2
  fi
}

# test_summary: the last line of ./x test, and its exit code.
test_summary() {
  local name
  for name in "${suites_failed[@]}"; do say "failed: $name, see $log_dir/$name.log"; done
  printf '%d passed, %d failed\n' "$tests_passed" "$tests_failed"
  ((tests_failed == 0 && tests_passed > 0))
}

# test_everything PRESET: every suite there is, the product's ones against build/PRESET.
test_everything() {
  test_sources
  test_product "$1"
  test_engine
  test_h2spec "build/$1/cusp"
  test_s3tests "build/$1/cusp"
}

test_sources() {
  suite tools "tools' own tests" unittest python3 -m unittest discover -v -s tools -p '*_test.py'
  suite tidy "layers, sizes and banned words" once python3 tools/tidy.py
}

# test_product PRESET: unit and end-to-end tests of the C++ side as built by PRESET.
# ThreadSanitizer does not see the atomics of the engine, which is not compiled with it: memory that
# Rust hands from thread to thread by memcpy would be reported. C++'s own accesses are checked.
test_product() {
  local preset=$1 instrumented='' python
  if [[ $preset == [at]san ]]; then instrumented=1; fi
  export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=ignore_interceptors_accesses=1
  suite "unit-$preset" "unit tests ($preset)" ctest \
    ctest --test-dir "build/$preset" --output-on-failure -j2 --timeout 120 --no-tests=error
  setup_python tests/e2e
  setup_pebble
  setup_js_clients
  python=$(python_environment tests/e2e)/bin/python
  suite "e2e-$preset" "end-to-end tests ($preset)" pytest \
    env "CUSP_BINARY=$root/build/$preset/cusp" "CUSP_PEBBLE=$(pebble_program)" \
    "CUSP_INSTRUMENTED=$instrumented" "CUSP_JS_CLIENTS=$(js_clients)" \
    "$python" -m pytest tests/e2e -n 2 --dist loadfile -q -rf
}

# test_engine: the Rust crate. Its test program is kept beside the library, since it takes as long
# to link; its lints share the target folder of both.
test_engine() {
  local program
  program=$cache/engine/$(engine_key)/engine_test
  if [[ ! -x $program ]]; then
    step engine-test-build "building the engine library's tests" build_engine_test "$program"
  fi
  suite engine-test "engine library tests" cargo "$program"
  if cargo fmt --version >/dev/null 2>&1; then
    suite engine-format "engine library format" once \
      cargo fmt --manifest-path "$engine_crate/Cargo.toml" --check
  else
    say "note: this Rust comes without rustfmt (as Debian's does), so the format is not checked"
  fi
  suite engine-clippy "engine library lints" once cargo_engine clippy --all-targets -- -D warnings
}

# build_engine_test PROGRAM: in a cache entry, by a rename, so that what stands there is whole.
build_engine_test() {
  local built
  built=$(cargo_engine test --lib --no-run --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1) &&
    mkdir -p "$(dirname "$1")" &&
    cp "$built" "$1.$$" &&
    mv -f "$1.$$" "$1"
}

# test_h2spec BINARY: the HTTP/2 conformance suite, strict, against a node that serves a guest.
test_h2spec() {
  setup_h2spec
  suite h2spec "HTTP/2 conformance (h2spec --strict)" h2spec \
    python3 tools/h2spec.py --h2spec "$(h2spec_program)" --cusp "$1"
}

# The program, one for each state of the versions that tools/h2spec pins.
h2spec_program() {
  printf '%s/h2spec-%s\n' "$cache" "$(sha256sum tools/h2spec/go.sum | cut -c 1-12)"
}

setup_h2spec() {
  if [[ -x $(h2spec_program) ]]; then return; fi
  step h2spec-build "building h2spec" install_h2spec "$(h2spec_program)"
}

# In a subshell with cd: Debian's Go 1.19 has no `go build -C`.
install_h2spec() {
  (cd tools/h2spec && go build -o "$1" github.com/summerwind/h2spec/cmd/h2spec)
}

# test_s3tests BINARY: Ceph's compatibility tests for S3, those that are for us, against a node.
test_s3tests() {
  setup_python tools/s3tests
  suite s3tests "S3 compatibility (s3tests)" pytest python3 tools/s3tests.py \
    --python "$(python_environment tools/s3tests)/bin/python" --cusp "$1"
}

# pebble, the ACME server of the end-to-end tests; one for each state of its pinned versions.
pebble_program() {
  printf '%s/pebble-%s\n' "$cache" "$(sha256sum tools/pebble/go.sum | cut -c 1-12)"
}

setup_pebble() {
  if [[ -x $(pebble_program) ]]; then return; fi
  step pebble-build "building pebble" install_pebble "$(pebble_program)"
}

install_pebble() {
  (cd tools/pebble && go build -o "$1" github.com/letsencrypt/pebble/v2/cmd/pebble)
}

# Clients from npm that the end-to-end tests run, one folder for each state of their versions.
js_clients() {
  printf '%s/js-clients-%s\n' "$cache" \
    "$(sha256sum tools/js_clients/package-lock.json | cut -c 1-12)"
}

setup_js_clients() {
  if [[ -d $(js_clients) ]]; then return; fi
  if ! command -v npm >/dev/null; then install_packages nodejs npm; fi
  install_node_modules js-clients "installing clients from npm" tools/js_clients "$(js_clients)"
}

# A virtual environment for a folder with a requirements.txt, one for each state of it.
python_environment() {
  printf '%s/python-%s\n' "$cache" "$(sha256sum "$1/requirements.txt" | cut -c 1-12)"
}

setup_python() {
  if [[ -f $(python_environment "$1")/ready ]]; then return; fi
  step python "installing the clients of $1" install_python "$(python_environment "$1")" "$1"
}

install_python() {
  rm -rf "$1" &&
    python3 -m venv "$1" &&
    "$1/bin/pip" install --requirement "$2/requirements.txt" &&
    touch "$1/ready"
}

# test_crash ROUNDS: the crash test of the stores on its own.
test_crash() {
  setup_python tests/e2e
  suite crash "killing the stores $1 times" pytest \
    env "CUSP_BINARY=$root/build/release/cusp" "CUSP_CRASH_ROUNDS=$1" \
    "$(python_environment tests/e2e)/bin/python" -m pytest tests/e2e/test_store_crash.py -q -rP
}

# test_fuzz TARGET SECONDS: one fuzz target (every one when TARGET is empty), each for SECONDS.
# What it finds new stays in build/fuzz/corpus; a crash is kept as build/fuzz/TARGET-crash-….
test_fuzz() {
  local only=$1 seconds=$2 target
  local targets=()
  for target in fuzz/*_fuzz.cc; do
    target=$(basename "$target" _fuzz.cc)
    if [[ -z $only || $target == "$only" ]]; then targets+=("$target"); fi
  done
  if ((!${#targets[@]})); then fail "there is no fuzz/${only}_fuzz.cc"; fi
  build_preset fuzz "${targets[@]/%/_fuzz}"
  for target in "${targets[@]}"; do
    mkdir -p "build/fuzz/corpus/$target"
    suite "fuzz-$target" "fuzzing $target for $seconds s" once \
      "build/fuzz/${target}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
      -artifact_prefix="build/fuzz/$target-" "build/fuzz/corpus/$target" "fuzz/corpus/$target"
  done
}
