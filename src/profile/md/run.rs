//! Profiles of one model, of one model over sizes, or of all models of a system: a line for each
//! finished one, and the files of the lines.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::comparison::Comparison;
use super::extended::Trajectory;
use super::files::Wanted;
use super::measure::Plan;
use super::model::{self, Model};
use super::profile::{Motion, Profile, Properties, Subject};
use super::scaling::Scaling;
use super::summary::{self, Loop};
use super::{Error, files, frames};
use crate::file;
use crate::machine;
use crate::md::boxes::Substance;
use crate::md::extxyz::VelocityUnit;
use crate::md::field::AnyPotential;
use crate::profile::points::{Origin, Points};
use crate::profile::progress::Progress;

const POINTS: &str = "md_points.jsonl";
const SLOW: &str =
    "this program was built for tests; one that `cargo build --release` makes is faster";

/// The kind of profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// One model, and about how many atoms.
    Model(usize),
    /// One model over sizes: about how many atoms each.
    Sizes(Vec<usize>),
    /// All models of a system, and about how many atoms.
    All(usize),
}

/// What a run measures, and where it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The kind of profile.
    pub what: What,
    /// The model; of all models one more besides those of the system.
    pub model: Option<String>,
    /// The system, if not the first one that the model knows.
    pub system: Option<Substance>,
    /// The model that forces are compared with.
    pub reference: Option<String>,
    /// Frames that are evaluated, instead of steps of dynamics.
    pub trajectory: Option<PathBuf>,
    /// The unit of the velocities in that file, where it does not show it.
    pub velocity_unit: Option<VelocityUnit>,
    /// Steps; of frames all, if none are named.
    pub steps: Option<usize>,
    /// How much is timed besides.
    pub plan: Plan,
    /// The properties that are timed.
    pub properties: Properties,
    /// A share of a step in percent beyond which a part is named.
    pub threshold_pct: f64,
    /// Seed of the atoms.
    pub seed: u64,
    /// Whether traces are written.
    pub traces: bool,
    /// Whether figures are drawn; there are none without the feature `figures`.
    pub figures: bool,
    /// The folder that all files are written to; made if it is missing.
    pub output: PathBuf,
}

/// Steps of dynamics, if none are named.
const STEPS: usize = 100;

/// One profile of a run.
struct Job {
    model: Model,
    atoms: usize,
}

/// The jobs of a run, and the atoms that they are of.
struct Jobs {
    jobs: Vec<Job>,
    substance: Substance,
    reference: Option<Model>,
}

/// Profiles, and measures what a killed run with the same options left over.
///
/// # Errors
///
/// If a model, a system or a file is not what is needed, a profile is refused, or an unfinished run of
/// something else lies in the folder.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let mut say = |line: &str| writeln!(out, "{line}").map_err(Error::Print);
    let jobs = options.jobs()?;
    file::writable(&options.output).map_err(|why| Error::io(&options.output, why))?;
    if cfg!(debug_assertions) {
        say(SLOW)?;
    }
    if options.system.is_none() && options.trajectory.is_none() {
        say(&format!("system: {}", jobs.substance.name()))?;
    }
    let mut points = Points::open(&options.output.join(POINTS), options.origin(&jobs)?)?;
    let profiles = match options.measure(&jobs, &mut points, &mut say) {
        Ok(profiles) => profiles,
        Err(why) => {
            // Another try would find the same.
            if why.is_of_model() {
                points.remove()?;
            }
            return Err(why);
        }
    };
    let wanted = Wanted { traces: options.traces, figures: options.figures };
    let mut all = Vec::new();
    match &options.what {
        What::Model(_) => all.extend(files::of_model(&profiles[0], wanted)?),
        What::Sizes(_) => {
            let model = &jobs.jobs[0].model;
            let scaling = Scaling::new(&model.name, jobs.substance.name(), &profiles);
            all.extend(files::of_sizes(&scaling, &profiles, wanted)?);
        }
        What::All(_) => {
            let reference = jobs.reference.as_ref().map(|model| &*model.name);
            let found = Comparison::new(jobs.substance.name(), reference, &profiles);
            all.extend(files::of_all(&found, &profiles, wanted)?);
        }
    }
    file::replace_all(&options.output, &all)
        .map_err(|(path, source)| Error::Io { path, source })?;
    points.remove()?;
    for profile in &profiles {
        say(&told(profile))?;
    }
    for (name, _) in &all {
        say(&format!("wrote {}", options.output.join(name).display()))?;
    }
    Ok(())
}

