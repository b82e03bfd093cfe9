//! Which part of the object is compared.

use std::ops::Range;

use crate::error::Result;

/// Which part of the object is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Region {
    /// The bounding box of the scan's positions, without pixels that got too little light.
    #[default]
    Auto,
    /// Rows and columns as given, all of their pixels.
    Rectangle {
        /// Rows.
        rows: Range<usize>,
        /// Columns.
        columns: Range<usize>,
    },
}

impl Region {
    /// `auto` or `y0:y1,x0:x1`, ends excluded.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that says what was expected.
    pub fn parse(text: &str) -> Result<Self> {
        unimplemented!()
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unimplemented!()
    }
}
