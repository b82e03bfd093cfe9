//! Batches given by a file instead of drawn, so that two programs can be compared on the same order.
//!
//! The file is an NPZ with `batch_index`, the pattern indices of all batches one after another, and
//! `batch_offset`, where each batch starts, ending with their total: batch `b` is
//! `batch_index[batch_offset[b]..batch_offset[b + 1]]`. An epoch ends when every pattern was used once.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use ndarray::Array1;
use ndarray_npy::ReadNpyExt as _;

use crate::error::{Error, Problem, Result};
use crate::iterative::GivenBatches;

/// Read the batches of a run over `n_patterns` patterns.
///
/// # Errors
/// [`Error::Refused`] that names the key, and the batch where patterns are missing, repeated or out of range;
/// [`Error::Io`].
pub fn given_batches(file: &Path, n_patterns: usize) -> Result<GivenBatches> {
    let index = read_indices(file, "batch_index")?;
    let offset = read_indices(file, "batch_offset")?;
    into_epochs(&index, &offset, n_patterns).map_err(|(key, expected, found)| {
        refused(
            file,
            key,
            &expected,
            found,
            "write the file for this scan, as run_ptychi.py --dump-batches does",
        )
    })
}

type Fault = (&'static str, String, String);

fn into_epochs(
    index: &[i64],
    offset: &[i64],
    n_patterns: usize,
) -> std::result::Result<GivenBatches, Fault> {
    let ends = (offset.first().copied(), offset.last().copied());
    let rises = offset.windows(2).all(|pair| pair[0] < pair[1]);
    if !rises || offset.len() < 2 || ends != (Some(0), Some(index.len() as i64)) {
        let expected = format!("numbers that rise from 0 to {}", index.len());
        let found = format!("{} numbers from {:?} to {:?}", offset.len(), ends.0, ends.1);
        return Err(("batch_offset", expected, found));
    }
    let mut epochs = Vec::new();
    let mut epoch = Vec::new();
    let mut used = vec![false; n_patterns];
    let mut n_used = 0;
    for (number, pair) in offset.windows(2).enumerate() {
        let mut batch = Vec::with_capacity((pair[1] - pair[0]) as usize);
        for &pattern in &index[pair[0] as usize..pair[1] as usize] {
            let slot = usize::try_from(pattern).ok().and_then(|i| used.get_mut(i));
            let Some(slot) = slot else {
                let expected = format!("patterns from 0 to {}", n_patterns.saturating_sub(1));
                return Err((
                    "batch_index",
                    expected,
                    format!("{pattern} in batch {number}"),
                ));
            };
            if std::mem::replace(slot, true) {
                let expected = "every pattern once in an epoch".to_owned();
                let found = format!(
                    "{pattern} twice in epoch {}, batch {number}",
                    epochs.len() + 1
                );
                return Err(("batch_index", expected, found));
            }
            n_used += 1;
            batch.push(pattern as usize);
        }
        epoch.push(batch);
        if n_used == n_patterns {
            epochs.push(std::mem::take(&mut epoch));
            used.fill(false);
            n_used = 0;
        }
    }
    if epoch.is_empty() {
        return Ok(epochs);
    }
    let expected = format!("whole epochs of {n_patterns} patterns");
    let found = format!("an epoch {} of {n_used} patterns", epochs.len() + 1);
    Err(("batch_index", expected, found))
}

fn read_indices(file: &Path, key: &str) -> Result<Vec<i64>> {
    let expected = "a one-dimensional array of whole numbers";
    let fix = "give an NPZ with batch_index and batch_offset";
    let opened = File::open(file).map_err(Error::io("open the batches", file))?;
    let refuse = |found: String| refused(file, key, expected, found, fix);
    let mut archive =
        zip::ZipArchive::new(BufReader::new(opened)).map_err(|error| refuse(error.to_string()))?;
    let mut member = archive
        .by_name(&format!("{key}.npy"))
        .map_err(|error| refuse(error.to_string()))?;
    let mut bytes = Vec::new();
    member
        .read_to_end(&mut bytes)
        .map_err(|error| refuse(error.to_string()))?;
    if let Ok(values) = Array1::<i64>::read_npy(bytes.as_slice()) {
        return Ok(values.to_vec());
    }
    let values =
        Array1::<i32>::read_npy(bytes.as_slice()).map_err(|error| refuse(error.to_string()))?;
    Ok(values.iter().map(|&value| i64::from(value)).collect())
}

fn refused(file: &Path, key: &str, expected: &str, found: String, fix: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: "use the given batches".to_owned(),
        file: Some(file.to_path_buf()),
        key: Some(key.to_owned()),
        expected: expected.to_owned(),
        found,
        fix: fix.to_owned(),
        rule: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_when_every_pattern_was_used() {
        let epochs = into_epochs(&[2, 0, 1, 1, 2, 0], &[0, 2, 3, 6], 3).unwrap();
        assert_eq!(epochs, [vec![vec![2, 0], vec![1]], vec![vec![1, 2, 0]]]);
    }

    #[test]
    fn every_fault_is_named() {
        let fault = |index: &[i64], offset: &[i64]| into_epochs(index, offset, 3).unwrap_err();
        assert_eq!(fault(&[0, 1, 3], &[0, 3]).2, "3 in batch 0");
        assert_eq!(fault(&[0, -1, 2], &[0, 1, 3]).2, "-1 in batch 1");
        assert_eq!(
            fault(&[0, 1, 1], &[0, 2, 3]).2,
            "1 twice in epoch 1, batch 1"
        );
        assert_eq!(
            fault(&[0, 1, 2, 0], &[0, 3, 4]).2,
            "an epoch 2 of 1 patterns"
        );
        assert_eq!(fault(&[0, 1, 2], &[0, 2]).0, "batch_offset");
        assert_eq!(fault(&[0, 1, 2], &[0, 2, 2, 3]).0, "batch_offset");
        assert_eq!(fault(&[], &[]).0, "batch_offset");
    }
}