/// A profile as it is printed.
fn told(profile: &Profile) -> String {
    let (extended, name) = (&profile.extended, &profile.document.name);
    let mut text = format!("{name}\n{}", summary::text(&Loop::of(extended)));
    for verdict in &extended.verdicts {
        let word = match verdict.is_good {
            Some(true) => "good",
            Some(false) => "look",
            None => "unknown",
        };
        text += &format!("{word}: {}: {}\n", verdict.name, verdict.said);
    }
    for recommendation in &extended.hotspots.recommendations {
        text += &format!("{recommendation}\n");
    }
    text
}

impl Options {
    fn jobs(&self) -> Result<Jobs, Error> {
        let named = self.model.as_deref().map(Model::find).transpose()?;
        let reference = self.reference.as_deref().map(Model::find).transpose()?;
        let silicon = || Model::of(Substance::Silicon).next().expect("a model of silicon");
        let first = match (&named, self.system) {
            (Some(model), _) => model.clone(),
            (None, Some(system)) => Model::of(system).next().unwrap_or_else(silicon),
            (None, None) => silicon(),
        };
        let substance = first.system(self.system)?;
        let job = |atoms: &usize| Job { model: first.clone(), atoms: *atoms };
        let jobs: Vec<Job> = match &self.what {
            What::Model(atoms) => vec![job(atoms)],
            What::Sizes(sizes) => {
                let mut jobs: Vec<Job> = Vec::new();
                let mut found = Vec::new();
                for atoms in sizes {
                    // Two that are asked for may be one that there is.
                    let there = substance.at_rest(*atoms, self.seed).len();
                    if !found.contains(&there) {
                        found.push(there);
                        jobs.push(job(atoms));
                    }
                }
                jobs
            }
            What::All(atoms) => {
                let mut models: Vec<Model> = Model::of(substance).collect();
                let is_new = |model: &&Model| !models.contains(model);
                let more: Vec<Model> = named.iter().filter(is_new).cloned().collect();
                models.extend(more);
                models.into_iter().map(|model| Job { model, atoms: *atoms }).collect()
            }
        };
        if jobs.is_empty() {
            return Err(Error::nothing("sizes"));
        }
        let reference = match (&self.what, reference) {
            (What::All(_), None) => Some(jobs[0].model.clone()),
            (_, reference) => reference,
        };
        if let Some(reference) = reference.as_ref().filter(|_| self.trajectory.is_none()) {
            reference.system(Some(substance))?;
        }
        Ok(Jobs { jobs, substance, reference })
    }

