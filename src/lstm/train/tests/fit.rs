use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use ndarray::Array2;
use proptest::prelude::*;

use crate::file::npz::Archive;
use crate::input;
use crate::lstm::Model;
use crate::lstm::model::{Kind, Options, Training};
use crate::lstm::train::*;
use crate::machine::isa::Isa;

/// Windows of two noisy oscillations of three components.
fn windows(after: usize) -> Windows {
    let runs = [90, 70].map(|rows| {
        let noise = input::gaussian(rows as u64, rows * 3, 0.1);
        Array2::from_shape_fn((rows, 3), |(t, i)| {
            (t as f64 * 0.3 + i as f64 * 2.0).sin() + noise[3 * t + i]
        })
    });
    Windows::from_runs(&runs.each_ref().map(|run| run.view()), 4, after).unwrap()
}

/// All that a training may have, over enough epochs that states are sampled.
fn config() -> Config {
    let multistep = Some(Multistep { k_steps: 3, alpha: 0.3 });
    Config {
        multistep,
        dropout: 0.2,
        scheduled_sampling: Some(Sampling::default()),
        batch_size: 25,
        seed: 7,
        ..Config::new(6, 2, 1e-2, 40, 40)
    }
}

fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn checkpoint(folder: &Path) -> Checkpoint {
    Checkpoint { file: folder.join("checkpoint.npz"), every: Duration::ZERO }
}

/// All but the time that it took.
fn bits(trained: &Trained) -> (Vec<u8>, u64, Vec<[u64; 2]>, Ending) {
    let model = trained.model.clone().trained(Training { time: Duration::ZERO, dropout: 0.0 });
    let log = trained.log.iter();
    let log = log.map(|losses| [losses.train, losses.validation].map(f64::to_bits)).collect();
    let bytes = model.to_bytes("model", Kind::Safetensors).unwrap();
    (bytes, trained.val_loss.to_bits(), log, trained.ending)
}

#[test]
fn a_training_killed_at_any_moment_ends_with_the_same_bits() {
    let (config, windows) = (config(), windows(3));
    let mut moments = 0;
    let undisturbed = fit(&config, &windows, None, |now| {
        moments += 1;
        go(now)
    });
    let want = bits(&undisturbed.unwrap());
    let mut generator = Generator::new(3);
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Some(checkpoint(folder.path()));
        // It is killed again on its way from there, until it is through.
        let mut kills = 0;
        let trained = loop {
            let mut left = generator.bits() % moments + 1;
            let found = fit(&config, &windows, checkpoint.as_ref(), |_| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            match found {
                Ok(trained) => break trained,
                Err(Error::Stopped { .. }) => kills += 1,
                Err(why) => panic!("{why}"),
            }
            assert!(kills < 1000, "it goes on");
        };
        assert!(bits(&trained) == want, "killed {kills} times");
        let again = fit(&config, &windows, checkpoint.as_ref(), |_| ControlFlow::Break(()));
        assert!(bits(&again.unwrap()) == want, "what is done is not done again");
    }
}

#[test]
fn a_seed_decides_every_bit() {
    let (config, windows) = (Config { max_epochs: 3, ..config() }, windows(3));
    let run = |config| bits(&fit(&config, &windows, None, go).unwrap());
    let first = run(config.clone());
    assert!(run(config.clone()) == first, "the same seed");
    assert!(run(Config { seed: 8, ..config }) != first, "another seed");
}

#[test]
fn more_epochs_go_on_from_the_checkpoint() {
    let (whole, windows) = (config(), windows(3));
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(checkpoint(folder.path()));
    let few = Config { max_epochs: 5, ..config() };
    assert_eq!(fit(&few, &windows, checkpoint.as_ref(), go).unwrap().log.len(), 5, "few");
    let more = fit(&whole, &windows, checkpoint.as_ref(), go).unwrap();
    assert!(bits(&more) == bits(&fit(&whole, &windows, None, go).unwrap()), "as in one go");
}

#[test]
fn a_checkpoint_of_another_training_is_refused_by_what_differs() {
    let first = Config { max_epochs: 2, ..config() };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(checkpoint(folder.path()));
    fit(&first, &windows(3), checkpoint.as_ref(), go).unwrap();
    let other = Config { learning_rate: 2e-2, ..config() };
    let why = fit(&other, &windows(3), checkpoint.as_ref(), go).unwrap_err().to_string();
    assert!(why.contains("`learning_rate`: found 0.01, expected 0.02"), "{why}");
    let windows = Windows::new(windows(3).x().to_owned() * 2.0, windows(3).y().to_owned());
    let why = fit(&first, &windows.unwrap(), checkpoint.as_ref(), go).unwrap_err().to_string();
    assert!(why.contains("`data`: found other windows"), "{why}");
}

