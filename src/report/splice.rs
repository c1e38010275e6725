//! A block of a text file between two markers, replaced.

/// The name of the block of results.
pub const RESULTS: &str = "results";

/// The name of the block of error rates.
pub const RATES: &str = "error rates";

/// The lines before and after a block.
fn markers(name: &str) -> [String; 2] {
    [format!("<!-- {name} -->"), format!("<!-- /{name} -->")]
}

/// Why a text has no place for a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// A marker is missing or stands more than once.
    #[error(
        "{found} lines are `{marker}`; the block stands between one `<!-- {name} -->` and one `<!-- /{name} -->`"
    )]
    Marker {
        /// The name of the block.
        name: &'static str,
        /// The marker.
        marker: String,
        /// How many lines it is.
        found: usize,
    },
    /// The closing marker comes first.
    #[error("`<!-- /{0} -->` comes before `<!-- {0} -->`; exchange them")]
    Order(&'static str),
}

/// Whether `text` has a place for the block `name`, or a part of one.
pub fn has_place(text: &str, name: &str) -> bool {
    let markers = markers(name);
    text.lines().any(|line| markers.iter().any(|marker| line.trim() == marker))
}

/// `text` with `block` between the markers of `name`, and an empty line on both sides of it.
///
/// A marker is a line of its own.
///
/// # Errors
///
/// If either marker is missing or stands more than once, or they are in the wrong order.
pub fn splice(text: &str, name: &'static str, block: &str) -> Result<String, SpliceError> {
    let marker = |marker: String| {
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
            Err(found) => Err(SpliceError::Marker { name, marker, found: found.len() }),
        }
    };
    let [open, close] = markers(name);
    let (open, close) = (marker(open)?, marker(close)?);
    if close.start < open.end {
        return Err(SpliceError::Order(name));
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
        assert_eq!(splice(text, RESULTS, "| x |\n").as_deref(), Ok(new), "replaced");
        assert_eq!(splice(new, RESULTS, "| x |\n").as_deref(), Ok(new), "the same again");
        let empty = "<!-- results -->\n<!-- /results -->";
        let full = "<!-- results -->\n\ny\n\n<!-- /results -->";
        assert_eq!(splice(empty, RESULTS, "y").as_deref(), Ok(full), "at the ends of the file");
    }

    #[test]
    fn markers_stand_once_and_in_order() {
        let [open, close] = markers(RESULTS);
        for (text, marker, found) in [
            ("", &open, 0),
            ("<!-- results -->\n", &close, 0),
            ("<!-- /results -->\n", &open, 0),
            ("<!-- results -->\n<!-- results -->\n<!-- /results -->\n", &open, 2),
            ("<!-- results -->\n<!-- /results -->\n<!-- /results -->\n", &close, 2),
            ("`<!-- results -->`\n<!-- /results -->\n", &open, 0),
        ] {
            let got = splice(text, RESULTS, "x");
            let marker = marker.clone();
            assert_eq!(got, Err(SpliceError::Marker { name: RESULTS, marker, found }), "{text:?}");
        }
        let turned = splice("<!-- /results -->\n<!-- results -->\n", RESULTS, "x");
        assert_eq!(turned, Err(SpliceError::Order(RESULTS)), "turned");
        assert!(has_place("a\n <!-- /results -->\n", RESULTS), "half a place");
        assert!(!has_place("`<!-- results -->`\n<!-- error rates -->\n", RESULTS), "none");
    }
}
