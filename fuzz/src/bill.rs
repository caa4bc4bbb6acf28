//! Bills of materials, and what must hold of each that is read.

use seaworthy_inventory::sbom::read;

/// Reads the bytes as a bill; `first` is the byte that documents of this kind begin with.
pub fn bill(bytes: &[u8], first: u8) {
    for text in [bytes.to_vec(), [&[first], bytes].concat()] {
        let Ok(sbom) = read(&text, "bill") else { continue };
        let inventory = sbom.inventory;
        for package in &inventory.packages {
            assert!(!package.name.is_empty());
            assert!(!package.path.is_empty());
        }
        let listed: usize = inventory.databases.iter().map(|database| database.packages).sum();
        assert!(listed <= inventory.packages.len());
    }
}