#[test]
fn a_checkpoint_by_another_instruction_set_is_refused_by_name() {
    let config = Config { max_epochs: 1, ..config() };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(checkpoint(folder.path()));
    let train = |config: &Config, isa| {
        Session::with_isa(config, &windows(3), isa).unwrap().train(checkpoint.as_ref(), go)
    };
    train(&config, Isa::Scalar).unwrap();
    let more = Config { max_epochs: 2, ..config };
    for isa in Isa::available().skip(1) {
        let why = train(&more, isa).unwrap_err().to_string();
        let part = format!("`isa`: found portable, expected {}; remove the file", isa.name());
        assert!(why.contains(&part), "{why}");
    }
    assert_eq!(train(&more, Isa::Scalar).unwrap().log.len(), 2, "the same one goes on");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let config = Config { max_epochs: 1, ..config() };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = checkpoint(folder.path());
    fit(&config, &windows(3), Some(&checkpoint), go).unwrap();
    let good = fs::read(&checkpoint.file).unwrap();
    for cut in [0, 10, good.len() / 2, good.len() - 1] {
        fs::write(&checkpoint.file, &good[..cut]).unwrap();
        let why = fit(&config, &windows(3), Some(&checkpoint), go).unwrap_err().to_string();
        assert!(why.contains("checkpoint.npz"), "cut at {cut}: {why}");
    }
}

#[test]
fn unfit_options_and_data_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(checkpoint(folder.path()));
    let refused = |config: Config, words: &str| {
        let why = fit(&config, &windows(2), checkpoint.as_ref(), go).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    };
    refused(Config { max_epochs: 0, ..config() }, "max_epochs: found 0");
    refused(Config { dropout: 1.0, ..config() }, "dropout: found 1");
    refused(config(), "found 2 of each, expected 3, as multistep_k says");
    refused(
        Config { learning_rate: 1e30, multistep: None, ..config() },
        "choose a learning rate below",
    );
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 0, "nothing is written");
}

#[test]
fn what_diverges_keeps_the_best_before() {
    let config = Config { multistep: None, ..config() };
    let mut session = Session::new(&config, &windows(1)).unwrap();
    let go = |_| ControlFlow::Continue(());
    assert_eq!(session.epoch(go), Epoch::Done, "the first");
    let best = session.state.best.clone();
    session.state.rate = 1e30;
    assert_eq!(session.epoch(go), Epoch::Diverged, "the second");
    assert_eq!(session.log().len(), 1, "the log");
    assert!(session.state.best == best && best.iter().all(|w| w.is_finite()), "the best");
}

#[test]
fn training_ends_when_nothing_gains() {
    let config = Config { learning_rate: f64::MIN_POSITIVE, patience: 3, ..config() };
    let trained = fit(&config, &windows(3), None, go).unwrap();
    assert_eq!((trained.ending, trained.log.len()), (Ending::Patience, 4), "one best and three");
}

#[test]
fn a_trained_model_and_its_log_are_saved() {
    let config = Config { multistep: None, dropout: 0.0, ..config() };
    let trained = fit(&config, &windows(1), None, go).unwrap();
    assert!(trained.val_loss < 0.5 * trained.log[0].validation, "it learns: {:?}", trained.log);
    let least = trained.log.iter().map(|losses| losses.validation).fold(f64::MAX, f64::min);
    assert_eq!((trained.val_loss, trained.ending), (least, Ending::Epochs), "the best");
    let folder = tempfile::tempdir().unwrap();
    trained.save(folder.path()).unwrap();
    for name in ["lstm_state_dict.pt", "lstm.safetensors"] {
        let model = Model::load(&folder.path().join(name), &Options::default()).unwrap();
        assert_eq!(model, trained.model, "{name}");
        let training = model.training().unwrap();
        assert!(training.time > Duration::ZERO, "{name} has the time of the training");
    }
    let log = fs::read_to_string(folder.path().join("training_log.csv")).unwrap();
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("epoch,train_loss,val_loss"), "header");
    let Losses { train, validation } = trained.log[0];
    assert_eq!(lines.next(), Some(&*format!("0,{train:.8},{validation:.8}")), "the first epoch");
    assert_eq!(lines.count(), 39, "the others");
}

#[test]
fn a_checkpoint_holds_the_time_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, config) = (checkpoint(folder.path()), Config { max_epochs: 2, ..config() });
    fit(&config, &windows(3), Some(&checkpoint), go).unwrap();
    let mut npz = Archive::open(&checkpoint.file).unwrap();
    let before = npz.array::<f64, ndarray::Ix0>("seconds").unwrap().into_scalar();
    let longer = Config { max_epochs: 3, ..config };
    let trained = fit(&longer, &windows(3), Some(&checkpoint), go).unwrap();
    let after = trained.model.training().unwrap().time.as_secs_f64();
    assert!(before > 0.0 && after > before, "{before} s, then {after} s");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_of_a_checkpoint_make_it_panic(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = checkpoint(folder.path());
        let config = Config { max_epochs: 1, ..Config::new(2, 1, 1e-2, 1, 1) };
        fit(&config, &windows(1), Some(&checkpoint), go).unwrap();
        let mut bytes = fs::read(&checkpoint.file).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = with;
        fs::write(&checkpoint.file, bytes).unwrap();
        let _ = fit(&config, &windows(1), Some(&checkpoint), go);
    }
}
