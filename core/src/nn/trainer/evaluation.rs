//! What the network makes of some groups: the losses of validation, the spread of the object, and pictures of both.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::Array2;
use num_complex::Complex32;

use super::state::Sums;
use super::{
    MEASURED_GROUPS, PREVIEW_GROUPS, PREVIEW_INTERVAL, PREVIEW_SHARE, Samples, TrainPreview,
};
use crate::nn::collapse::{Contrast, Spread};
use crate::nn::infer::Stitcher;
use crate::nn::stepper::{Batch, Losses, Prediction};

/// The central share of a patch that is stitched: 20 of 64 pixels, as inference does.
const STITCHED_PART: (usize, usize) = (20, 64);
/// Steps whose times are remembered.
const REMEMBERED_STEPS: usize = 1000;
/// Groups of the first preview, when the network's pace is not known.
const FIRST_PREVIEW_GROUPS: usize = 16;

/// Why a batch is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Validation loss, and all that a measured batch is for.
    Validation,
    /// Spread of the object.
    Measured,
    /// Pictures alone.
    Drawn,
}

/// An evaluation under way, batch by batch.
pub(super) struct Evaluation {
    work: VecDeque<(Part, bool, Vec<usize>)>,
    batch_size: usize,
    ends_epoch: bool,
    draws: bool,
    /// Whether validation patches lie in the same object as training ones.
    is_one_object: bool,
    n_validation: usize,
    losses: Sums,
    contrast: Contrast,
    amplitude_correlation: Option<f64>,
    stitcher: Stitcher,
    spread: Option<Spread>,
    shown: Option<[Array2<f32>; 2]>,
    patch: Array2<Complex32>,
    began_drawing: Option<Instant>,
    drawing: Duration,
}

impl Evaluation {
    /// Nothing to do yet.
    pub(super) fn new(train: &Samples, validation: &Samples, batch_size: usize) -> Self {
        let n = train.dataset.n();
        let (part, whole) = STITCHED_PART;
        let crop = (n * part / whole).max(2);
        let weight = Array2::ones((n, n));
        Self {
            work: VecDeque::new(),
            batch_size: batch_size.max(1),
            ends_epoch: false,
            draws: false,
            is_one_object: Arc::ptr_eq(&train.dataset, &validation.dataset),
            n_validation: validation.n_groups(),
            losses: Sums::default(),
            contrast: Contrast::new(n * n),
            amplitude_correlation: None,
            stitcher: Stitcher::new(train.dataset.object_shape(), n, crop, weight),
            spread: None,
            shown: None,
            patch: Array2::default((0, 0)),
            began_drawing: None,
            drawing: Duration::ZERO,
        }
    }

    /// What ends an epoch, where wanted, then a preview of up to so many groups, where wanted.
    pub(super) fn with_parts(
        mut self,
        train: &Samples,
        ends_epoch: bool,
        preview_groups: Option<usize>,
    ) -> Self {
        (self.ends_epoch, self.draws) = (ends_epoch, preview_groups.is_some());
        let n_train = train.n_groups();
        if ends_epoch {
            self.add_work(Part::Validation, (0..self.n_validation).collect());
            let rest = MEASURED_GROUPS.saturating_sub(self.n_validation);
            self.add_work(Part::Measured, spaced(n_train, rest.max(8), 0));
        }
        if let Some(limit) = preview_groups {
            if !ends_epoch && 0 < self.n_validation {
                self.work.push_back((Part::Drawn, true, vec![0]));
            }
            // Between those that are measured, so that the object fills evenly.
            self.add_work(Part::Drawn, spaced(n_train, limit, n_train / 2));
        }
        self
    }

    fn add_work(&mut self, part: Part, which: Vec<usize>) {
        let batches = which.chunks(self.batch_size);
        let work = batches.map(|batch| (part, part == Part::Validation, batch.to_vec()));
        self.work.extend(work);
    }

    /// The next groups, and whether they are validation groups.
    pub(super) fn next(&mut self) -> Option<(bool, &[usize])> {
        let (part, is_validation, which) = self.work.front()?;
        if *part == Part::Drawn && self.began_drawing.is_none() {
            self.began_drawing = Some(Instant::now());
        }
        Some((*is_validation, which))
    }

    pub(super) fn is_done(&self) -> bool {
        self.work.is_empty()
    }

    /// Take in what the network made of the groups that [`Evaluation::next`] gave.
    pub(super) fn add(
        &mut self,
        samples: &Samples,
        batch: &Batch,
        prediction: &Prediction,
        losses: &Losses,
    ) {
        let Some((part, is_validation, which)) = self.work.pop_front() else {
            return;
        };
        let n = samples.dataset.n();
        if part == Part::Validation {
            self.losses.add(losses, which.len(), 0.0);
        }
        if part != Part::Drawn {
            self.add_contrast(batch, prediction, n * n);
        }
        if self.shown.is_none() && self.draws {
            self.show(batch, prediction, n);
        }
        if !is_validation || self.is_one_object {
            self.stitcher
                .add_groups(&prediction.patches, &samples.groups, &which);
        }
        self.end_part(part);
    }

    /// What is known once a part is over.
    fn end_part(&mut self, part: Part) {
        let is_over = self.work.front().is_none_or(|(next, ..)| *next != part);
        if !is_over || part == Part::Drawn {
            if let Some(began) = self.began_drawing {
                self.drawing = began.elapsed();
            }
            return;
        }
        // Of validation alone, where there is any.
        if self.amplitude_correlation.is_none() {
            self.amplitude_correlation = self.contrast.correlation();
        }
        if part == Part::Measured {
            let (object, coverage) = self.stitcher.finish();
            self.spread = Spread::of(&object, &coverage);
        }
    }

