//! What `kubectl` asks for its completions: the command line so far, answered by the words that could follow.
//!
//! The protocol is cobra's: a word a line, then `:` and a number; 4 keeps the shell from offering files.

use super::{command, print};
use crate::exit;
use std::ffi::OsString;
use std::process::ExitCode;

/// Answers for a command line whose last word is unfinished.
pub(crate) fn complete(line: &[OsString]) -> ExitCode {
    let words: Vec<String> = line
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    // The shell that asks has gone when this fails.
    let _ = print(&answer(&words));
    exit::code(exit::PASSED)
}

fn answer(words: &[String]) -> String {
    let mut command = command();
    command.build();
    let (unfinished, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", words),
    };
    let chosen = before.iter().find_map(|word| command.find_subcommand(word));
    let mut answers: Vec<String> = Vec::new();
    if unfinished.starts_with('-') {
        let flags = chosen.unwrap_or(&command).get_arguments();
        answers.extend(flags.filter_map(|flag| Some(format!("--{}", flag.get_long()?))));
    } else if chosen.is_none() {
        answers.extend(command.get_subcommands().map(|command| command.get_name().to_owned()));
    }
    answers.retain(|word| word.starts_with(unfinished));
    answers.sort();
    answers.dedup();
    answers.push(":4".to_owned());
    answers.into_iter().map(|word| format!("{word}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn commands_and_flags_are_completed() {
        let ask = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            answer(&words)
        };
        assert_eq!(ask("a"), "access\nalert-test\napprove\n:4\n");
        assert_eq!(ask("image --ex"), "--exit-code\n:4\n");
        assert!(ask("preview --").contains("--filename\n"));
        assert!(ask("").contains("why\n"));
        assert_eq!(ask("why x"), ":4\n");
    }
}
