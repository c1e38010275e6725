//! Which cases a subcommand works on.

use super::shell::quoted;
use super::{Context, Exit, Stop};
use crate::case::Case;

/// Which of the two lists of cases a subcommand works on.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The cases that only scale, instead of those that gate
    #[arg(long)]
    scaling: bool,
}

impl List {
    pub(super) fn of<'a>(&self, context: &Context<'a>) -> &'a [Case] {
        if self.scaling { context.scaling } else { context.cases }
    }
}

/// Which cases of a list a subcommand works on.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Only cases whose id contains this text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Only the case of this id
    #[arg(long, value_name = "ID", conflicts_with = "filter")]
    exact: Option<String>,
}

impl Selection {
    pub(super) fn holds(&self, id: &str) -> bool {
        let contains = |text: &String| id.contains(text.as_str());
        let is = |exact: &String| id == exact;
        self.filter.as_ref().is_none_or(contains) && self.exact.as_ref().is_none_or(is)
    }

    /// Whether cases may be left out.
    pub(super) fn is_narrow(&self) -> bool {
        self.filter.is_some() || self.exact.is_some()
    }

    /// The selected cases; none is an error.
    pub(super) fn of<'a>(&self, cases: &'a [Case]) -> Result<Vec<&'a Case>, Stop> {
        let selected: Vec<_> = cases.iter().filter(|case| self.holds(&case.id)).collect();
        match self.none("case id") {
            _ if !selected.is_empty() => Ok(selected),
            Some(none) => {
                Err(Stop::new(Exit::Usage, format!("{none}; `stepmark list` prints all ids")))
            }
            None => Err(Stop::new(Exit::Incomparable, "there are no cases at all")),
        }
    }

    /// Says that no id of these is selected, as in ``no case id contains `x` ``; `None` where all are.
    pub(super) fn none(&self, of: &str) -> Option<String> {
        let exact = self.exact.as_ref().map(|id| format!("no {of} is `{id}`"));
        exact.or_else(|| self.filter.as_ref().map(|text| format!("no {of} contains `{text}`")))
    }

    /// The arguments that select the same cases, or only the case `id`.
    pub(super) fn again(&self, id: Option<&str>) -> String {
        match (id.or(self.exact.as_deref()), &self.filter) {
            (Some(id), _) => format!(" --exact {}", quoted(id)),
            (None, Some(text)) => format!(" --filter {}", quoted(text)),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::right;

    #[test]
    fn an_exact_id_selects_no_other_that_contains_it() {
        let cases = ["a/b/n1", "a/b/n10", "a/b-2/n1"].map(right);
        let ids = |selection: &Selection| match selection.of(&cases) {
            Ok(cases) => cases.iter().map(|case| case.id.clone()).collect::<Vec<_>>().join(" "),
            Err(stop) => format!("{}: {}", stop.exit, stop.why),
        };
        let filter = |text: &str| Selection { filter: Some(text.to_owned()), exact: None };
        let exact = |id: &str| Selection { filter: None, exact: Some(id.to_owned()) };
        assert_eq!(ids(&filter("a/b/n1")), "a/b/n1 a/b/n10", "contained in both");
        assert_eq!(ids(&exact("a/b/n1")), "a/b/n1", "one");
        assert!(ids(&exact("a/b")).starts_with("usage: no case id is `a/b`; "), "a part of an id");
        assert!(ids(&filter("x")).starts_with("usage: no case id contains `x`; "), "none");
        assert_eq!(filter("a b").again(None), " --filter 'a b'", "the same cases");
        assert_eq!(filter("a b").again(Some("a/b/n1")), " --exact a/b/n1", "one of them");
        assert_eq!(exact("a/b/n1").again(None), " --exact a/b/n1", "the same case");
        assert_eq!(Selection::default().again(None), "", "all");
    }
}
