//! Tables, numbers and figures: data on one side, files to read on the other.
//!
//! | | |
//! | --- | --- |
//! | [`table`] | tables as data, written as plain text, Markdown or CSV |
//! | [`numbers`] | numbers as a reader wants them |
//! | [`figure`] | figures of panels, drawn by six primitives; as PNG with the feature `figures` |

pub mod figure;
pub mod numbers;
pub mod table;

pub use table::Table;
