//! What one run of the gate found, as plain data: whatever is printed or written comes from it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::against::paired_findings;
use super::paired::{Change, Duet};
use super::saved::{Ratio, ratios, slower};
use super::verdict::{Finding, Findings, Tier, WORST_FIRST};
use crate::exit::Exit;
use crate::record::Row;

/// Old and new numbers of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The baseline's.
    pub old: Row,
    /// The fresh record's.
    pub new: Row,
}

/// Whether a tier ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It ran, and its findings decide.
    Ran,
    /// It was left out on request.
    Skipped,
    /// It had nothing to compare, or could not.
    NotRun,
    /// It ran, and its findings only inform.
    Advisory,
}

/// What became of one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The tier.
    pub tier: Tier,
    /// Whether it ran.
    pub state: State,
    /// Why it did not, or only informs.
    pub why: Option<String>,
}

/// All that one run of `stepmark gate` or `stepmark duet` found.
#[derive(Debug)]
pub struct Outcome {
    /// The subcommand.
    pub command: &'static str,
    /// The version of this crate.
    pub harness: String,
    /// When the run started, in UTC, as RFC 3339.
    pub started: String,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it.
    pub dirty: bool,
    /// What was compared with: baselines, a revision or a file.
    pub against: String,
    /// Whether paired times must tell.
    pub strict: bool,
    /// The ids of the selected cases.
    pub selected: Vec<String>,
    /// How many of them a tier that decides can compare; the others are only timed.
    pub comparable: usize,
    /// What became of each tier, in order.
    pub stages: Vec<Stage>,
    /// What there is to say.
    pub findings: Findings,
    /// The counts that were compared, sorted by id.
    pub counts: Vec<Pair>,
    /// The wall times that were compared, sorted by id, or why there are none.
    pub walls: Result<Vec<Pair>, String>,
    /// The paired times, where another build was asked for.
    pub duet: Option<Duet>,
}

impl Outcome {
    /// Says what became of a tier.
    pub fn stage(&mut self, tier: Tier, state: State, why: Option<String>) {
        self.stages.retain(|stage| stage.tier != tier);
        self.stages.push(Stage { tier, state, why });
        self.stages.sort_by_key(|stage| stage.tier);
    }

    /// Adds paired times and what follows from them.
    ///
    /// Times of cases that are wrong are left out. `again` makes the shell line of such a run, of
    /// one case or of all; `allow_removed` makes a case that is gone a note.
    pub fn pair(
        &mut self,
        mut duet: Duet,
        allow_removed: bool,
        again: &dyn Fn(Option<&str>) -> String,
    ) {
        duet.cases.retain(|case| !self.is_wrong(&case.id));
        duet.dropped.retain(|case| !self.is_wrong(&case.id));
        let (state, why) = match &duet.advisory {
            None => (State::Ran, None),
            Some(why) => (State::Advisory, Some(why.clone())),
        };
        self.stage(Tier::Paired, state, why);
        if !duet.self_tests.is_empty() {
            self.stage(Tier::SelfTest, State::Ran, None);
        }
        self.comparable = self.selected.len();
        self.findings.append(paired_findings(&duet, self.strict, allow_removed, again));
        self.duet = Some(duet);
    }

    /// Whether this run's comparison of the new build with itself passed; `None` without one.
    pub fn self_test(&self) -> Option<bool> {
        let tested = self.duet.as_ref().filter(|duet| !duet.self_tests.is_empty());
        tested.map(|duet| duet.advisory.is_none())
    }

    /// Tier 4: what the wall times say, in their order; none where there are no times.
    ///
    /// Where pairs of this run tell, and say otherwise, a time saved long ago does not tell.
    pub fn ratios(&self) -> Vec<Ratio> {
        let pairs: Vec<_> =
            self.walls.iter().flatten().map(|pair| (&pair.old, &pair.new)).collect();
        let mut ratios = ratios(&pairs, self.self_test());
        let paired = self.duet.iter().flat_map(|duet| &duet.cases);
        for case in paired.filter(|case| case.change != Change::Unclear) {
            for ratio in ratios.iter_mut().filter(|ratio| ratio.id == case.id) {
                if ratio.change != case.change {
                    ratio.change = Change::Unclear;
                }
            }
        }
        ratios
    }

