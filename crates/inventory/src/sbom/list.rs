//! A list of package URLs, one a line; lines that begin with `#` are comments.

use super::purl::PackageUrl;
use super::{Bill, Component, Format};
use seaworthy_model::{Effect, Problem, limits};

pub(super) fn read(text: &str) -> Bill {
    let mut bill = Bill::new(Format::List);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if bill.components.len() >= limits::PACKAGES {
            let what = format!(
                "more than {} package URLs; the rest was not looked at",
                limits::PACKAGES
            );
            bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            break;
        }
        if PackageUrl::parse(line).is_none() {
            if bill.problems.len() < limits::PROBLEMS {
                let what = format!("line {} is no package URL and was not read", number + 1);
                bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            }
            continue;
        }
        bill.components.push(Component {
            purl: line.to_owned(),
            ..Component::default()
        });
    }
    bill
}

#[cfg(test)]
mod tests {
    use crate::sbom::read;

    #[test]
    fn every_line_is_a_package_or_a_problem() {
        let list = b"# mine\npkg:npm/a@1\r\n\npkg:pypi/B_c@2 \npkg:\nnonsense\n";
        let inventory = read(list, "list.txt").unwrap().inventory;
        let names: Vec<_> = inventory.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["a", "B_c"]);
        let lines: Vec<_> = inventory.problems.iter().map(|problem| problem.what.as_str()).collect();
        assert_eq!(
            lines,
            [
                "line 5 is no package URL and was not read",
                "line 6 is no package URL and was not read"
            ]
        );
    }
}
