//! The real feeds, compiled: known facts of every publisher, counts that add up, the same result twice; and hostile
//! feeds, which are refused by name.
#![allow(missing_docs)]

use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::record::{Compilation, Record};
use seaworthy_testkit::data;
use std::collections::BTreeMap;
use std::sync::OnceLock;

fn real() -> Option<&'static Compilation> {
    static REAL: OnceLock<Option<Compilation>> = OnceLock::new();
    REAL.get_or_init(|| Some(compile(&data::path("feeds")?, &|_| ()).unwrap())).as_ref()
}

#[test]
fn shows() {
    let Some(real) = real() else { return };
    let start = std::time::Instant::now();
    let mut sections: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &real.records {
        *sections.entry(&record.section).or_default() += 1;
    }
    for (section, count) in &sections {
        println!("{count:8} {section}");
    }
    println!("{} records, {} facts", real.records.len(), real.facts.len());
    for summary in &real.summaries {
        println!("{} read {} kept {} newest {:?}", summary.feed, summary.read, summary.kept, summary.newest);
        for (reason, count) in &summary.refused {
            println!("      {count:8} {reason}");
        }
    }
    println!("{:?}", start.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS")).collect::<Vec<_>>().join(" "));
    for (section, package) in [("sles 15.5", "libopenssl1_1"), ("rocky 8", "nodejs")] {
        for record in real.records.iter().filter(|it: &&Record| it.section == section && it.package == package).take(3) {
            println!("{record:?}");
        }
    }
}
