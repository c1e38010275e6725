//! The runs of a configuration: its initial conditions, one after the other.
//!
//! A run has its number as the seed of its random numbers, a test run 1000 more, as in wsindy-manifold,
//! so that runs are numbered in its order: Gaussian clusters, uniform ones, rings, pairs of clusters.

use super::Run;
use super::given::Values;
use crate::rom::swarm::Start;

/// What is added to the number of a test run.
const TEST_SEED: u64 = 1000;

/// The training runs.
pub(super) fn training(values: &Values) -> Vec<Run> {
    let mut runs = List { runs: Vec::new(), seed: 0 };
    let numbers = |name| values.numbers(name);
    let samples = |name| 0..values.count(name).unwrap_or(1);
    let is_on = |name| values.flag(name).unwrap_or(false);
    if let Some([center]) = values.points("train_ic.center") {
        for variance in numbers("train_ic.variances") {
            for sample in samples("train_ic.n_samples_per_variance") {
                let [x, y] = center;
                let label = format!("gauss_center{x:.1},{y:.1}_var{variance:.1}_s{sample}");
                runs.gaussian(label, *center, *variance);
            }
        }
        return runs.runs;
    }
    if is_on("train_ic.gaussian.enabled") {
        for [x, y, variance] in grid([
            numbers("train_ic.gaussian.positions_x"),
            numbers("train_ic.gaussian.positions_y"),
            numbers("train_ic.gaussian.variances"),
        ]) {
            for sample in samples("train_ic.gaussian.n_samples_per_config") {
                let label = format!("gauss_x{x:.1}_y{y:.1}_var{variance:.1}_s{sample}");
                runs.gaussian(label, [x, y], variance);
            }
        }
    }
    uniform(values, "train_ic", "uniform", &mut runs);
    if is_on("train_ic.ring.enabled") {
        let (radii, widths) = (numbers("train_ic.ring.radii"), numbers("train_ic.ring.widths"));
        for [radius, width, _] in grid([radii, widths, &[0.0]]) {
            for sample in samples("train_ic.ring.n_samples_per_config") {
                runs.ring(format!("ring_r{radius:.1}_w{width:.1}_s{sample}"), radius, width);
            }
        }
    }
    if is_on("train_ic.two_clusters.enabled") {
        let separations = numbers("train_ic.two_clusters.separations");
        for [apart, sigma, _] in
            grid([separations, numbers("train_ic.two_clusters.sigmas"), &[0.0]])
        {
            for sample in samples("train_ic.two_clusters.n_samples_per_config") {
                let label = format!("two_cluster_sep{apart:.1}_sig{sigma:.1}_s{sample}");
                runs.clusters(label, apart, sigma);
            }
        }
    }
    if runs.runs.is_empty() {
        ensemble(values, &mut runs);
    }
    runs.runs
}

/// The test runs.
pub(super) fn test(values: &Values) -> Vec<Run> {
    let mut runs = List { runs: Vec::new(), seed: TEST_SEED };
    let numbers = |name| values.numbers(name);
    let is_on = |name| values.flag(name).unwrap_or(false);
    if let (Some(centers), Some(variance)) =
        (values.points("test_ic.centers"), values.number("test_ic.variance"))
    {
        for center in centers {
            for sample in 0..values.count("test_ic.n_samples_per_center").unwrap_or(1) {
                let [x, y] = center;
                let label = format!("test_gauss_center{x:.1},{y:.1}_s{sample}");
                runs.gaussian(label, *center, variance);
            }
        }
        return runs.runs;
    }
    if is_on("test_ic.gaussian.enabled") {
        for [x, y, variance] in grid([
            numbers("test_ic.gaussian.test_positions_x"),
            numbers("test_ic.gaussian.test_positions_y"),
            numbers("test_ic.gaussian.test_variances"),
        ]) {
            let label = format!("test_gauss_interp_x{x:.1}_y{y:.1}_var{variance:.1}");
            runs.gaussian(label, [x, y], variance);
        }
        let variance = first(numbers("test_ic.gaussian.extrapolation_variance"), 0.5);
        for [x, y] in values.points("test_ic.gaussian.extrapolation_positions").unwrap_or(&[]) {
            runs.gaussian(format!("test_gauss_extrap_x{x:.1}_y{y:.1}"), [*x, *y], variance);
        }
    }
    uniform(values, "test_ic", "test_uniform", &mut runs);
    if is_on("test_ic.ring.enabled") {
        let radii = numbers("test_ic.ring.test_radii");
        for [radius, width, _] in grid([radii, numbers("test_ic.ring.test_widths"), &[0.0]]) {
            for sample in 0..values.count("test_ic.ring.n_samples_per_config").unwrap_or(1) {
                runs.ring(format!("test_ring_r{radius:.1}_w{width:.1}_s{sample}"), radius, width);
            }
        }
    }
    if is_on("test_ic.two_clusters.enabled") {
        let separations = numbers("test_ic.two_clusters.test_separations");
        let sigmas = numbers("test_ic.two_clusters.test_sigmas");
        for [apart, sigma, _] in grid([separations, sigmas, &[0.0]]) {
            let label = format!("test_two_cluster_interp_sep{apart:.1}_sig{sigma:.1}");
            runs.clusters(label, apart, sigma);
        }
        let sigma = first(numbers("test_ic.two_clusters.extrapolation_sigma"), 1.0);
        for apart in numbers("test_ic.two_clusters.extrapolation_separations") {
            runs.clusters(format!("test_two_cluster_extrap_sep{apart:.1}"), *apart, sigma);
        }
    }
    if runs.runs.is_empty() {
        let count = values.count("rom.eval.num_test_ics").unwrap_or(0);
        let start = values.text("initial_distribution").unwrap_or("uniform");
        (0..count).for_each(|number| runs.named(&format!("test_{start}_s{number}"), start));
    }
    runs.runs
}

