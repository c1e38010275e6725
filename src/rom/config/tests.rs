//! Whole files: every key, every value of the enumerations, and what is wrong said at once.

use super::given::kind_of;
use super::keys::{Effect, KEYS, find, nearest};
use super::kind::Kind;
use super::yaml::{Node, Value, read};
use super::*;
use crate::rom::pod::{Modes, Reference, Transform};
use crate::rom::swarm::{Boundary, Mode, Spread, Start};

const FILES: [(&str, &str); 6] = [
    ("tiny", include_str!("../../../fixtures/rom/tiny.yaml")),
    ("base", include_str!("../../../fixtures/rom/vicsek-morse-base.yaml")),
    ("clusters", include_str!("../../../fixtures/rom/clusters.yaml")),
    ("variable", include_str!("../../../fixtures/rom/variable-speed.yaml")),
    ("gaussians", include_str!("../../../fixtures/rom/gaussians.yaml")),
    ("network", include_str!("../../../fixtures/rom/network.yaml")),
];

fn file(name: &str) -> (Config, Notes) {
    let (_, text) = FILES.iter().find(|(known, _)| *known == name).unwrap();
    Config::read(text, false).unwrap_or_else(|why| panic!("{name}: {}", listed(&why)))
}

/// The problems of a text, a line for each.
fn problems(text: &str) -> Vec<String> {
    match Config::read(text, false) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

const LEAST: &str = "sim: {N: 40, T: 6.0, dt: 0.01, Lx: 10.0, Ly: 10.0}
train_ic: {uniform: {enabled: true, n_runs: 2}}
rom: {models: {lstm: {hidden_units: 16, num_layers: 1, learning_rate: 1e-3, max_epochs: 15, patience: 10}}}
";

/// The smallest file with one key more.
fn with(key: &str, value: &str) -> String {
    let mut text = String::new();
    let old: Vec<_> = match find(key).map(|key| key.effect) {
        Some(Effect::Other(of)) => vec![of, key],
        _ => vec![key],
    };
    let mut all = leaves(&read(LEAST).unwrap(), "");
    all.retain(|(name, _)| !old.contains(&&**name));
    all.push((key.to_owned(), value.to_owned()));
    all.sort();
    let mut open: Vec<String> = Vec::new();
    for (name, value) in &all {
        let mut parts: Vec<_> = name.split('.').map(str::to_owned).collect();
        let last = parts.pop().unwrap();
        let same = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        for (depth, part) in parts.iter().enumerate().skip(same) {
            text += &format!("{:1$}{part}:\n", "", 2 * depth);
        }
        text += &format!("{:1$}{last}: {value}\n", "", 2 * parts.len());
        open = parts;
    }
    text
}

fn leaves(node: &Node, above: &str) -> Vec<(String, String)> {
    let Value::Map(entries) = &node.value else {
        return vec![(above.trim_start_matches('.').to_owned(), flow(node))];
    };
    entries.iter().flat_map(|x| leaves(&x.node, &format!("{above}.{}", x.key))).collect()
}

fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, .. } => text.clone(),
        Value::List(nodes) => {
            format!("[{}]", nodes.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entry = |x: &yaml::Entry| format!("{}: {}", x.key, flow(&x.node));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn every_public_key_loads_with_each_of_its_values_or_is_refused_by_name() {
    let root = read(include_str!("../../../fixtures/rom/keys.yaml")).unwrap();
    let Value::Map(entries) = &root.value else { panic!("no mapping") };
    assert!(entries.len() > 300, "all of them");
    let mut refused = std::collections::BTreeSet::new();
    for entry in entries {
        assert!(find(&entry.key).is_some(), "{} is in no row of the table", entry.key);
        let Value::List(values) = &entry.node.value else { panic!("{}", entry.key) };
        assert!(!values.is_empty(), "{} has values", entry.key);
        for value in values.iter().map(flow) {
            let text = with(&entry.key, &value);
            for problem in problems(&text) {
                let is_named = problem.contains(&format!(": {}: ", entry.key));
                assert!(is_named, "{}: {value}: {problem}\n{text}", entry.key);
                refused.insert(entry.key.as_str());
            }
        }
    }
    let refused: Vec<_> = refused.into_iter().collect();
    let may = [
        // Without a network beside it.
        "rom.models.mvar.enabled",
        "rom.models.mvar.kstep_k",
        "test_sim.dt",
    ];
    assert_eq!(refused, may, "what is refused");
}

#[test]
fn every_name_of_an_enumeration_loads_and_others_are_refused_by_their_key() {
    for key in KEYS.iter().filter(|key| !key.name.ends_with('*')) {
        let Kind::Name(names) = kind_of(key) else { continue };
        for name in names {
            assert_eq!(problems(&with(key.name, name)), [""; 0], "{}: {name}", key.name);
        }
        let found = problems(&with(key.name, "other"));
        let words = format!("{}: found other, expected {}", key.name, kind_of(key).words());
        assert!(found.len() == 1 && found[0].contains(&words), "{found:?}");
    }
}

#[test]
fn the_table_has_each_name_once_and_each_older_name_leads_to_a_key() {
    for (at, key) in KEYS.iter().enumerate() {
        assert!(KEYS[..at].iter().all(|other| other.name != key.name), "{} twice", key.name);
        if let Effect::Other(of) = key.effect {
            let target = find(of).map(|target| target.effect);
            assert!(!matches!(target, None | Some(Effect::Other(_))), "{} leads nowhere", key.name);
        }
    }
}

#[test]
fn the_six_files_are_what_they_say() {
    let (tiny, notes) = file("tiny");
    assert_eq!(notes, Notes::default(), "nothing without effect");
    assert_eq!((tiny.train.runs.len(), tiny.test.runs.len()), (6, 2), "runs");
    assert_eq!((tiny.grid, tiny.bandwidth, tiny.pod.modes), ([16; 2], 2.0, Modes::Fixed(8)));
    let labels: Vec<_> = tiny.train.runs.iter().map(|run| (&*run.label, run.seed)).collect();
    assert_eq!(labels[0], ("gauss_x3.0_y5.0_var1.5_s0", 0), "the first");
    assert_eq!(labels[3], ("uniform_s1", 3), "uniform ones follow");
    assert_eq!(labels[5], ("two_cluster_sep4.0_sig1.0_s1", 5), "the last");
    let test = &tiny.test.runs[0];
    assert_eq!((&*test.label, test.seed), ("test_gauss_interp_x5.0_y5.0_var1.5", 1000));
    let Start::GaussianCluster { center: Some([5.0, 5.0]), sigma: Some(sigma) } = test.start else {
        panic!("{:?}", test.start)
    };
    assert_eq!(sigma, 1.224_744_871_391_589, "the root of the variance");
    assert_eq!((tiny.train.swarm.frames(), tiny.test.swarm.frames()), (61, 81), "frames");
    assert_eq!((tiny.scoring.clamp, tiny.scoring.mass), (Clamp::Keep, Mass::Scale));

    let (base, notes) = file("base");
    assert_eq!((base.train.runs.len(), base.test.runs.len()), (50, 2), "runs");
    assert_eq!(base.train.swarm, swarm::Config::default(), "the defaults are this example");
    assert_eq!((base.grid, base.bandwidth), ([64; 2], 0.5), "density");
    assert_eq!(base.mvar.unwrap().lag, Lag::States(4), "order");
    assert_eq!(
        (base.lstm.as_ref(), base.frame_seconds()),
        (None, 1.0),
        "no network; seconds of a frame"
    );
    let is_ring = |start| matches!(start, Start::Ring { radius: None, .. });
    assert!(is_ring(base.train.runs[2].start) && is_ring(base.train.runs[6].start), "in turn");
    assert!(notes.ignored.contains(&"sim.neighbor_rebuild".to_owned()), "{notes:?}");

    let (clusters, notes) = file("clusters");
    assert_eq!((clusters.train.runs.len(), clusters.test.runs.len()), (340, 4), "runs");
    assert_eq!(clusters.pod.transform, Transform::Sqrt { eps: 1e-10 });
    assert_eq!(clusters.pod.align, Some(Reference::Mean));
    assert_eq!(clusters.train.swarm.mode, Mode::ConstantWithForces);
    assert_eq!(clusters.lstm.unwrap().training.dropout, 0.1);
    assert_eq!(notes.said, ["wsindy.enabled", "wsindy.mode"], "not run");
    assert_eq!(notes.lines().len(), 2, "one line for each kind of note");

    let (variable, _) = file("variable");
    assert_eq!(variable.train.swarm.domain.boundary, Boundary::Reflecting);
    assert_eq!(variable.train.swarm.noise.spread, Spread::Uniform);
    assert!(matches!(variable.mvar.unwrap().lag, Lag::By(_)), "bic");

    let (gaussians, _) = file("gaussians");
    assert_eq!((gaussians.train.runs.len(), gaussians.test.runs.len()), (12, 2), "runs");
    assert_eq!(gaussians.train.runs[4].label, "gauss_center15.0,15.0_var1.0_s1");
    assert_eq!(gaussians.pod.modes, Modes::Fixed(25), "fixed_d");
    assert_eq!(gaussians.mvar.unwrap().ridge_alpha, 1e-6, "1e-6 is a number");
    assert_eq!(gaussians.scoring.forecast_end, Some(10.0));

    let (network, _) = file("network");
    assert_eq!((network.mvar, network.test.runs.len()), (None, 5), "extrapolation, then uniform");
    let lstm = network.lstm.unwrap();
    assert_eq!((lstm.lag, lstm.training.hidden_units, lstm.training.gradient_clip), (20, 128, 1.0));
    assert_eq!(network.train.swarm.noise.spread, Spread::Normal, "match_variance: false");
    assert_eq!((network.scoring.clamp, network.scoring.mass), (Clamp::Zero, Mass::Simplex));
    let simplex = with("eval.mass_postprocess", "simplex");
    let scoring = Config::read(&simplex, false).unwrap().0.scoring;
    assert_eq!((scoring.clamp, scoring.mass), (Clamp::Keep, Mass::Simplex), "no clamp before it");
    let projected = with("eval.mass_project", "true");
    assert_eq!(Config::read(&projected, false).unwrap().0.scoring.mass, Mass::Scale);
    let standard = with("rom.latent_standardize", "true");
    assert!(Config::read(&standard, false).unwrap().0.pod.standardize, "states");
}

#[test]
fn all_problems_of_a_file_are_said_at_once_in_the_order_of_their_lines() {
    let text = "sim: {N: 0, T: x, Lx: 10.0, Ly: 10.0}
model: {speed: -1}
rom:
  fixed_modse: 8
  density_transform: cube
  models:
    lstm: {enabled: true, hidden_units: 16, dropout: 1.5}
noize: 3
outputs: 4
";
    let found = problems(text);
    let want = [
        "line 1: sim.N: found 0, expected a whole number from 1 to 16777216",
        "line 1: sim.T: found x, expected a number above 0",
        "line 2: model.speed: found -1, expected a number, 0 or more",
        "line 4: rom.fixed_modse: no key has this name; the nearest is rom.fixed_modes",
        "line 5: rom.density_transform: found cube, expected raw, none, log, sqrt or meansub",
        "line 7: rom.models.lstm.dropout: found 1.5, expected a number from 0 to 0.999999",
        "line 8: noize: no key has this name; the nearest is noise",
        "line 9: outputs: found 4, expected a section",
        "sim.dt: found no value, expected a number above 0: there is no default",
    ];
    assert_eq!(found[..9], want, "{found:#?}");
    for option in ["num_layers", "learning_rate", "max_epochs", "patience"] {
        let words = format!("rom.models.lstm.{option}: found no value, expected one");
        assert!(found.iter().any(|problem| problem.starts_with(&words)), "{words}");
    }
    assert_eq!(found.len(), 13, "no more: {found:#?}");
}

#[test]
fn what_cannot_run_is_named_by_its_key() {
    for (key, value, words) in [
        ("model.speed", "300.0", "sim.dt: a step of speed * dt = 3"),
        ("test_sim.dt", "0.5", "test_sim.dt: found 0.5, expected 0.01, as sim.dt is"),
        ("test_sim.T", "1e30", "test_sim.T: steps: found 1"),
        ("rom.models.mvar.enabled", "false", "rom.models.mvar.enabled: found no model"),
        ("rom.models.mvar.kstep_k", "10", "kstep_k: found 10: coefficients from rollouts"),
        ("ensemble.ic_weights", "[0.5, 0.5]", "ensemble.ic_weights: found [0.5, 0.5]: kinds"),
        ("train_ic.uniform.n_runs", "[3]", "train_ic.uniform.n_runs: found [3], expected a whole"),
    ] {
        let found = problems(&with(key, value));
        assert!(found.iter().any(|problem| problem.contains(words)), "{key}: {found:?}");
    }
    let walls = "sim: {N: 40, T: 6.0, dt: 0.1, Lx: 10.0, Ly: 10.0, bc: reflecting}
rom: {shift_align: true}
";
    assert!(problems(walls)[0].contains("line 2: rom.shift_align: found true"), "{walls}");
    assert!(problems("sim: {N: 4, N: 5}\n")[0].contains("sim.N: found twice"), "twice");
    assert!(problems("[1, 2]")[0].contains("found no mapping"), "a list");
}

#[test]
fn unknown_keys_may_be_allowed_and_older_names_give_way() {
    let text =
        LEAST.replace("rom: {", "noize: 3\nfixed_d: 7\nrom: {fixed_modes: 9, latent_dim: 8, ");
    let (config, notes) = Config::read(&text, true).unwrap();
    assert_eq!(notes.unknown, ["noize"], "allowed");
    assert_eq!(config.pod.modes, Modes::Fixed(9), "the newest name");
    assert_eq!(
        notes.overruled,
        ["fixed_d by rom.fixed_modes", "rom.latent_dim by rom.fixed_modes"]
    );
    let null = LEAST.replace("sim: {", "sim: {seed: null, bc: ~, ");
    assert_eq!(
        Config::read(&null, false).unwrap().0.train.swarm.domain.boundary,
        Boundary::Periodic
    );
    assert_eq!(nearest("sim.LX"), "sim.Lx", "one letter");
}

#[test]
fn settings_say_what_each_stage_depends_on() {
    let (config, _) = file("gaussians");
    let of = |stage: Stage| config.settings[stage.name()].clone();
    assert_eq!(of(Stage::Pod)["rom.fixed_modes"], "25", "by today's name");
    assert_eq!(of(Stage::Fit)["rom.models.mvar.ridge_alpha"], "0.000001", "as a number");
    assert_eq!(of(Stage::Evaluate).len(), 3, "start, end and series");
    let (tiny, _) = file("tiny");
    assert!(!tiny.settings.values().any(|of| of.contains_key("experiment_name")), "a name");
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let why = |path: &Path| Config::load(path, false).unwrap_err().to_string();
    assert!(why(&path).contains("config.yaml: No such file"), "{}", why(&path));
    std::fs::write(&path, b"sim: \xff").unwrap();
    assert!(why(&path).contains("no UTF-8"), "{}", why(&path));
    std::fs::write(&path, "sim: {N: 0").unwrap();
    assert!(why(&path).contains("config.yaml: line "), "{}", why(&path));
    std::fs::write(&path, FILES[0].1).unwrap();
    assert_eq!(Config::load(&path, false).unwrap().text, FILES[0].1, "the text as it is");
}
