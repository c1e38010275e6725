//! A block of a text file between two markers, replaced.

/// The line before the block.
const OPEN: &str = "<!-- results -->";
/// The line after it.
const CLOSE: &str = "<!-- /results -->";

/// Why a text has no place for a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// A marker is missing or stands more than once.
    #[error("{found} lines are `{marker}`; put the block between one `{OPEN}` and one `{CLOSE}`")]
    Marker {
        /// The marker.
        marker: &'static str,
        /// How many lines it is.
        found: usize,
    },
    /// The closing marker comes first.
    #[error("`{CLOSE}` comes before `{OPEN}`; exchange them")]
    Order,
}

/// `text` with `block` between the markers, and an empty line on both sides of it.
///
/// A marker is a line of its own.
///
/// # Errors
///
/// If either marker is missing or stands more than once, or they are in the wrong order.
pub fn splice(text: &str, block: &str) -> Result<String, SpliceError> {
    let marker = |marker: &'static str| {
        let mut at = 0;
        let mut found = Vec::new();
        for line in text.split_inclusive('\n') {
            if line.trim() == marker {
                found.push(at..at + line.len());
            }
            at += line.len();
        }
        match <[_; 1]>::try_from(found) {
            Ok([only]) => Ok(only),
            Err(found) => Err(SpliceError::Marker { marker, found: found.len() }),
        }
    };
    let (open, close) = (marker(OPEN)?, marker(CLOSE)?);
    if close.start < open.end {
        return Err(SpliceError::Order);
    }
    let (before, after) = (&text[..open.end], &text[close.start..]);
    Ok(format!("{before}\n{}\n\n{after}", block.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = "# a\n<!-- results -->\nold\n\nolder\n<!-- /results -->\nb `<!-- results -->`\n";
        let new = "# a\n<!-- results -->\n\n| x |\n\n<!-- /results -->\nb `<!-- results -->`\n";
        assert_eq!(splice(text, "| x |\n").as_deref(), Ok(new), "replaced");
        assert_eq!(splice(new, "| x |\n").as_deref(), Ok(new), "the same again");
        let empty = "<!-- results -->\n<!-- /results -->";
        let full = "<!-- results -->\n\ny\n\n<!-- /results -->";
        assert_eq!(splice(empty, "y").as_deref(), Ok(full), "at the ends of the file");
    }

    #[test]
    fn markers_stand_once_and_in_order() {
        for (text, marker, found) in [
            ("", OPEN, 0),
            ("<!-- results -->\n", CLOSE, 0),
            ("<!-- /results -->\n", OPEN, 0),
            ("<!-- results -->\n<!-- results -->\n<!-- /results -->\n", OPEN, 2),
            ("<!-- results -->\n<!-- /results -->\n<!-- /results -->\n", CLOSE, 2),
            ("`<!-- results -->`\n<!-- /results -->\n", OPEN, 0),
        ] {
            let got = splice(text, "x");
            assert_eq!(got, Err(SpliceError::Marker { marker, found }), "{text:?}");
        }
        let turned = splice("<!-- /results -->\n<!-- results -->\n", "x");
        assert_eq!(turned, Err(SpliceError::Order), "turned");
    }
}
