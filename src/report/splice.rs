//! A block of a text file between two markers, replaced.

/// The name of the block of error rates.
pub const RATES: &str = "error rates";

/// The name of a block of some cases of all chapters: those that its table names.
pub const HEADLINE: &str = "headline";

/// The ids that the rows of the headline block name; none without such a block.
pub fn headline(text: &str) -> Option<Vec<&str>> {
    let [open, close] = markers(HEADLINE);
    let mut lines = text.lines().skip_while(|line| line.trim() != open);
    lines.next()?;
    let rows = lines.take_while(|line| line.trim() != close);
    Some(rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect())
}

/// The lines before and after a block.
fn markers(name: &str) -> [String; 2] {
    [format!("<!-- {name} -->"), format!("<!-- /{name} -->")]
}

/// Why a text has no place for a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A marker is missing or stands more than once.
    #[error(
        "{found} lines are `{marker}`; the block stands between one `<!-- {name} -->` and one `<!-- /{name} -->`"
    )]
    Marker {
        /// The name of the block.
        name: String,
        /// The marker.
        marker: String,
        /// How many lines it is.
        found: usize,
    },
    /// The closing marker comes first.
    #[error("`<!-- /{0} -->` comes before `<!-- {0} -->`; exchange them")]
    Order(String),
}

/// Whether `text` has a place for the block `name`, or a part of one.
pub fn has_place(text: &str, name: &str) -> bool {
    let markers = markers(name);
    text.lines().any(|line| markers.iter().any(|marker| line.trim() == marker))
}

/// The names of the blocks that `text` has a place for, in their order.
pub fn blocks(text: &str) -> Vec<String> {
    let name =
        |line: &str| Some(line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?.to_owned());
    text.lines().filter_map(name).filter(|name| !name.starts_with('/')).collect()
}

/// `text`, and a section for the block `name` if it has no place for it: after that of the name
/// before, or at the end.
pub fn with_section(text: &str, name: &str) -> String {
    if has_place(text, name) {
        return text.to_owned();
    }
    let before = blocks(text).into_iter().filter(|other| other != RATES && other.as_str() < name);
    let before = before.max().map(|before| markers(&before)[1].clone());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if before.as_deref() == Some(line.trim()) {
            break;
        }
    }
    let [open, close] = markers(name);
    let (above, below) = text.split_at(at);
    format!("{}\n\n## {name}\n\n{open}\n{close}\n{below}", above.trim_end())
}

/// `text` with `block` between the markers of `name`, and an empty line on both sides of it.
///
/// A marker is a line of its own.
///
/// # Errors
///
/// If either marker is missing or stands more than once, or they are in the wrong order.
pub fn splice(text: &str, name: &str, block: &str) -> Result<String, Error> {
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
            Err(found) => Err(Error::Marker { name: name.to_owned(), marker, found: found.len() }),
        }
    };
    let [open, close] = markers(name);
    let (open, close) = (marker(open)?, marker(close)?);
    if close.start < open.end {
        return Err(Error::Order(name.to_owned()));
    }
    let (before, after) = (&text[..open.end], &text[close.start..]);
    Ok(format!("{before}\n{}\n\n{after}", block.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = "# a\n<!-- md -->\nold\n\nolder\n<!-- /md -->\nb `<!-- md -->`\n";
        let new = "# a\n<!-- md -->\n\n| x |\n\n<!-- /md -->\nb `<!-- md -->`\n";
        assert_eq!(splice(text, "md", "| x |\n").as_deref(), Ok(new), "replaced");
        assert_eq!(splice(new, "md", "| x |\n").as_deref(), Ok(new), "the same again");
        let empty = "<!-- md -->\n<!-- /md -->";
        let full = "<!-- md -->\n\ny\n\n<!-- /md -->";
        assert_eq!(splice(empty, "md", "y").as_deref(), Ok(full), "at the ends of the file");
    }

    #[test]
    fn a_block_without_a_place_gets_a_section_once() {
        let text = "# a\n<!-- md -->\n<!-- /md -->\n";
        assert_eq!(with_section(text, "md"), text, "it has one");
        let more = with_section(text, "lstm");
        assert!(more.ends_with("<!-- /md -->\n\n## lstm\n\n<!-- lstm -->\n<!-- /lstm -->\n"));
        assert_eq!(blocks(&more), ["md", "lstm"], "{more}");
        assert_eq!(with_section(&more, "lstm"), more, "once");
        let rated = format!("{text}\n## Rates\n<!-- {RATES} -->\n<!-- /{RATES} -->\n");
        let more = with_section(&rated, "mvar");
        assert_eq!(blocks(&more), ["md", "mvar", RATES], "{more}");
        assert!(more.contains("<!-- /md -->\n\n## mvar\n\n"), "{more}");
        assert!(more.ends_with(&rated[text.len()..]), "{more}");
    }

    #[test]
    fn the_headline_names_its_cases() {
        let text = "| `a/b/c` |\n<!-- headline -->\n\n| case |\n|---|\n| `a/b/n1` | 2 |\n| `c/d/n1` |\n\n<!-- /headline -->\n| `e/f/g` |\n";
        assert_eq!(headline(text), Some(vec!["a/b/n1", "c/d/n1"]), "in their order");
        assert_eq!(headline("<!-- md -->\n| `a/b/n1` |\n"), None, "no such block");
    }

    #[test]
    fn markers_stand_once_and_in_order() {
        let [open, close] = markers("md");
        for (text, marker, found) in [
            ("", &open, 0),
            ("<!-- md -->\n", &close, 0),
            ("<!-- /md -->\n", &open, 0),
            ("<!-- md -->\n<!-- md -->\n<!-- /md -->\n", &open, 2),
            ("<!-- md -->\n<!-- /md -->\n<!-- /md -->\n", &close, 2),
            ("`<!-- md -->`\n<!-- /md -->\n", &open, 0),
        ] {
            let got = splice(text, "md", "x");
            let (name, marker) = ("md".to_owned(), marker.clone());
            assert_eq!(got, Err(Error::Marker { name, marker, found }), "{text:?}");
        }
        let turned = splice("<!-- /md -->\n<!-- md -->\n", "md", "x");
        assert_eq!(turned, Err(Error::Order("md".to_owned())), "turned");
        assert!(has_place("a\n <!-- /md -->\n", "md"), "half a place");
        assert!(!has_place("`<!-- md -->`\n<!-- error rates -->\n", "md"), "none");
    }
}
