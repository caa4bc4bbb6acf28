#!/usr/bin/env bash
# Seeds the corpora and runs fuzz targets: fuzz/run.sh SECONDS [TARGET…], every target where none is named.
# Needs cargo-fuzz and a nightly toolchain; without one, the stable one is asked to take nightly's flags.
# Exit codes: 0 no target failed, 1 one did (its input is kept in fuzz/artifacts) or they no longer
# compile, 2 wrong usage, 3 they cannot be built here.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: fuzz/run.sh SECONDS [TARGET…]" >&2
    exit 2
fi
seconds=$1
shift
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$HOME/.cache/seaworthy/target}"
export CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz"
data=${SEAWORTHY_TEST_DATA:-../shared}

say() { printf 'fuzz: %s\n' "$*" >&2; }

if ! cargo fuzz --version >/dev/null 2>&1; then
    say "cargo-fuzz is missing (cargo install cargo-fuzz --locked)"
    exit 3
fi
if cargo +nightly --version >/dev/null 2>&1; then
    export RUSTUP_TOOLCHAIN=nightly
else
    export RUSTC_BOOTSTRAP=1
fi

if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(cargo fuzz list); fi
[ ${#targets[@]} -gt 0 ] || { say "no targets"; exit 3; }

if ! command -v c++ >/dev/null; then
    say "a C++ compiler is missing (the fuzz engine is C++)"
    exit 3
fi
if ! cargo fuzz build; then
    # Is it the toolchain, or have the targets fallen behind the code?
    cargo check --manifest-path fuzz/Cargo.toml --lib --bins --examples || { say "the targets do not compile"; exit 1; }
    say "the targets do not build with this toolchain"
    exit 3
fi

# Scratch files of the targets: in memory where there is some, removed at the end.
scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch

cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds -- fuzz/corpus "$data" || { say "no seeds"; exit 1; }

host=$(rustc -vV | sed -n 's/^host: //p')
failed=()
for target in "${targets[@]}"; do
    say "$target for $seconds s"
    artifacts=fuzz/artifacts/$target
    mkdir -p "$artifacts" "fuzz/corpus/$target"
    # Started directly: `cargo fuzz run` would ask cargo about every target again.
    log=$scratch/$target.log
    if "$CARGO_TARGET_DIR/$host/release/$target" "fuzz/corpus/$target" -artifact_prefix="$artifacts/" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
        grep -E '^stat::(number_of_executed_units|peak_rss_mb)' "$log" | sed 's/^stat::/  /' >&2
    else
        tail -n 40 "$log" >&2
        failed+=("$target")
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    say "failed: ${failed[*]}; the inputs are in fuzz/artifacts, and a test beside the parser should keep each"
    exit 1
fi
say "${#targets[@]} targets held"
