//! What each number means: shown in tooltips, written into exports.

/// Which way a number is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The higher.
    Higher,
    /// The lower.
    Lower,
    /// Neither: a description.
    Neither,
}

/// The definition of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Name in files, as `ms_ssim`.
    pub key: &'static str,
    /// Name in words, as `MS-SSIM`.
    pub label: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// Which way it is better.
    pub better: Better,
    /// Formula, window, data range, source.
    pub text: &'static str,
}

/// Every number that [`crate::metrics::evaluate`] can yield, in the order of tables.
pub const DEFINITIONS: &[Definition] = &[];

/// The definition of a key.
pub fn definition(key: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.key == key)
}