    /// Adds tier 4, which decides only after a self-test that passed; `again` makes the shell line
    /// that measures a case again.
    pub fn saved(&mut self, again: impl Fn(&str) -> String) {
        let (state, why) = match (&self.walls, self.self_test()) {
            (Err(why), _) => (State::NotRun, Some(why.clone())),
            (Ok(_), Some(true)) => (State::Ran, None),
            (Ok(_), Some(false)) => (State::Advisory, Some("the self-test failed".to_owned())),
            (Ok(_), None) => (State::Advisory, Some("saved times inform only".to_owned())),
        };
        self.stage(Tier::Wall, state, why);
        let mut findings = Findings::of(Tier::Wall);
        slower(&self.ratios(), again, &mut findings);
        self.findings.append(findings);
    }

    /// How the run ends.
    pub fn exit(&self) -> Exit {
        self.findings.exit()
    }

    /// How the run ends, in words.
    pub fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Pass if self.advisory().is_some() => "advisory",
            exit => exit.name(),
        }
    }

    /// Why this run is never called a pass: its paired times only inform, or nothing that decides
    /// was compared.
    pub fn advisory(&self) -> Option<String> {
        let inform = self.duet.as_ref().and_then(|duet| duet.advisory.as_ref());
        let inform = inform.map(|why| format!("paired times only inform: {why}"));
        let nothing = self.exit() == Exit::Pass && self.compared().is_empty();
        inform.or_else(|| nothing.then(|| "nothing that decides was compared".to_owned()))
    }

    /// The tier whose finding decided, or all that ran if none failed.
    pub fn decided(&self) -> Vec<Tier> {
        let exit = self.exit();
        if exit == Exit::Pass {
            let ran = self.stages.iter().filter(|stage| stage.state == State::Ran);
            return ran.map(|stage| stage.tier).collect();
        }
        self.findings
            .iter()
            .find(|found| found.exit == exit)
            .map(|found| found.tier)
            .into_iter()
            .collect()
    }

    /// The ids of the cases that a tier that can decide compared.
    pub fn compared(&self) -> BTreeSet<&str> {
        let paired = self.duet.iter().flat_map(|duet| &duet.cases);
        let counted = self.counts.iter().map(|pair| pair.new.id.as_str());
        counted.chain(paired.map(|case| case.id.as_str())).collect()
    }

    /// Whether a case gives a wrong result.
    pub fn is_wrong(&self, id: &str) -> bool {
        self.findings.iter().any(|finding| finding.exit == Exit::Wrong && finding.about == id)
    }

    /// The findings, the worst first: by what they mean, then by how much slower or hungrier.
    pub fn worst_first(&self) -> Vec<&Finding> {
        let rank = |found: &Finding| WORST_FIRST.iter().position(|&exit| exit == found.exit);
        let walls = self.ratios();
        let mut all: Vec<_> =
            self.findings.iter().map(|found| (self.change(found, &walls), found)).collect();
        all.sort_by(|(x, a), (y, b)| {
            rank(a).cmp(&rank(b)).then(y.total_cmp(x)).then_with(|| a.about.cmp(&b.about))
        });
        all.into_iter().map(|(_, found)| found).collect()
    }

    /// New over old of what a finding is about, as its tier measures it; 1 where nothing was.
    fn change(&self, finding: &Finding, walls: &[Ratio]) -> f64 {
        let id = &finding.about;
        if finding.tier == Tier::Paired {
            let mut cases = self.duet.iter().flat_map(|duet| &duet.cases);
            return cases.find(|case| case.id == *id).map_or(1.0, |case| case.ratio);
        }
        if finding.tier == Tier::Wall {
            let ratio = walls.iter().find(|ratio| ratio.id == *id);
            return ratio.map_or(1.0, |ratio| ratio.ratio);
        }
        let pair = self.counts.iter().find(|pair| pair.new.id == *id);
        let of = |row: &Row| row.number("instructions");
        pair.map_or(1.0, |pair| of(&pair.new) / of(&pair.old))
    }
}

#[cfg(test)]
mod tests {
    use super::super::against::tests::{again, duet, paired};
    use super::super::paired::SelfTest;
    use super::*;
    use crate::record::wall;

