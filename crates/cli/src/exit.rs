//! What the exit code says.

use std::process::ExitCode;

/// Scanned; nothing that was asked to fail it was found.
pub(crate) const PASSED: u8 = 0;
/// The policy failed: `--fail-on`. `--exit-code N` fails with N.
pub(crate) const POLICY_FAILED: u8 = 1;
/// The command line is wrong, or asks for something that does not work yet.
pub(crate) const USAGE: u8 = 2;
/// It could not be scanned: no report was made.
pub(crate) const COULD_NOT_SCAN: u8 = 3;

/// The code that says more of two: could not scan, then the number that was asked for, then a failed policy.
pub(crate) const fn worse(a: u8, b: u8) -> u8 {
    const fn rank(code: u8) -> u8 {
        match code {
            PASSED => 0,
            POLICY_FAILED => 1,
            COULD_NOT_SCAN => 3,
            _ => 2,
        }
    }
    if rank(b) > rank(a) { b } else { a }
}

/// The code as the operating system takes it.
pub(crate) fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}
