# One-liners; `.ci/run` does not need them. https://just.systems

# What there is
default:
    @just --list

# Build the program as it ships
build:
    cargo build --release --package seaworthy-cli

# Run all tests
test:
    cargo test --workspace

# Lints as CI has them, and what may come into the build
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny check --hide-inclusion-graph licenses bans sources

# Format everything
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# Time whole scans against gzip, and the parts; see docs/benchmarks.md
bench *ARGUMENTS:
    cargo bench --package seaworthy-advisories
    cargo build --release --package seaworthy-cli
    cargo run --release --package seaworthy-testkit --bin bench -- {{ARGUMENTS}}

# Run fuzz targets for some seconds each, all of them or those named
fuzz SECONDS="60" *TARGETS:
    fuzz/run.sh {{SECONDS}} {{TARGETS}}

# Start a real Kubernetes control plane with one simulated node, and print how to use it
cluster:
    cargo run --package seaworthy-testkit --bin cluster

# Play the whole story on a real control plane, and print what a user sees; 0 only when all of it was right
story:
    cargo build --package seaworthy-cli
    cargo run --package seaworthy-testkit --bin story -- "${CARGO_TARGET_DIR:-target}/debug/seaworthy"

# Write the program, static, as an OCI archive, and scan that
image OUTPUT="seaworthy.tar":
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --package seaworthy-cli --target "$(rustc -vV | sed -n 's/^host: //p')"
    cargo run --release --package seaworthy-testkit --bin own-image -- \
        "${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release/seaworthy" {{OUTPUT}}
    cargo run --release --package seaworthy-cli -- image --input {{OUTPUT}} --fail-on low

# Make the archives of examples/ anew
examples:
    cargo run --package seaworthy-testkit --bin example-images

# Compile the advisory data that the binary carries from a directory of feeds
db FEEDS="../shared/feeds":
    cargo run --release --package seaworthy-cli -- db build --feeds {{FEEDS}} --output data/advisories.db

# Everything that CI checks
check:
    .ci/run
