//! Learning, resuming, diverging.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::Error;
use ptycho_core::compute::{Compute, DeviceChoice};
use ptycho_core::data::{Dataset, DatasetParts, Patches};
use ptycho_core::grouping::form_groups;
use ptycho_core::job::{DriveOptions, Engine as _, Quiet, Step, Stop, StopReason, drive};
use ptycho_core::nn::samples::Samples;
use ptycho_core::nn::stepper::{Batch, Losses, Prediction, Stepper};
use ptycho_core::nn::{EpochRecord, Loss, Model, Schedule, TrainSettings, Trainer};

use crate::jobs::resumes_bit_for_bit;
use crate::lsqml::scan;

/// 25 patterns of 64 pixels.
pub(crate) fn dataset() -> Arc<Dataset> {
    scan(64, 5, 34.0, false)
}

/// The smallest network, three epochs of three steps, five validation groups.
pub(crate) fn tiny() -> TrainSettings {
    TrainSettings {
        gridsize: 1,
        filters_scale: 1,
        epochs: 3,
        batch_size: 7,
        validation_fraction: 0.2,
        warmup_epochs: 0,
        schedule: Schedule::Plateau,
        ..TrainSettings::default()
    }
}

fn cpu(n_threads: usize) -> Compute {
    Compute::open(DeviceChoice::Cpu, n_threads).unwrap()
}

fn split(dataset: &Arc<Dataset>, settings: &TrainSettings) -> (Samples, Samples) {
    let samples = Samples::new(Arc::clone(dataset), settings).unwrap();
    samples
        .split(settings.validation_fraction, settings.seed)
        .unwrap()
}

pub(crate) fn trainer(dataset: &Arc<Dataset>, settings: &TrainSettings) -> Trainer {
    let (train, validation) = split(dataset, settings);
    Trainer::new(settings, train, validation, &cpu(2)).unwrap()
}

pub(crate) fn finish(trainer: &mut Trainer) -> StopReason {
    drive(trainer, &DriveOptions::default(), &Quiet::default()).unwrap()
}

/// Not a network: every parameter is drawn to the batch's mean input, and the patch has the first parameter's amplitude.
struct Fake {
    n: usize,
    largest_batch: usize,
    /// The step whose gradient is NaN.
    bad_step: Option<usize>,
    n_steps: usize,
}

impl Fake {
    fn losses(&self, parameters: &[f32], batch: &Batch) -> (Losses, f32) {
        let n_pixels = self.n * self.n;
        let sum: f32 = batch.amplitude[..batch.n_groups * n_pixels].iter().sum();
        let aim = sum / (batch.n_groups * n_pixels) as f32;
        let objective = parameters
            .iter()
            .map(|p| f64::from(p - aim).powi(2))
            .sum::<f64>();
        let losses = Losses {
            objective,
            nll: objective - 7.0,
            mae: 2.0 * objective,
            tv: 0.0,
        };
        (losses, aim)
    }
}

impl Stepper for Fake {
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> ptycho_core::Result<Option<Losses>> {
        if stop.is_requested() {
            return Ok(None);
        }
        self.n_steps += 1;
        let (losses, aim) = self.losses(parameters, batch);
        for (gradient, parameter) in gradient.iter_mut().zip(parameters) {
            *gradient = 2.0 * (parameter - aim);
        }
        if self.bad_step == Some(self.n_steps) {
            gradient[3] = f32::NAN;
        }
        Ok(Some(losses))
    }

    fn evaluate(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: Option<&mut Prediction>,
        _: &Stop,
    ) -> ptycho_core::Result<Option<Losses>> {
        if let Some(prediction) = prediction {
            let n_values = self.largest_batch * self.n * self.n;
            prediction.objects = vec![Complex32::new(1.0 + parameters[0], 0.0); n_values];
            prediction.patches.clone_from(&prediction.objects);
            prediction.amplitude = vec![1.0; n_values];
        }
        Ok(Some(self.losses(parameters, batch).0))
    }

    fn predict(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: &mut Prediction,
        stop: &Stop,
    ) -> ptycho_core::Result<Option<()>> {
        let losses = self.evaluate(parameters, batch, Some(prediction), stop)?;
        Ok(losses.map(|_| ()))
    }

    fn largest_batch(&self) -> usize {
        self.largest_batch
    }

    fn n_bytes(&self) -> usize {
        0
    }
}

