# What a fresh Debian 12 machine lacks: packages and the Rust toolchain. Sourced by ./x.
# Every function here is quick when nothing is missing.
# shellcheck shell=bash
# shellcheck disable=SC2154 # cache comes from ./x

readonly rust_version_min=1.95.0

readonly packages_build=(
  ca-certificates git pkg-config cmake ninja-build gcc g++ libc6-dev
  clang-19 clang-format-19 lld-19 libclang-rt-19-dev
  libboost1.81-dev libssl-dev libnghttp2-dev libre2-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libbrotli-dev libzstd-dev zlib1g-dev libcrypt-dev libmaxminddb-dev libtomlplusplus-dev
  libcli11-dev librocksdb-dev libhiredis-dev libarchive-dev libedit-dev libexpat1-dev libxxhash-dev
  prometheus-cpp-dev libgtest-dev libgmock-dev python3
)
readonly packages_guests=(
  wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 make python3-venv
)
readonly packages_test=(
  curl nghttp2-client openssl redis-server postgresql mariadb-server mosquitto mosquitto-clients
)
readonly packages_bench=(nginx-light nghttp2-client redis-server varnish wrk)

setup_build() {
  install_packages "${packages_build[@]}"
  setup_rust
}

setup_guests() {
  install_packages "${packages_guests[@]}"
}

setup_test() {
  local packages=("${packages_build[@]}" "${packages_guests[@]}" "${packages_test[@]}")
  if ! command -v go >/dev/null; then packages+=(golang-go); fi
  install_packages "${packages[@]}"
  setup_rust
}

# The slow toolchains on top: JavaScript.
setup_guests_all() {
  local packages=("${packages_guests[@]}")
  if ! command -v npm >/dev/null; then packages+=(nodejs npm); fi
  install_packages "${packages[@]}"
}

setup_bench() {
  local packages=("${packages_build[@]}" "${packages_guests[@]}" "${packages_bench[@]}")
  if ! command -v npm >/dev/null; then packages+=(nodejs npm); fi
  install_packages "${packages[@]}"
  setup_rust
}

# install_packages NAME…: installs the Debian packages among NAME… that are missing.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return; fi
  command -v apt-get >/dev/null ||
    fail "this is not Debian; install by hand what these packages hold: ${missing//$'\n'/ }"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "packages are missing and there is no sudo; as root run:
    apt-get install ${missing//$'\n'/ }"
    sudo -v # asks for the password here, where the question can be seen
    as_root=(sudo)
  fi
  say "missing Debian packages: ${missing//$'\n'/ }"
  step apt-update "reading the package lists" "${as_root[@]}" apt-get update
  local names
  mapfile -t names <<<"$missing"
  # RUNLEVEL=1 keeps package scripts from starting a service, such as nginx on port 80.
  step apt-install "installing ${#names[@]} Debian packages" "${as_root[@]}" env \
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y --no-install-recommends "${names[@]}"
}

missing_packages() {
  local installed name
  # dpkg-query fails when one name is unknown to it, and still prints the others.
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    grep -qxF "ii $name" <<<"$installed" || printf '%s\n' "$name"
  done
}

# setup_geo: a database of countries in the public domain (decision 011), for nodes that ./x starts.
setup_geo() {
  local folder
  folder=$cache/geo-$(sha256sum tools/geo/package-lock.json | cut -c 1-12)
  if [[ ! -e $folder/country.mmdb ]]; then
    if ! command -v npm >/dev/null; then install_packages nodejs npm; fi
    install_node_modules geo "installing the geo database" tools/geo "$folder"
    ln -sf node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb \
      "$folder/country.mmdb"
  fi
  export CUSP_GEO_DIRECTORY=$folder
}

# install_node_modules NAME TITLE PROJECT FOLDER: what the lock file of PROJECT pins, in FOLDER as a
# whole or not at all.
install_node_modules() {
  local partial
  mkdir -p "$cache"
  partial=$(mktemp -d "$cache/$1.XXXXXX")
  cp "$3/package.json" "$3/package-lock.json" "$partial/"
  step "$1" "$2" npm ci --prefix "$partial" --no-audit --no-fund --ignore-scripts
  mv -T "$partial" "$4" 2>/dev/null || rm -rf "$partial" # another ./x was quicker
}

# setup_rust: cargo of rust_version_min or newer: the one that is there, else Debian security's.
# Only package registries are asked. Rust's standard library for WebAssembly is in none of them:
# where it is missing, the guests in Rust come from tests/guests/prebuilt (decision 006).
setup_rust() {
  if ! rust_is_new_enough; then
    install_packages cargo-web rustc-web rust-web-clippy
    hash -r
  fi
  rust_is_new_enough ||
    fail "Cusp needs Rust $rust_version_min or newer, this machine has $(rust_version) and none of
    its package sources a newer one; install it with rustup (https://rustup.rs) and run this again"
}

rust_version() { cargo --version 2>/dev/null | cut -d ' ' -f 2 | grep . || echo none; }

rust_is_new_enough() {
  local version
  version=$(rust_version)
  [[ $version != none ]] && printf '%s\n' "$rust_version_min" "$version" | sort -VC
}
