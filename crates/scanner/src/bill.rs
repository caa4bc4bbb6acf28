//! A bill of materials in place of an image: its file is read whole, what it says is matched like what is installed.

use crate::Error;
use seaworthy_inventory::sbom::{Format, read as read_bill};
use seaworthy_model::{ArtifactKind, Inventory, limits};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads the file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<(Inventory, ArtifactKind), Error> {
    let failed = |source| Error::Bill {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let mut limited: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    limited
        .by_ref()
        .take(limits::FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limits::FILE_BYTES {
        return Err(Error::BillTooLarge {
            path: path.to_owned(),
            limit: limits::FILE_BYTES,
        });
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let bill = read_bill(&bytes, &name).map_err(|source| Error::NoBill {
        path: path.to_owned(),
        source,
    })?;
    let kind = match bill.format {
        Format::CycloneDx => ArtifactKind::CycloneDx,
        Format::Spdx => ArtifactKind::Spdx,
        Format::GitHub | Format::List => ArtifactKind::PackageList,
    };
    Ok((bill.inventory, kind))
}