fn fake(dataset: &Arc<Dataset>, settings: &TrainSettings, bad_step: Option<usize>) -> Trainer {
    let (train, validation) = split(dataset, settings);
    let open = |_: &_, of: ptycho_core::nn::stepper::StepperSettings| {
        let fake: Box<dyn Stepper> = Box::new(Fake {
            n: 64,
            largest_batch: of.largest_batch,
            bad_step,
            n_steps: 0,
        });
        Ok(fake)
    };
    Trainer::with_stepper(settings, train, validation, &cpu(1), open).unwrap()
}

/// What must not depend on how a training was run.
#[derive(Debug, PartialEq)]
struct Outcome {
    last: Vec<u32>,
    best: Vec<u32>,
    steps: Vec<ptycho_core::nn::StepRecord>,
    epochs: Vec<EpochRecord>,
    best_epoch: Option<usize>,
}

fn outcome(trainer: &Trainer) -> Outcome {
    let bits = |bundle: ptycho_core::nn::Bundle| -> Vec<u32> {
        let values = bundle.parameters.values().iter();
        values.map(|value| value.to_bits()).collect()
    };
    let history = trainer.history();
    let timeless = |epoch: &EpochRecord| EpochRecord {
        seconds: 0.0,
        ..epoch.clone()
    };
    Outcome {
        last: bits(trainer.last()),
        best: bits(trainer.best()),
        steps: history.steps.clone(),
        epochs: history.epochs.iter().map(timeless).collect(),
        best_epoch: history.best_epoch,
    }
}

#[test]
fn a_resumed_training_equals_a_straight_one() {
    let dataset = dataset();
    for schedule in [Schedule::Plateau, Schedule::Cosine] {
        let settings = TrainSettings {
            schedule,
            plateau_patience: 0,
            warmup_epochs: 1,
            clip_norm: 1.0,
            ..tiny()
        };
        // Before, within, and at the end of an epoch.
        for n_steps in [0, 3, 7, 11] {
            resumes_bit_for_bit(
                || fake(&dataset, &settings, None),
                |file| fake(&dataset, &settings, None).at(file).unwrap(),
                outcome,
                n_steps,
            );
        }
    }
}

#[test]
fn a_resumed_network_equals_a_straight_one() {
    let (dataset, settings) = (dataset(), tiny());
    resumes_bit_for_bit(
        || trainer(&dataset, &settings),
        |file: &Path| {
            let (train, validation) = split(&dataset, &settings);
            Trainer::resume(&settings, train, validation, &cpu(1), file).unwrap()
        },
        outcome,
        5,
    );
}

#[test]
fn a_checkpoint_of_another_training_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let (dataset, settings) = (dataset(), tiny());
    let mut first = fake(&dataset, &settings, None);
    (0..4).for_each(|_| assert!(first.step(&Stop::default()).is_ok()));
    first.checkpoint(&file).unwrap();
    let refuse = |dataset: &Arc<Dataset>, settings: TrainSettings| {
        let resumed = fake(dataset, &settings, None).at(&file);
        resumed.err().unwrap().to_string()
    };
    let other_lr = TrainSettings {
        lr: 2e-3,
        ..settings.clone()
    };
    assert!(refuse(&dataset, other_lr).contains("only epochs may differ"));
    let other = scan(64, 5, 34.5, false);
    assert!(refuse(&other, settings.clone()).contains("resume the training: training data"));
    let longer = TrainSettings {
        epochs: 9,
        ..settings.clone()
    };
    assert!(fake(&dataset, &longer, None).at(&file).is_ok());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 1);
    ptycho_core::disk::write(&file, &bytes).unwrap();
    assert!(refuse(&dataset, settings.clone()).contains("a checkpoint of this training"));
    ptycho_core::disk::write(&file, b"PK\x03\x04").unwrap();
    assert!(refuse(&dataset, settings).contains("a checkpoint of this training"));
}

