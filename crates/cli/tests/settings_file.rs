//! The settings file stands below the command line and the environment.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod program;

use program::{Run, command, finish};

/// Scans the example from a folder with this settings file.
fn scan(settings: &str, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seaworthy.yaml"), settings).unwrap();
    let input = program::root().join("examples/myapp-v1.tar");
    let mut command = command(&[&["image", "--input", input.to_str().unwrap()][..], more].concat());
    command.current_dir(folder.path()).envs(variables.iter().copied());
    finish(command.output().unwrap())
}

#[test]
fn flags_stand_above_variables_above_the_file_above_defaults() {
    let code = |settings: &str, variables: &[(&str, &str)], more: &[&str]| {
        let run = scan(settings, variables, more);
        (run.code, run.err)
    };
    assert_eq!(code("", &[], &[]).0, 0);
    assert_eq!(code("exit-code: 4", &[], &[]).0, 4);
    assert_eq!(code("exit-code: 4", &[("TRIVY_EXIT_CODE", "5")], &[]).0, 5);
    assert_eq!(code("exit-code: 4", &[("SEAWORTHY_EXIT_CODE", "6")], &[]).0, 6);
    assert_eq!(
        code("exit-code: 4", &[("SEAWORTHY_EXIT_CODE", "6")], &["--exit-code", "7"]).0,
        7
    );
    assert_eq!(code("exit-code: 4\nseverity: [LOW]", &[], &[]).0, 0);
    assert_eq!(code("exit-code: 4\nseverity: LOW", &[], &["--severity=CRITICAL"]).0, 4);
    assert_eq!(
        code("exit-code: 4\nvulnerability:\n  ignore-status: [fixed]", &[], &[]).0,
        0
    );
    assert_eq!(code("quiet: true", &[], &[]), (0, String::new()));
    assert_eq!(code("quiet: true", &[], &["--exit-code=7"]), (7, String::new()));
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let unknown = scan("severty: LOW", &[], &[]);
    assert!(
        unknown.code == 0 && unknown.err.contains("severty means nothing here"),
        "{}",
        unknown.err
    );
    for (settings, part) in [
        ("severity: [HUGE]", "HUGE"),
        ("timeout: soon", "soon"),
        ("[1, 2", "not valid YAML"),
        ("a: {b: [[1]]}", "a.b must be a value"),
        ("exit-code: 4444", "4444"),
    ] {
        let run = scan(settings, &[], &[]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{settings}: {}", run.err);
        assert!(
            run.err.starts_with("error: ") && run.err.contains("seaworthy.yaml") && run.err.contains(part),
            "{settings}: {}",
            run.err
        );
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seaworthy.yaml"), "[1, 2").unwrap();
    for arguments in [&["version"][..], &["versions", "compare", "deb", "1", "2"]] {
        let mut command = command(arguments);
        assert_eq!(finish(command.current_dir(folder.path()).output().unwrap()).code, 0);
    }
    let missing = scan("", &[], &["--config", "elsewhere.yaml"]);
    assert!(
        missing.code == 2 && missing.err.contains("elsewhere.yaml"),
        "{}",
        missing.err
    );
}
