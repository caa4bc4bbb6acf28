//! A control plane for a person: starts one, prints how to use it, and takes it down on Ctrl-C or end of input.

use anyhow::Result;
use seaworthy_testkit::cluster::Cluster;
use std::io::Write;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let started = std::time::Instant::now();
    let cluster = Cluster::start()?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "export KUBECONFIG={}", cluster.kubeconfig().display())?;
    writeln!(output, "export PATH={}:$PATH", cluster.programs().display())?;
    output.flush()?;
    let mebibytes = cluster.resident_memory() >> 20;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        std::io::stderr(),
        "the control plane is ready after {seconds:.1} s and holds {mebibytes} MiB; Ctrl-C ends it"
    )?;
    tokio::signal::ctrl_c().await?;
    drop(cluster);
    Ok(())
}