#[test]
fn a_nan_stops_with_epoch_and_step_and_the_last_good_state() {
    let (dataset, settings) = (dataset(), tiny());
    // Three steps an epoch: the fifth is the second of the second epoch.
    let mut good = fake(
        &dataset,
        &TrainSettings {
            epochs: 1,
            ..tiny()
        },
        None,
    );
    finish(&mut good);
    let mut bad = fake(&dataset, &settings, Some(5));
    let StopReason::Diverged { epoch, why } = finish(&mut bad) else {
        panic!("it went on")
    };
    assert_eq!(epoch, 2);
    assert!(why.contains("gradient is NaN in step 5"), "{why}");
    assert_eq!(outcome(&bad).last, outcome(&good).last);
    let steps = &bad.history().steps;
    assert_eq!((steps.len(), steps[4].gradient_norm), (5, None));
    // What is checkpointed is the good state, which goes on.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    bad.checkpoint(&file).unwrap();
    let mut resumed = fake(&dataset, &settings, None).at(&file).unwrap();
    assert_eq!(resumed.history().steps.len(), 3);
    assert_eq!(finish(&mut resumed), StopReason::Finished);
    let mut straight = fake(&dataset, &settings, None);
    finish(&mut straight);
    assert_eq!(outcome(&straight), outcome(&resumed));
}

#[test]
fn a_stop_drops_the_unfinished_step() {
    let dataset = dataset();
    let mut trainer = trainer(&dataset, &tiny());
    (0..3).for_each(|_| assert!(trainer.step(&Stop::default()).is_ok()));
    let before = outcome(&trainer);
    let stop = Stop::default();
    stop.request();
    assert_eq!(trainer.step(&stop).unwrap(), Step::Dropped);
    assert_eq!(outcome(&trainer), before);
}

#[test]
fn training_stops_early_and_keeps_the_best() {
    // A learning rate of 0 improves nothing: the first epoch stays the best.
    let settings = TrainSettings {
        lr: 0.0,
        early_stop: 2,
        epochs: 50,
        ..tiny()
    };
    let mut trainer = fake(&dataset(), &settings, None);
    assert_eq!(finish(&mut trainer), StopReason::Finished);
    let history = trainer.history();
    assert_eq!((history.epochs.len(), history.best_epoch), (3, Some(1)));
    assert!(history.stopped_early);
    assert_eq!(trainer.best().epoch, 1);
}

#[test]
fn a_flat_image_is_called_a_collapse() {
    let mut trainer = fake(&dataset(), &tiny(), None);
    finish(&mut trainer);
    let collapsed: Vec<bool> = trainer
        .history()
        .epochs
        .iter()
        .map(|e| e.collapsed)
        .collect();
    assert_eq!(collapsed, [false, false, true]);
    assert_eq!(trainer.history().epochs[2].pattern_correlation, Some(0.0));
}

#[test]
fn every_snapshot_has_a_preview_in_the_object_frame() {
    let dataset = dataset();
    let mut trainer = trainer(&dataset, &tiny());
    // Two evaluation batches of the first preview.
    (0..6).for_each(|_| assert!(trainer.step(&Stop::default()).is_ok()));
    let preview = trainer.snapshot().preview.unwrap();
    assert_eq!(preview.epoch, 0);
    finish(&mut trainer);
    let snapshot = trainer.snapshot();
    let preview = snapshot.preview.unwrap();
    assert_eq!(preview.epoch, 3);
    assert_eq!(
        preview.object.dim(),
        <(usize, usize)>::from(dataset.object_shape())
    );
    let seen = preview.coverage.iter().filter(|w| 0.0 < **w).count();
    assert!(20 * 20 <= seen, "{seen} pixels");
    assert_eq!(
        [
            preview.measured.dim(),
            preview.predicted.dim(),
            preview.patch.dim()
        ],
        [(64, 64); 3]
    );
    assert!(preview.measured.sum() > 0.0 && preview.predicted.sum() > 0.0);
    assert!(0.0 < snapshot.samples_per_s);
}

#[test]
fn a_network_learns_and_its_history_says_so() {
    for loss in [Loss::Nll, Loss::Mae] {
        let settings = TrainSettings {
            loss,
            epochs: 6,
            ..tiny()
        };
        let mut trainer = trainer(&dataset(), &settings);
        assert_eq!(finish(&mut trainer), StopReason::Finished);
        let history = trainer.history();
        assert_eq!((history.epochs.len(), history.steps.len()), (6, 18));
        let objective = |i: usize| history.steps[i].objective.unwrap();
        let (first, last) = (objective(0), objective(17));
        assert!(last < first, "{loss:?}: {first} to {last}");
        let epochs = &history.epochs;
        assert!(epochs[5].validation.unwrap() < epochs[0].validation.unwrap());
        let correlation = |i: usize| epochs[i].amplitude_correlation.unwrap();
        assert!(correlation(0) < correlation(5), "{loss:?}");
        assert!(epochs.iter().all(|epoch| !epoch.collapsed));
    }
}

