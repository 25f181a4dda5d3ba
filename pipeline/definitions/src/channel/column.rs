//! `[exports.columns.<name>]` and the parse keys: where a column's value comes from and how its text is read.

use serde::Deserialize;

/// One column's source and its own parse keys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {}
