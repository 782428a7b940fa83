//! Prediction records, as `overrule predict` writes them.

use super::TrainingSet;
use crate::predict::{prediction::Record, record_file::write_record};

pub(super) fn to_bytes(set: &TrainingSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    let labels = &set.dataset().labels;
    for (post, row) in set.rows() {
        if let (Some(prediction), Some(run)) = (&row.prediction, set.run()) {
            let record = Record::new(row.post, post, labels, (**prediction).clone(), run.clone());
            // Writing to memory cannot fail.
            write_record(&mut bytes, &record).ok();
        }
    }
    bytes
}