    /// All that the points depend on.
    fn origin(&self, jobs: &Jobs) -> Result<Origin, Error> {
        let Plan { warmup, repeat, memory, .. } = self.plan;
        let Properties { energy, forces, stress } = self.properties;
        let digest = |path: &Path| match fs::read(path) {
            Ok(bytes) => Ok(machine::digest(&bytes)),
            Err(source) => Err(Error::io(path, source)),
        };
        let steps = self.steps.map_or_else(|| "all".to_owned(), |steps| steps.to_string());
        let mut origin = vec![
            ("kind", format!("{:?}", self.what)),
            ("system", jobs.substance.name().to_owned()),
            ("steps", steps),
            ("warm-up", warmup.to_string()),
            ("repeats", repeat.to_string()),
            ("memory", memory.to_string()),
            ("properties", format!("energy {energy}, forces {forces}, stress {stress}")),
            ("threshold", self.threshold_pct.to_string()),
            ("seed", self.seed.to_string()),
        ];
        let models = jobs.jobs.iter().map(|job| ("model", &job.model));
        for (what, model) in models.chain(jobs.reference.iter().map(|model| ("reference", model))) {
            let path = Path::new(&model.name);
            let held = if path.is_file() { digest(path)? } else { String::new() };
            origin.push((what, format!("{} {held}", model.name).trim_end().to_owned()));
        }
        if let Some(path) = &self.trajectory {
            origin.push(("frames", digest(path)?));
        }
        Ok(origin.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn measure(
        &self,
        jobs: &Jobs,
        points: &mut Points,
        say: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<Vec<Profile>, Error> {
        let mut progress = Progress::new(jobs.jobs.len());
        let mut profiles: Vec<Profile> = Vec::new();
        for job in &jobs.jobs {
            progress.step(&format!("{}, {} atoms", job.model.name, job.atoms));
            let name = format!("{}/{}", job.model.name, job.atoms);
            let profile = points.point(&name, || self.profile(job, jobs))?;
            profiles.push(profile);
        }
        drop(progress);
        let off = |profile: &&Profile| {
            let found = &profile.extended.trajectory;
            found.requested_atoms.is_some_and(|asked| asked != found.n_atoms)
        };
        for profile in profiles.iter().filter(off) {
            let found = &profile.extended.trajectory;
            let asked = found.requested_atoms.unwrap_or_default();
            say(&format!("{} atoms, the nearest box to {asked}", found.n_atoms))?;
        }
        Ok(profiles)
    }

    fn profile(&self, job: &Job, jobs: &Jobs) -> Result<Profile, Error> {
        match &self.trajectory {
            Some(path) => self.profile_frames(path, job, jobs),
            None => self.profile_dynamics(job, jobs),
        }
    }

    fn profile_dynamics(&self, job: &Job, jobs: &Jobs) -> Result<Profile, Error> {
        let substance = jobs.substance;
        let settled = model::settle(&job.model, substance, job.atoms, self.seed)?;
        let trajectory = Trajectory {
            source: substance.name().to_owned(),
            requested_atoms: Some(job.atoms),
            seed: Some(self.seed),
            settled_steps: Some(settled.steps),
            ..Trajectory::default()
        };
        let mut system = settled.system.clone();
        let reference = against(jobs.reference.as_ref(), substance.name(), &mut system)?;
        let motion = Motion::Dynamics { dt_ps: substance.dt_ps() };
        let (potential, system) = (&*settled.potential, settled.system);
        let subject =
            Subject::of(&job.model.name, potential, system, motion, model::skin(substance));
        self.finish(subject, trajectory, reference.as_ref(), STEPS)
    }

    fn profile_frames(&self, path: &Path, job: &Job, jobs: &Jobs) -> Result<Profile, Error> {
        let loaded = frames::load(path, self.velocity_unit, self.steps, &job.model)?;
        let name = path.display().to_string();
        let trajectory = Trajectory { source: name.clone(), ..Trajectory::default() };
        let first = loaded.frames[0].clone();
        let reference = against(jobs.reference.as_ref(), &name, &mut first.clone())?;
        let motion = Motion::Frames(&loaded.frames);
        let skin = model::skin(jobs.substance);
        let subject = Subject::of(&job.model.name, &*loaded.potential, first, motion, skin);
        self.finish(subject, trajectory, reference.as_ref(), loaded.frames.len())
    }

    fn finish<'a>(
        &self,
        subject: Subject<'a>,
        trajectory: Trajectory,
        reference: Option<&'a (String, Box<dyn AnyPotential>)>,
        steps: usize,
    ) -> Result<Profile, Error> {
        let plan = Plan { steps: self.steps.unwrap_or(steps), ..self.plan.clone() };
        let subject = Subject {
            trajectory,
            threshold_pct: self.threshold_pct,
            properties: self.properties,
            against: reference.map(|(name, potential)| (name.clone(), &**potential)),
            ..subject
        };
        subject.profile(&plan)
    }
}

type Reference = Option<(String, Box<dyn AnyPotential>)>;

/// The potential of the reference for these atoms.
fn against(
    reference: Option<&Model>,
    name: &str,
    system: &mut crate::md::System,
) -> Result<Reference, Error> {
    let Some(model) = reference else { return Ok(None) };
    Ok(Some((model.name.clone(), model.potential(name, system)?)))
}