#[test]
fn groups_are_split_by_the_seed() {
    let dataset = dataset();
    let samples = Samples::new(dataset, &tiny()).unwrap();
    let members = |samples: &Samples| samples.groups.index().iter().copied().collect::<Vec<_>>();
    for (fraction, n_validation) in [(0.0, 0), (0.001, 1), (0.2, 5), (0.9, 23)] {
        let (train, validation) = samples.split(fraction, 3).unwrap();
        assert_eq!(validation.n_groups(), n_validation);
        let mut all = [members(&train), members(&validation)].concat();
        all.sort_unstable();
        assert_eq!(all, (0..25).collect::<Vec<u32>>());
    }
    let of_seed = |seed| members(&samples.split(0.2, seed).unwrap().1);
    assert_eq!(of_seed(3), of_seed(3));
    assert_ne!(of_seed(3), of_seed(4));
    let one = samples.select(&[7]);
    assert_eq!(one.split(0.5, 0).unwrap().1.n_groups(), 0);
    assert!(samples.select(&[]).split(0.5, 0).is_err());
}

#[test]
fn members_of_a_group_stand_in_reading_order() {
    let dataset = scan(64, 5, 34.0, true);
    let settings = TrainSettings::default();
    let samples = Samples::new(Arc::clone(&dataset), &settings).unwrap();
    let drawn = form_groups(dataset.positions_px(), &settings.grouping()).unwrap();
    for (g, row) in samples.groups.index().rows().into_iter().enumerate() {
        let sorted = |members: Vec<u32>| {
            let mut members = members;
            members.sort_unstable();
            members
        };
        let as_drawn = drawn.groups.index().row(g).to_vec();
        assert_eq!(sorted(row.to_vec()), sorted(as_drawn), "group {g}");
        let at = samples.groups.relative_px(g);
        assert!(at[0][1] <= at[1][1] && at[2][1] <= at[3][1], "{at:?}");
        let lowest_above = at[0][0].max(at[1][0]);
        assert!(lowest_above <= at[2][0].min(at[3][0]), "{at:?}");
    }
}

#[test]
fn batches_hold_normalised_groups_and_leave_masked_pixels_out() {
    let dataset = scan(64, 5, 34.0, true);
    let settings = TrainSettings {
        gridsize: 2,
        ..TrainSettings::default()
    };
    let samples = Samples::new(Arc::clone(&dataset), &settings).unwrap();
    let of = samples.normalisation();
    let mask = dataset.detector_mask().unwrap();
    let frames: Vec<Vec<f32>> = (0..25)
        .map(|i| {
            let mut frame = vec![0.0; 64 * 64];
            dataset.frames().read(i, &mut frame);
            frame
        })
        .collect();
    // Every pattern is in some group here, and counts once.
    assert_eq!(samples.groups.rows().len(), 25);
    let sum: f64 = frames
        .iter()
        .flat_map(|frame| frame.iter().zip(mask).filter(|(_, used)| **used))
        .map(|(value, _)| f64::from(*value).powi(2))
        .sum();
    let n_used = mask.iter().filter(|used| **used).count() as f64;
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-12;
    assert!(near(of.mean_counts_per_pattern, sum / 25.0));
    assert!(near(of.mean_counts_per_pixel, sum / 25.0 / n_used));
    assert!(near(of.input_factor, 32.0 / (sum / 25.0).sqrt()));

    let mut batch = samples.room(4);
    // A fuller batch before leaves nothing behind.
    samples.fill(&[0, 1, 2, 3], &of, &mut batch);
    samples.fill(&[9, 5], &of, &mut batch);
    assert_eq!((batch.n_groups, batch.relative_px.len()), (2, 16));
    for (item, group) in [9, 5].into_iter().enumerate() {
        for channel in 0..4 {
            let member = samples.groups.index()[[group, channel]] as usize;
            let offset = batch.relative_px[4 * item + channel];
            assert_eq!(offset, samples.groups.relative_px(group)[channel]);
            for (pixel, used) in mask.iter().enumerate() {
                let value = frames[member][pixel];
                let measured = batch.amplitude[(4 * item + channel) * 4096 + pixel];
                let at = batch.input.at(item, pixel / 64, pixel % 64, channel);
                let input = batch.input.values()[at];
                if *used {
                    assert_eq!(measured, value);
                    assert_eq!(input, of.input_factor as f32 * value);
                } else {
                    assert!(measured.is_nan());
                    assert_eq!(input, 0.0);
                }
            }
        }
        let first = batch.input.at(item, 0, 0, 0);
        let spare = batch.input.values()[first..].chunks(batch.input.stride());
        assert!(
            spare
                .take(4096)
                .all(|pixel| pixel[4..].iter().all(|v| *v == 0.0))
        );
    }
    let largest = samples.largest_offset_px();
    let side = 64 + 2 * largest[0].max(largest[1]).ceil() as usize;
    assert_eq!(samples.canvas_px(), side);
}

