# Building the engine library, the product and the guests. Sourced by ./x.
# shellcheck shell=bash
# shellcheck disable=SC2154 # cache comes from ./x

readonly engine_crate=crates/cusp-engine
readonly engines_kept=4 # in the cache; each takes about 130 MB

# build_engine: build/engine/libcusp_engine.a from the cache, or compiled into it first. The cache
# is keyed by everything that goes into the library, so a checkout of an older state is a copy.
build_engine() {
  local key entry
  key=$(engine_key)
  entry=$cache/engine/$key
  if [[ -f build/engine/key && $(<build/engine/key) == "$key" ]]; then return; fi
  if [[ ! -f $entry/libcusp_engine.a ]]; then
    local hint="about 10 minutes the first time"
    if compgen -G "$cache/engine/target/release/libcusp_engine.*" >/dev/null; then
      hint="its dependencies are built"
    fi
    step engine "building the engine library ($hint)" compile_engine "$key"
    if [[ $(engine_key) != "$key" ]]; then
      rm -rf "$entry"
      fail "the engine's sources changed while they were compiled; run this again"
    fi
  fi
  mkdir -p build/engine
  # A copy, not a link: ninja compares times, and an older library must still look new to it.
  cp --reflink=auto "$entry/libcusp_engine.a" "build/engine/libcusp_engine.a.$$"
  mv -f "build/engine/libcusp_engine.a.$$" build/engine/libcusp_engine.a
  printf '%s\n' "$key" >build/engine/key
  touch "$entry"
  say "engine library ${key:0:12} is in place"
}

# engine_key: one hash over the crate's files, the toolchain and the flags.
engine_key() {
  {
    engine_inputs | sort -z | xargs -0 sha256sum
    rustc -vV
    printf 'flags=%s profile=release\n' "${RUSTFLAGS:-}"
  } | sha256sum | cut -d ' ' -f 1
}

engine_inputs() {
  local folders=("$engine_crate")
  if [[ -d wit ]]; then folders+=(wit); fi
  find "${folders[@]}" -name target -prune -o -type f -print0
}

# compile_engine KEY: the crate into $cache/engine/KEY. An interrupted build leaves no entry: the
# rename is the last step, and cargo goes on from where it was.
compile_engine() {
  local entry=$cache/engine/$1 unfinished=$cache/engine/$1.$$
  mkdir -p "$unfinished"
  cargo_engine build --lib &&
    cp "$cache/engine/target/release/libcusp_engine.a" "$unfinished/" &&
    rm -rf "$entry" &&
    mv -T "$unfinished" "$entry" &&
    engine_cache_prune
}

# cargo_engine VERB ARGUMENTS…: cargo on the engine crate, with its target folder in the cache.
cargo_engine() {
  local verb=$1
  shift
  cargo "$verb" --manifest-path "$engine_crate/Cargo.toml" --release --locked \
    --target-dir "$cache/engine/target" "$@"
}

engine_cache_prune() {
  find "$cache/engine" -mindepth 1 -maxdepth 1 -type d -name '*.*' -mmin +600 -exec rm -rf {} +
  find "$cache/engine" -mindepth 1 -maxdepth 1 -type d ! -name target ! -name '*.*' \
    -printf '%T@ %p\n' | sort -rn | tail -n +$((engines_kept + 1)) | cut -d ' ' -f 2- |
    xargs -r rm -rf
}

# build_preset PRESET [TARGET…]: configures when needed and builds TARGET…, by default everything.
build_preset() {
  local preset=$1 folder=build/$1
  shift
  if [[ ! -f $folder/build.ninja || CMakePresets.json -nt $folder/CMakeCache.txt ]]; then
    step "configure-$preset" "configuring build/$preset" cmake --preset "$preset"
  fi
  # One build at a time: a second ./x in the same tree waits here.
  step "build-$preset" "building build/$preset" flock "$folder/.lock" ninja -C "$folder" "$@"
}

build_guests() {
  local packages
  mapfile -t packages < <(python3 tools/build_guests.py --rust-packages "$@")
  if ((${#packages[@]})); then install_packages "${packages[@]}"; fi
  step guests "building the guests" python3 tools/build_guests.py "$@"
}
