//! Which of the learnt places a patch takes: that of its distance from the tile's edge, as a fraction of the tile.
//!
//! In a tile of the size the tower was trained with, the n-th patch of a row nearly always takes the n-th place. Rounding
//! decides that it sometimes takes a neighbour's (with 25 patches, say), so it is done here as the reference does it.

/// The places along one side of a tile of `patches`, where `learnt` places are known.
fn along_a_side(patches: usize, learnt: usize) -> Vec<usize> {
    let boundaries = boundaries(learnt);
    let step = 1.0 / patches as f32;
    (0..patches)
        .map(|patch| (patch as f32 * step).min((1.0 - 1e-6) as f32))
        .map(|place| boundaries.partition_point(|boundary| *boundary <= place))
        .collect()
}

/// Where a place ends and the next begins: torch's `arange(1/n, 1, 1/n)` in f32. Sixteen at a time are computed in two
/// rows that begin with a rounded value, and what is left over one by one.
fn boundaries(learnt: usize) -> Vec<f32> {
    const LANES: usize = 8;
    let step = 1.0 / learnt as f64;
    let count = ((1.0 - step) / step).ceil() as usize;
    let in_rows = count - count % (2 * LANES);
    (0..count)
        .map(|i| {
            if i >= in_rows {
                return (step + step * i as f64) as f32;
            }
            let (row, lane) = (i / LANES * LANES, i % LANES);
            let first = (step + step * row as f64) as f32;
            (f64::from(first) + lane as f64 * step) as f32
        })
        .collect()
}

/// The places of all patches of a tile, row by row, of `learnt × learnt`.
pub fn of_tile((rows, columns): (usize, usize), learnt: usize) -> Vec<u32> {
    let last = learnt.saturating_sub(1);
    let down = along_a_side(rows, learnt);
    let across = along_a_side(columns, learnt);
    down.iter()
        .flat_map(|row| {
            across
                .iter()
                .map(|column| ((*row).min(last) * learnt + (*column).min(last)) as u32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_towers_count_straight_on() {
        for patches in [26, 27, 32] {
            assert_eq!(along_a_side(patches, patches), Vec::from_iter(0..patches));
        }
    }

    #[test]
    fn rounding_falls_as_in_torch() {
        let nineteen = [
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 13, 14, 15, 16, 17, 18,
        ];
        assert_eq!(along_a_side(19, 19), nineteen);
        let twenty_five = [
            0, 1, 2, 3, 4, 4, 6, 7, 8, 8, 9, 10, 11, 12, 14, 14, 16, 17, 17, 19, 19, 21, 22, 22, 24,
        ];
        assert_eq!(along_a_side(25, 25), twenty_five);
        assert_eq!(along_a_side(10, 50), [0, 5, 10, 15, 20, 25, 30, 34, 40, 45]);
    }

    #[test]
    fn a_tile_of_another_size_spreads_over_the_learnt_places() {
        assert_eq!(of_tile((1, 4), 2), [0, 0, 1, 1]);
        assert_eq!(of_tile((2, 2), 4), [0, 2, 8, 10]);
    }
}
