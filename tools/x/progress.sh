# Progress of ./x: one line for each step with the time since the start, noisy output in build/log/.
# Sourced by ./x; not a program.
# shellcheck shell=bash

log_dir=build/log
ticker_pid=

# progress_start: to be called once, before the first step.
progress_start() {
  mkdir -p "$log_dir"
  trap ticker_stop EXIT
  trap 'ticker_stop; say "interrupted; run the same command again to go on" >&2; exit 130' INT
  trap 'ticker_stop; exit 143' TERM
}

# say TEXT: one line with the elapsed time.
say() { printf '[%4d s] %s\n' "$SECONDS" "$1"; }

fail() {
  printf '[%4d s] error: %s\n' "$SECONDS" "$1" >&2
  exit 1
}

# step NAME TITLE COMMAND…: runs COMMAND with its output in build/log/NAME.log; where it fails,
# shows the end of the log and ends ./x.
step() {
  local name=$1 title=$2 code=0
  shift 2
  logged "$name" "$title" "$@" || code=$?
  if ((code)); then
    printf -- '---- the end of %s/%s.log ----\n' "$log_dir" "$name" >&2
    tail -n 40 "$log_dir/$name.log" >&2
    fail "$title: '$1' ended with code $code; the whole log is $log_dir/$name.log"
  fi
}

# logged NAME TITLE COMMAND…: the same, but returns COMMAND's exit code.
logged() {
  local name=$1 title=$2 code=0
  shift 2
  say "$title …"
  ticker "$title" "$log_dir/$name.log" 2>/dev/null &
  ticker_pid=$!
  # In the foreground, so that Ctrl-C reaches the command itself and nothing is left running.
  "$@" >"$log_dir/$name.log" 2>&1 </dev/null || code=$?
  ticker_stop
  return "$code"
}

# Says every few seconds that a step is still at work: in place on a terminal, else a line.
ticker() {
  local title=$1 log=$2 last
  trap - EXIT INT TERM
  local pause=30 silence
  if [[ -t 1 ]]; then pause=2; fi
  # Waits on a pipe that never says anything: a `sleep` would outlive the ticker.
  exec {silence}<> <(:)
  until read -r -t "$pause" -u "$silence"; do
    last=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | grep -v '^\s*$' | tail -n 1)
    last=${last#"${last%%[! ]*}"}
    last=${last:0:60}
    if [[ -t 1 ]]; then
      printf '\r\033[K[%4d s] %s … %s\r' "$SECONDS" "$title" "$last"
    else
      say "$title … $last"
    fi
  done
}

ticker_stop() {
  if [[ -z $ticker_pid ]]; then return; fi
  kill "$ticker_pid" 2>/dev/null || true
  wait "$ticker_pid" 2>/dev/null || true
  ticker_pid=
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
}