    fn outcome() -> Outcome {
        Outcome {
            command: "gate",
            harness: "0.1.0".to_owned(),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            commit: None,
            dirty: true,
            against: "main".to_owned(),
            strict: false,
            selected: ["a/b/n1", "a/b/n2"].map(str::to_owned).to_vec(),
            comparable: 0,
            stages: Vec::new(),
            findings: Findings::default(),
            counts: Vec::new(),
            walls: Err("no record was read".to_owned()),
            duet: None,
        }
    }

    #[test]
    fn the_time_of_a_wrong_case_is_neither_kept_nor_judged() {
        let mut outcome = outcome();
        let mut wrong = Findings::of(Tier::Check);
        wrong.push(Exit::Wrong, "a/b/n1", "x", None);
        outcome.findings.append(wrong);
        let cases = ["a/b/n1", "a/b/n2"].map(|id| paired(id, 1.5, Change::Slower));
        outcome.pair(duet(cases.into()), false, &again);
        assert_eq!(outcome.compared().into_iter().collect::<Vec<_>>(), ["a/b/n2"], "compared");
        assert_eq!(outcome.findings.count(Exit::Regression), 1, "{:?}", outcome.findings);
        assert_eq!((outcome.exit(), outcome.decided()), (Exit::Wrong, vec![Tier::Check]), "exit");
    }

    /// Paired times of one case whose self-test passed, or did not.
    fn tested(change: Change, passed: bool) -> Duet {
        let mut duet = duet(vec![paired("a/b/n1", 1.5, change)]);
        let same = paired("a/b/n1", 1.0, Change::Same);
        duet.self_tests = vec![SelfTest { paired: same, one_sided: 0.5 }];
        duet.advisory = (!passed).then(|| "it differs from itself".to_owned());
        duet
    }

    #[test]
    fn saved_times_decide_after_a_self_test_unless_pairs_say_otherwise() {
        let wall = |median_ns| wall("a/b/n1", median_ns);
        for (duet, state, change) in [
            (None, State::Advisory, Change::Unclear),
            (Some(tested(Change::Unclear, false)), State::Advisory, Change::Unclear),
            (Some(tested(Change::Unclear, true)), State::Ran, Change::Slower),
            (Some(tested(Change::Slower, true)), State::Ran, Change::Slower),
            (Some(tested(Change::Same, true)), State::Ran, Change::Unclear),
            (Some(tested(Change::Faster, true)), State::Ran, Change::Unclear),
        ] {
            let mut outcome = outcome();
            outcome.walls = Ok(vec![Pair { old: wall(100.0), new: wall(200.0) }]);
            let what = format!("{duet:?}");
            if let Some(duet) = duet {
                outcome.pair(duet, false, &again);
            }
            outcome.saved(|id| format!("cargo bench -- {id}"));
            assert_eq!(outcome.ratios()[0].change, change, "{what}");
            let stage = outcome.stages.iter().find(|stage| stage.tier == Tier::Wall).unwrap();
            assert_eq!(stage.state, state, "{what}");
            let found = outcome.findings.iter().filter(|found| found.tier == Tier::Wall);
            let found: Vec<String> = found.map(ToString::to_string).collect();
            assert_eq!(found.len(), usize::from(change == Change::Slower), "{found:?}");
            assert!(found.iter().all(|line| line.starts_with("FAIL regression")), "{found:?}");
        }
    }

    #[test]
    fn a_tier_that_only_informs_is_not_among_those_that_decided() {
        let state = |outcome: &Outcome, tier| {
            outcome.stages.iter().find(|stage| stage.tier == tier).map(|stage| stage.state)
        };
        let same = || paired("a/b/n1", 1.0, Change::Same);
        let mut sure = outcome();
        sure.pair(tested(Change::Same, true), false, &again);
        assert_eq!(sure.decided(), [Tier::Paired, Tier::SelfTest], "decided");
        assert_eq!((sure.verdict(), sure.comparable), ("pass", 2), "verdict");

        let mut unsure = outcome();
        let mut advisory = duet(vec![same()]);
        advisory.advisory = Some("the clock jumps".to_owned());
        unsure.pair(advisory, false, &again);
        assert_eq!(unsure.decided(), [], "nothing decided");
        assert_eq!((unsure.verdict(), unsure.exit()), ("advisory", Exit::Pass), "verdict");
        assert_eq!(state(&unsure, Tier::Paired), Some(State::Advisory), "paired");
        assert_eq!(state(&unsure, Tier::SelfTest), None, "no case was compared with itself");
    }
}
