//! The picture of a pane, kept for as long as what it shows stays.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use egui::{Id, TextureId, Ui};
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::job::Job;
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::limits::histogram;
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::phase::Region;

use super::histogram as strip;
use super::image_pane::PaneData;
use super::viewport::Viewport;
use crate::gui::texture::{PictureTexture, block_px};

/// Time that all panes together may spend on new pictures within a frame; the rest waits for the next.
const PAINT_BUDGET: Duration = Duration::from_millis(6);
/// From here on a picture in the making is mentioned.
const LONG: Duration = Duration::from_millis(300);

/// Everything that the pixels of a picture depend on.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    version: u64,
    dim: (usize, usize),
    is_complex: bool,
    look: Look,
    quantity: String,
    unit: String,
    region: Option<Region>,
}

/// The most pixels whose picture is made within a frame, by what a pixel takes: about 8 ms of them.
fn most_pixels_here(key: &Key) -> usize {
    match key.look.component {
        Component::UnwrappedPhase if key.is_complex => 1 << 14,
        Component::HueLightness if key.is_complex => 1 << 16,
        _ => 3 << 16,
    }
}

enum Owned {
    Real(Array2<f32>),
    Complex(Array2<Complex32>),
}

pub(super) struct Finished {
    key: Key,
    pub(super) picture: Arc<Picture>,
    pub(super) counts: Vec<usize>,
}

impl Finished {
    fn new(key: Key, image: &Source<'_>) -> Self {
        let meaning = Meaning {
            quantity: &key.quantity,
            unit: &key.unit,
        };
        let picture = Picture::new(image, &key.look, meaning, key.region.as_ref());
        let counts = histogram(&picture.limited(), &picture.limits, strip::N_BINS);
        Self {
            key,
            picture: Arc::new(picture),
            counts,
        }
    }
}

/// The picture of one pane and its texture, kept between frames.
#[derive(Default)]
pub(super) struct Cache {
    pub(super) finished: Option<Finished>,
    pending: Option<Job<(), Finished>>,
    texture: PictureTexture,
    pub(super) drawn_block_px: usize,
}

/// The cache of the pane called `id`.
pub(super) fn cache(ui: &Ui, id: Id) -> Arc<Mutex<Cache>> {
    ui.data_mut(|data| {
        data.get_temp_mut_or_default::<Arc<Mutex<Cache>>>(id.with("picture"))
            .clone()
    })
}

impl Cache {
    /// The picture, once there is one.
    pub(super) fn picture(&self) -> Option<&Arc<Picture>> {
        self.finished.as_ref().map(|finished| &finished.picture)
    }

    /// Make the picture anew where it is out of date: now, in a later frame, or on a thread.
    pub(super) fn update(&mut self, ui: &Ui, look: &Look, data: &PaneData<'_>) {
        self.collect();
        let key = Key {
            version: data.version,
            dim: data.image.dim(),
            is_complex: data.image.is_complex(),
            look: *look,
            quantity: data.quantity.to_owned(),
            unit: data.unit.to_owned(),
            region: data.region.clone(),
        };
        if self
            .finished
            .as_ref()
            .is_some_and(|finished| finished.key == key)
        {
            return;
        }
        if most_pixels_here(&key) < key.dim.0 * key.dim.1 {
            self.start(ui, key, data);
        } else if self.must_be_made(ui, &key) {
            let start = Instant::now();
            self.finish(Finished::new(key, &data.image));
            budget(ui, |spent| *spent += start.elapsed());
        } else {
            ui.ctx().request_repaint();
        }
    }

    /// Whether this frame has time left, or the old picture cannot stand in for the new one.
    fn must_be_made(&self, ui: &Ui, key: &Key) -> bool {
        let can_wait = self
            .finished
            .as_ref()
            .is_some_and(|finished| finished.key.dim == key.dim);
        !can_wait || budget(ui, |spent| *spent) < PAINT_BUDGET
    }

    /// Whether a picture has been in the making for so long that it is worth a word.
    pub(super) fn is_slow(&self) -> bool {
        let is_long = |job: &Job<(), Finished>| LONG <= job.elapsed();
        self.pending.as_ref().is_some_and(is_long)
    }

    /// One picture at a time: when it is done, a newer one may start.
    fn start(&mut self, ui: &Ui, key: Key, data: &PaneData<'_>) {
        if self.pending.is_some() {
            return;
        }
        let image = match data.image {
            Source::Real(values) => Owned::Real(values.to_owned()),
            Source::Complex(values) => Owned::Complex(values.to_owned()),
        };
        let ctx = ui.ctx().clone();
        let wake = Arc::new(move || ctx.request_repaint());
        let job = Job::spawn("picture", wake, move |_| {
            Ok(match &image {
                Owned::Real(values) => Finished::new(key, &Source::Real(values.view())),
                Owned::Complex(values) => Finished::new(key, &Source::Complex(values.view())),
            })
        });
        match job {
            Ok(job) => self.pending = Some(job),
            Err(error) => tracing::warn!("no picture: {error}"),
        }
    }

    fn collect(&mut self) {
        if let Some(result) = self.pending.as_ref().and_then(Job::take) {
            self.pending = None;
            match result {
                Ok(finished) => self.finish(finished),
                Err(error) => tracing::warn!("no picture: {error}"),
            }
        }
    }

    fn finish(&mut self, finished: Finished) {
        self.finished = Some(finished);
        self.texture.invalidate();
    }

    /// The texture, in blocks that suit the zoom.
    pub(super) fn texture(&mut self, ui: &Ui, viewport: &Viewport) -> Option<TextureId> {
        let picture = &self.finished.as_ref()?.picture;
        let (width, height) = (picture.rgba.width, picture.rgba.height);
        if width * height == 0 {
            return None;
        }
        let max_side_px = ui.input(|input| input.max_texture_side);
        let zoom_px = viewport.zoom * ui.pixels_per_point();
        self.drawn_block_px = block_px(width.max(height), max_side_px, zoom_px);
        let handle = self
            .texture
            .get(ui.ctx(), "pane", &picture.rgba, self.drawn_block_px);
        Some(handle.id())
    }
}

/// Time spent on pictures in this frame, by all panes.
fn budget<R>(ui: &Ui, with: impl FnOnce(&mut Duration) -> R) -> R {
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| {
        let entry = data.get_temp_mut_or_default::<(u64, Duration)>(Id::unique("picture budget"));
        if entry.0 != frame {
            *entry = (frame, Duration::ZERO);
        }
        with(&mut entry.1)
    })
}
