//! How patterns are put into batches.

use rand::seq::SliceRandom as _;

use crate::error::{Error, Result};
use crate::iterative::{Batching, IterativeSettings};
use crate::rng::{Purpose, stream, stream_at};

/// The batches of one epoch: `batches[batch]` are pattern indices.
pub(crate) type EpochBatches = Vec<Vec<usize>>;

/// Where the batches of every epoch come from.
#[derive(Clone, Debug)]
pub(crate) enum BatchSource {
    /// A new order every epoch.
    Random {
        n_patterns: usize,
        batch_size: usize,
        seed: u64,
    },
    /// Fixed contents, a new order of the batches every epoch.
    Shuffled { batches: EpochBatches, seed: u64 },
    /// The same every epoch.
    Fixed(EpochBatches),
    /// Given for every epoch.
    Given(Vec<EpochBatches>),
}

impl BatchSource {
    /// The source that the settings ask for.
    pub(crate) fn new(settings: &IterativeSettings, positions_px: &[[f64; 2]]) -> Self {
        let (n_patterns, seed) = (positions_px.len(), settings.seed);
        let batch_size = settings.batch_size.min(n_patterns);
        match settings.batching {
            Batching::Random => Self::Random {
                n_patterns,
                batch_size,
                seed,
            },
            Batching::Uniform => Self::Shuffled {
                batches: uniform(positions_px, batch_size, seed),
                seed,
            },
            Batching::Compact => Self::Fixed(compact(positions_px, batch_size)),
        }
    }

    /// All patterns one after the other.
    pub(crate) fn in_order(n_patterns: usize, batch_size: usize) -> Self {
        let order: Vec<usize> = (0..n_patterns).collect();
        Self::Fixed(order.chunks(batch_size).map(<[usize]>::to_vec).collect())
    }

    /// Batches given by the caller, checked.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are too few epochs, an epoch or batch is empty, or an index is out of range or
    /// occurs twice in a batch.
    pub(crate) fn given(
        epochs: Vec<EpochBatches>,
        n_patterns: usize,
        n_epochs: usize,
    ) -> Result<Self> {
        let refuse = |expected: String, found: String| {
            Err(
                Error::invalid("use the batches given", "batches", expected, found)
                    .with_fix("write batch_index and batch_offset for every epoch of the run"),
            )
        };
        if epochs.len() < n_epochs {
            return refuse(
                format!("batches for {n_epochs} epochs"),
                format!("{} epochs", epochs.len()),
            );
        }
        for (e, epoch) in epochs.iter().enumerate() {
            if epoch.is_empty() {
                return refuse(
                    "at least one batch an epoch".to_owned(),
                    format!("none in epoch {}", e + 1),
                );
            }
            for batch in epoch {
                let mut seen = vec![false; n_patterns];
                if batch.is_empty() {
                    return refuse(
                        "batches with patterns".to_owned(),
                        format!("an empty one in epoch {}", e + 1),
                    );
                }
                for &i in batch {
                    if n_patterns <= i {
                        return refuse(
                            format!("indices below {n_patterns}"),
                            format!("{i} in epoch {}", e + 1),
                        );
                    }
                    if std::mem::replace(&mut seen[i], true) {
                        return refuse(
                            "no index twice in a batch".to_owned(),
                            format!("{i} in epoch {}", e + 1),
                        );
                    }
                }
            }
        }
        Ok(Self::Given(epochs))
    }

    /// The batches of an epoch, counted from 0; the same whenever they are asked for.
    pub(crate) fn epoch(&self, epoch: usize) -> EpochBatches {
        match self {
            Self::Random {
                n_patterns,
                batch_size,
                seed,
            } => {
                let mut order: Vec<usize> = (0..*n_patterns).collect();
                order.shuffle(&mut stream_at(*seed, Purpose::Batches, epoch as u64 + 1));
                order.chunks(*batch_size).map(<[usize]>::to_vec).collect()
            }
            Self::Shuffled { batches, seed } => {
                let mut batches = batches.clone();
                batches.shuffle(&mut stream_at(*seed, Purpose::Batches, epoch as u64 + 1));
                batches
            }
            Self::Fixed(batches) => batches.clone(),
            Self::Given(epochs) => epochs.get(epoch).cloned().unwrap_or_default(),
        }
    }

    /// Whether batches were given, but none for this epoch.
    pub(crate) fn epoch_is_missing(&self, epoch: usize) -> bool {
        matches!(self, Self::Given(epochs) if epochs.len() <= epoch)
    }

    /// The number of patterns in the largest batch.
    pub(crate) fn largest(&self) -> usize {
        let of = |batches: &EpochBatches| batches.iter().map(Vec::len).max().unwrap_or(0);
        match self {
            Self::Random { batch_size, .. } => *batch_size,
            Self::Shuffled { batches, .. } | Self::Fixed(batches) => of(batches),
            Self::Given(epochs) => epochs.iter().map(of).max().unwrap_or(0),
        }
    }
}

/// Batches that are each spread evenly over the scan: along a walk through the scan's neighbourhoods, every run of as
/// many patterns as there are batches gives one pattern to each batch, in an order drawn from the seed.
fn uniform(positions_px: &[[f64; 2]], batch_size: usize, seed: u64) -> EpochBatches {
    let n_batches = positions_px.len().div_ceil(batch_size);
    let walk: Vec<usize> = compact(positions_px, n_batches)
        .into_iter()
        .flatten()
        .collect();
    let mut batches = vec![Vec::with_capacity(batch_size); n_batches];
    let mut rng = stream(seed, Purpose::Batches);
    let mut order: Vec<usize> = (0..n_batches).collect();
    for run in walk.chunks(n_batches) {
        order.shuffle(&mut rng);
        for (&i, &batch) in run.iter().zip(&order) {
            batches[batch].push(i);
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Compact clusters of equal size (to one pattern), the largest first: the scan is halved across its longer side until
/// each piece is a batch. No start is drawn, so they are the same for every seed.
fn compact(positions_px: &[[f64; 2]], batch_size: usize) -> EpochBatches {
    let mut pieces = Vec::new();
    let n_clusters = positions_px.len().div_ceil(batch_size);
    split(
        (0..positions_px.len()).collect(),
        n_clusters,
        positions_px,
        &mut pieces,
    );
    if batch_size > 1 {
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    }
    pieces
}

fn split(
    mut piece: Vec<usize>,
    n_clusters: usize,
    positions_px: &[[f64; 2]],
    out: &mut EpochBatches,
) {
    if n_clusters <= 1 {
        out.push(piece);
        return;
    }
    let extent = |axis: usize| {
        let values = piece.iter().map(|&i| positions_px[i][axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    let axis = usize::from(extent(0) < extent(1));
    piece.sort_by(|&a, &b| {
        positions_px[a][axis]
            .total_cmp(&positions_px[b][axis])
            .then(a.cmp(&b))
    });
    let n_first = n_clusters / 2;
    let rest = piece.split_off((piece.len() * n_first + n_clusters / 2) / n_clusters);
    split(piece, n_first, positions_px, out);
    split(rest, n_clusters - n_first, positions_px, out);
}