/// The runs of `ensemble`, each of the next kind.
fn ensemble(values: &Values, runs: &mut List) {
    let default = [values.text("initial_distribution").unwrap_or("uniform").to_owned()];
    let kinds = values.names("ensemble.ic_types").filter(|kinds| !kinds.is_empty());
    let kinds = kinds.unwrap_or(&default);
    let seeds = values.counts("ensemble.seeds").unwrap_or(&[]);
    let count = values.count("ensemble.n_runs").unwrap_or(seeds.len());
    runs.seed = values.count("ensemble.base_seed").map_or(0, |seed| seed as u64);
    for number in 0..count {
        let kind = &kinds[number % kinds.len()];
        runs.named(&format!("{kind}_s{number}"), kind);
    }
    for (run, seed) in runs.runs.iter_mut().zip(seeds) {
        run.seed = *seed;
    }
}

fn uniform(values: &Values, section: &str, label: &str, runs: &mut List) {
    if !values.flag(&format!("{section}.uniform.enabled")).unwrap_or(false) {
        return;
    }
    let count = |name: &str| values.count(&format!("{section}.uniform.{name}")).unwrap_or(0);
    // Runs count before samples, of which some files have both.
    let count = if count("n_runs") > 0 { count("n_runs") } else { count("n_samples") };
    (0..count).for_each(|sample| runs.add(format!("{label}_s{sample}"), Start::Uniform));
}

struct List {
    runs: Vec<Run>,
    /// The seed of the first.
    seed: u64,
}

impl List {
    fn add(&mut self, label: String, start: Start) {
        let seed = self.seed + self.runs.len() as u64;
        self.runs.push(Run { label, start, seed });
    }

    fn gaussian(&mut self, label: String, center: [f64; 2], variance: f64) {
        let (center, sigma) = (Some(center), Some(variance.sqrt()));
        self.add(label, Start::GaussianCluster { center, sigma });
    }

    fn ring(&mut self, label: String, radius: f64, width: f64) {
        self.add(label, Start::Ring { radius: Some(radius), width: Some(width) });
    }

    fn clusters(&mut self, label: String, separation: f64, sigma: f64) {
        let (separation, sigma) = (Some(separation), Some(sigma));
        self.add(label, Start::TwoClusters { separation, sigma });
    }

    /// A run of a kind, with the lengths of that kind.
    fn named(&mut self, label: &str, kind: &str) {
        let start = match kind {
            "gaussian" | "gaussian_cluster" => Start::GaussianCluster { center: None, sigma: None },
            "ring" => Start::Ring { radius: None, width: None },
            "two_clusters" | "cluster" => Start::TwoClusters { separation: None, sigma: None },
            _ => Start::Uniform,
        };
        self.add(label.to_owned(), start);
    }
}

/// All combinations, the last varying fastest.
fn grid(lists: [&[f64]; 3]) -> Vec<[f64; 3]> {
    let [a, b, c] = lists;
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
    pairs.flat_map(|(x, y)| c.iter().map(move |z| [*x, *y, *z])).collect()
}

fn first(numbers: &[f64], default: f64) -> f64 {
    numbers.first().copied().unwrap_or(default)
}
