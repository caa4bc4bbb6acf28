//! JUnit XML: one suite a target, one failed test a finding, and an error where something could not be read.

use crate::markup::escape;
use crate::result::group;
use crate::{Error, Options, identity, problems};
use seaworthy_model::{PackageClass, ScanReport};
use std::fmt::Write;

/// Writes the suites.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"seaworthy\">\n");
    for group in group(report, options) {
        let count = group.findings.len();
        // A clean target is a test that passed: a suite without tests looks like one that did not run.
        let clean = count == 0 && group.checked;
        let ended = problems::end_of_life(report).filter(|_| group.class == PackageClass::Os);
        let ended =
            ended.map(|text| format!("            <property name=\"end of life\" value=\"{text}\"></property>\n"));
        let _ = write!(
            out,
            "    <testsuite name=\"{}\" tests=\"{}\" failures=\"{count}\" errors=\"0\" skipped=\"{}\" time=\"\">\n        \
             <properties>\n            <property name=\"type\" value=\"{}\"></property>\n{}        </properties>\n",
            escape(&group.target),
            count.max(1),
            u8::from(count == 0 && !group.checked),
            escape(&group.kind),
            ended.unwrap_or_default()
        );
        if count == 0 {
            let _ = writeln!(
                out,
                "        <testcase classname=\"{}\" name=\"known vulnerabilities\" time=\"\">{}</testcase>",
                escape(&group.target),
                if clean {
                    ""
                } else {
                    "<skipped message=\"there are no advisories for it\"></skipped>"
                }
            );
        }
        for (finding, package) in &group.findings {
            let found = &finding.matched;
            let version = identity::installed_version(package);
            let fix = match found.fixed_version.as_str() {
                "" => format!("no fixed version ({})", found.status.name()),
                fixed => format!("fixed in {fixed}"),
            };
            let _ = write!(
                out,
                "        <testcase classname=\"{}-{}\" name=\"[{}] {}\" time=\"\">\n            \
                 <failure message=\"{}\" type=\"description\">{}</failure>\n        </testcase>\n",
                escape(&package.name),
                escape(version),
                found.severity,
                escape(&found.id),
                escape(&format!("{} {version}: {}, {fix}", package.name, found.id)),
                escape(&identity::primary_url(&found.id))
            );
        }
        out.push_str("    </testsuite>\n");
    }
    let problems = problems::weighty(report);
    if !problems.is_empty() {
        let _ = writeln!(
            out,
            "    <testsuite name=\"reading\" tests=\"{0}\" failures=\"0\" errors=\"{0}\" skipped=\"0\" time=\"\">",
            problems.len()
        );
        for problem in problems {
            let _ = writeln!(
                out,
                "        <testcase classname=\"{0}\" name=\"{1}\" time=\"\"><error message=\"{1}\" type=\"{0}\"></error></testcase>",
                problems::effect(problem),
                escape(&problems::line(problem))
            );
        }
        out.push_str("    </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    Ok(out.into_bytes())
}