    fn add_contrast(&mut self, batch: &Batch, prediction: &Prediction, n_pixels: usize) {
        if batch.truth.is_empty() {
            let measured = batch.amplitude.chunks(n_pixels);
            let predicted = prediction.amplitude.chunks(n_pixels);
            for (predicted, measured) in predicted.zip(measured) {
                self.contrast.add(predicted, measured);
            }
            return;
        }
        let amplitude = |values: &[Complex32]| values.iter().map(|v| v.norm()).collect::<Vec<_>>();
        let drawn = prediction.objects.chunks(n_pixels).take(batch.n_groups);
        for (drawn, truth) in drawn.zip(batch.truth.chunks(n_pixels)) {
            self.contrast.add(&amplitude(drawn), &amplitude(truth));
        }
    }

    /// Keep the first pattern and what the network made of it.
    fn show(&mut self, batch: &Batch, prediction: &Prediction, n: usize) {
        let plane = |values: &[f32]| {
            let values = values.get(..n * n).unwrap_or_default();
            let seen = values.iter().map(|v| if v.is_nan() { 0.0 } else { *v });
            Array2::from_shape_vec((n, n), seen.collect()).unwrap_or_default()
        };
        self.shown = Some([plane(&batch.amplitude), plane(&prediction.amplitude)]);
        let patch = prediction.objects.get(..n * n).unwrap_or_default();
        self.patch = Array2::from_shape_vec((n, n), patch.to_vec()).unwrap_or_default();
    }

    pub(super) fn ends_epoch(&self) -> bool {
        self.ends_epoch
    }

    /// Mean losses of the validation groups, if there are any.
    pub(super) fn validation(&self) -> Option<Losses> {
        (0.0 < self.losses.n_groups()).then(|| self.losses.means())
    }

    pub(super) fn spread(&self) -> Option<Spread> {
        self.spread
    }

    pub(super) fn amplitude_correlation(&self) -> Option<f64> {
        self.amplitude_correlation.filter(|it| it.is_finite())
    }

    pub(super) fn pattern_correlation(&self) -> Option<f64> {
        let found = self.contrast.pattern_correlation();
        found.filter(|it| it.is_finite())
    }

    /// The pictures, where they were wanted.
    pub(super) fn preview(&self, epoch: usize) -> Option<TrainPreview> {
        let [measured, predicted] = self.shown.clone().filter(|_| self.draws)?;
        let (object, coverage) = self.stitcher.finish();
        Some(TrainPreview {
            epoch,
            measured,
            predicted,
            patch: self.patch.clone(),
            object,
            coverage,
        })
    }

    /// Time spent on pictures alone.
    pub(super) fn drawing(&self) -> Duration {
        self.drawing
    }
}

/// Up to `most` of `n` numbers, evenly spaced, the first one `shift` / `most` steps in.
fn spaced(n: usize, most: usize, shift: usize) -> Vec<usize> {
    let count = most.min(n);
    if count == n {
        return (0..n).collect();
    }
    (0..count)
        .map(|i| (i * n + shift.min(n - 1)) / count)
        .collect()
}

/// How long steps and previews take.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Seconds of the latest steps of a whole batch, a ring.
    steps: Vec<f32>,
    n_steps: usize,
    /// Seconds a group of the latest evaluation.
    seconds_per_group: Option<f64>,
    last_preview: Option<Instant>,
    preview_cost: Duration,
}

impl Pace {
    pub(super) fn add_step(&mut self, seconds: f64) {
        let at = self.n_steps % REMEMBERED_STEPS;
        match self.steps.get_mut(at) {
            Some(step) => *step = seconds as f32,
            None => self.steps.push(seconds as f32),
        }
        self.n_steps += 1;
    }

    /// Groups of a batch over the median of the latest steps; 0 before the first.
    pub(super) fn samples_per_s(&self, n_groups: usize) -> f64 {
        let mut steps = self.steps.clone();
        if steps.is_empty() {
            return 0.0;
        }
        let middle = steps.len() / 2;
        let (_, median, _) = steps.select_nth_unstable_by(middle, f32::total_cmp);
        n_groups as f64 / f64::from(*median)
    }

    pub(super) fn add_evaluation(&mut self, n_groups: usize, time: Duration) {
        self.seconds_per_group = Some(time.as_secs_f64() / n_groups.max(1) as f64);
    }

    /// Groups that a preview takes about a second for.
    pub(super) fn preview_groups(&self) -> usize {
        self.seconds_per_group
            .map_or(FIRST_PREVIEW_GROUPS, |seconds| {
                ((1.0 / seconds) as usize).clamp(FIRST_PREVIEW_GROUPS, PREVIEW_GROUPS)
            })
    }

    pub(super) fn is_preview_due(&self) -> bool {
        let wait = self
            .preview_cost
            .div_f64(PREVIEW_SHARE)
            .max(PREVIEW_INTERVAL);
        self.last_preview.is_none_or(|at| wait <= at.elapsed())
    }

    pub(super) fn end_preview(&mut self, cost: Duration) {
        self.last_preview = Some(Instant::now());
        self.preview_cost = cost;
    }
}