#[test]
fn a_file_has_its_own_groups_and_says_which_gridsize_fits() {
    let plain = dataset();
    let index = Array2::from_shape_fn((6, 4), |(g, c)| (g + 5 * (c / 2) + c % 2) as i32);
    let parts = DatasetParts {
        group_index: Some(index.clone()),
        ..plain.parts().clone()
    };
    let dataset = Arc::new(Dataset::new(parts).unwrap());
    let settings = TrainSettings {
        gridsize: 2,
        groups: 20,
        ..TrainSettings::default()
    };
    let samples = Samples::new(Arc::clone(&dataset), &settings).unwrap();
    // The same members; their order is the network's business.
    let mut members = samples.groups.index().mapv(|i| i as i32);
    for mut row in members.rows_mut() {
        row.as_slice_mut().unwrap().sort_unstable();
    }
    assert_eq!(members, index);
    assert!(samples.notes[0].contains("the file's own 6 groups"));
    let error = Samples::new(dataset, &tiny()).err().unwrap().to_string();
    assert!(error.contains("--gridsize 2"), "{error}");
    // Without groups of its own: capped and told.
    let more = TrainSettings {
        groups: 99,
        ..tiny()
    };
    let capped = Samples::new(plain, &more).unwrap();
    assert_eq!(capped.n_groups(), 25);
    assert!(capped.notes[0].contains("25 groups instead of 99"));
}

#[test]
fn the_baseline_learns_single_patterns_and_their_true_patches() {
    let settings = TrainSettings {
        model: Model::Baseline,
        gridsize: 2,
        ..tiny()
    };
    let plain = dataset();
    let error = Samples::new(Arc::clone(&plain), &settings).err().unwrap();
    assert!(matches!(error, Error::Invalid(_)));
    assert!(error.to_string().contains("ptychobench patches"), "{error}");
    let truth = Array3::from_shape_fn((25, 64, 64), |(i, r, c)| {
        Complex32::new(i as f32, (64 * r + c) as f32)
    });
    let index = Array2::from_shape_vec((2, 4), vec![3, 4, 8, 9, 9, 4, 14, 13]).unwrap();
    let parts = DatasetParts {
        patches: Some(Patches::from_array(truth.clone())),
        group_index: Some(index),
        ..plain.parts().clone()
    };
    let samples = Samples::new(Arc::new(Dataset::new(parts).unwrap()), &settings).unwrap();
    let members: Vec<u32> = samples.groups.index().iter().copied().collect();
    assert_eq!(members, [3, 4, 8, 9, 13, 14]);
    assert_eq!(samples.groups.centres_px()[2], plain.positions_px()[8]);
    assert_eq!(samples.canvas_px(), 64);
    let mut batch = samples.room(3);
    samples.fill(&[5, 2], &samples.normalisation(), &mut batch);
    for (item, row) in [14, 8].into_iter().enumerate() {
        let found = &batch.truth[item * 4096..(item + 1) * 4096];
        assert!(
            found
                .iter()
                .zip(truth.outer_iter().nth(row).unwrap())
                .all(|(a, b)| a == b)
        );
    }
    let blind = Samples::to_predict(plain, &settings).unwrap();
    assert!(blind.room(3).truth.is_empty());
}

#[test]
fn patterns_that_the_network_cannot_explain_are_refused_before_training() {
    let plain = dataset();
    let refuse = |parts: DatasetParts| {
        let dataset = Arc::new(Dataset::new(parts).unwrap());
        let (train, validation) = split(&dataset, &tiny());
        let trainer = Trainer::new(&tiny(), train, validation, &cpu(1));
        trainer.err().unwrap().to_string()
    };
    let faint = DatasetParts {
        probe: plain.probe().mapv(|v| v * 0.1),
        ..plain.parts().clone()
    };
    let error = refuse(faint);
    assert!(
        error.contains("amplitude_max") && error.contains("calibrate the probe"),
        "{error}"
    );
}
