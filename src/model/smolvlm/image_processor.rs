//! From a picture to tiles: scaled to the longest edge, its sides to whole tiles, cut row by row; and all of it in a last
//! tile. Pixels are 8-bit between these steps.
//!
//! Reference: transformers' `models/idefics3/image_processing_pil_idefics3.py`.

use std::path::Path;

use serde::Deserialize;

use crate::{
    image::{
        Rgb,
        resize::{Filter, resize},
    },
    model::{ImageSplitting, ModelError, Pixels},
    predict::image_settings::{self, CommonSettings, SampleTable},
};

/// The mean and deviation of each channel where the settings do not say them.
const HALF: [f32; 3] = [0.5; 3];

/// The longest edge and the tile's side where the settings do not say them.
const LONGEST_EDGE_PX: u32 = 4 * 364;
const TILE_PX: u32 = 364;

/// No picture is scaled to a longer edge.
const MAX_SIDE_PX: u32 = 4096;

/// A picture with more tiles comes from a damaged file; the published settings make 17 at most.
const MAX_TILES: u32 = 1024;

/// The image settings of a checkpoint.
#[derive(Clone, Debug)]
pub struct ImageProcessor {
    longest_edge: u32,
    tile: u32,
    /// Whether the checkpoint's own settings cut pictures up.
    would_split: bool,
    splitting: ImageSplitting,
    filter: Filter,
    samples: SampleTable,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(flatten)]
    common: CommonSettings,
    size: Option<LongestEdge>,
    max_image_size: Option<LongestEdge>,
    #[serde(default = "yes")]
    do_image_splitting: bool,
}

#[derive(Deserialize)]
struct LongestEdge {
    longest_edge: u32,
}

fn yes() -> bool {
    true
}

/// A picture in tiles.
pub struct Tiles {
    /// f32 `[1, tiles, 3, side, side]`: row by row, and all of the picture in the last one.
    pub pixels: Pixels,
    /// Rows of tiles, 0 if all of the picture is the only one.
    pub rows: usize,
    /// Tiles in a row, likewise.
    pub columns: usize,
}

impl ImageProcessor {
    /// Reads the settings of a checkpoint's folder.
    ///
    /// # Errors
    /// No such file, or a setting that is not supported.
    pub fn load(folder: &Path, splitting: ImageSplitting) -> Result<Self, ModelError> {
        let (settings, path) = image_settings::read::<Settings>(folder)?;
        let edge = |given: Option<LongestEdge>, default| given.map_or(default, |g| g.longest_edge);
        let longest_edge = edge(settings.size, LONGEST_EDGE_PX).min(MAX_SIDE_PX);
        let tile = edge(settings.max_image_size, TILE_PX);
        let most = longest_edge.div_ceil(tile.max(1)).pow(2);
        if longest_edge == 0 || !(1..=MAX_SIDE_PX).contains(&tile) || most > MAX_TILES {
            return Err(ModelError::Processor {
                path,
                message: format!(
                    "images with a longest edge of {longest_edge} pixels in tiles of {tile} are not supported; at most \
                     {MAX_TILES} tiles are"
                ),
            });
        }
        Ok(Self {
            longest_edge,
            tile,
            would_split: settings.do_image_splitting,
            splitting,
            filter: settings.common.filter(Filter::Lanczos, &path)?,
            samples: settings.common.samples(HALF, HALF, &path)?,
        })
    }

    /// Width and height of a tile, in pixels.
    pub fn tile_side(&self) -> usize {
        self.tile as usize
    }

    /// The most tiles of a picture; `None` if pictures are not cut up.
    pub fn most_tiles(&self) -> Option<usize> {
        let side = self.longest_edge.div_ceil(self.tile) as usize;
        (self.splits() && side > 1).then_some(side * side + 1)
    }

    fn splits(&self) -> bool {
        self.would_split && self.splitting == ImageSplitting::Auto
    }

    /// Whether pictures would be cut up, had it not been chosen otherwise.
    pub fn is_single_by_choice(&self) -> bool {
        self.would_split && self.splitting == ImageSplitting::Off
    }

    /// The picture in tiles.
    pub fn tiles(&self, picture: &Rgb) -> Tiles {
        let tile = self.tile;
        let (width, height) = scaled_to((picture.width, picture.height), self.longest_edge);
        let scaled = resize(picture, width, height, self.filter);
        let whole = |picture: &Rgb| resize(picture, tile, tile, self.filter);
        let (mut rows, mut columns) = (0, 0);
        let mut values = Vec::new();
        let last = if self.splits() {
            let (width, height) = in_whole_tiles((width, height), tile);
            let tiled = resize(&scaled, width, height, self.filter);
            if width > tile || height > tile {
                (rows, columns) = ((height / tile) as usize, (width / tile) as usize);
            }
            for row in 0..rows {
                for column in 0..columns {
                    self.append(&mut values, &tiled, (column, row));
                }
            }
            whole(&tiled)
        } else {
            whole(&scaled)
        };
        self.append(&mut values, &last, (0, 0));
        let side = self.tile_side();
        Tiles {
            pixels: Pixels {
                values,
                shape: vec![1, rows * columns + 1, 3, side, side],
                image_grid: None,
            },
            rows,
            columns,
        }
    }

    /// The tiles that pixels hold.
    pub fn pictures(&self, pixels: &Pixels) -> Vec<Rgb> {
        let side = self.tile_side();
        let tiles = pixels.values.chunks_exact(3 * side * side);
        tiles
            .filter_map(|tile| image_settings::picture_of(&self.samples, tile, side, side))
            .collect()
    }

    /// Appends the tile at a column and row of a picture, `[3, side, side]`.
    fn append(&self, values: &mut Vec<f32>, picture: &Rgb, (column, row): (usize, usize)) {
        let side = self.tile_side();
        let stride = picture.width as usize * 3;
        values.reserve(3 * side * side);
        for (channel, table) in self.samples.iter().enumerate() {
            for y in row * side..(row + 1) * side {
                let start = y * stride + column * side * 3;
                let line = picture.data.get(start..start + side * 3);
                let samples = line.unwrap_or_default().iter().skip(channel).step_by(3);
                values.extend(samples.map(|sample| table[usize::from(*sample)]));
            }
        }
    }
}

/// Width and height with the longer side at `longest`: the shorter one keeps the proportions, and is made even.
fn scaled_to((width, height): (u32, u32), longest: u32) -> (u32, u32) {
    let aspect = f64::from(width.max(1)) / f64::from(height.max(1));
    let even = |side: f64| {
        let side = side as u32;
        (side + side % 2).max(1)
    };
    if aspect >= 1.0 {
        (longest, even(f64::from(longest) / aspect))
    } else {
        (even(f64::from(longest) * aspect), longest)
    }
}

/// Width and height rounded up to whole tiles, first the longer side.
fn in_whole_tiles((width, height): (u32, u32), tile: u32) -> (u32, u32) {
    let aspect = f64::from(width) / f64::from(height);
    let whole = |side: u32| side.max(1).div_ceil(tile) * tile;
    if width >= height {
        let width = whole(width);
        (width, whole((f64::from(width) / aspect) as u32))
    } else {
        let height = whole(height);
        (whole((f64::from(height) * aspect) as u32), height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_those_of_the_reference() {
        // transformers' get_resize_output_image_size and resize_for_vision_encoder, as (width, height)
        let table = [
            ((500, 667), 2048, 512, (1536, 2048), (1536, 2048)),
            ((640, 480), 2048, 512, (2048, 1536), (2048, 1536)),
            ((1200, 300), 1536, 384, (1536, 384), (1536, 384)),
            ((97, 33), 1536, 384, (1536, 522), (1536, 768)),
            ((33, 97), 1536, 384, (522, 1536), (768, 1536)),
            ((1000, 1), 1536, 384, (1536, 2), (1536, 384)),
            ((5000, 1), 1536, 384, (1536, 1), (1536, 384)),
            ((10, 10), 364, 364, (364, 364), (364, 364)),
            ((700, 699), 198, 66, (198, 198), (198, 198)),
            ((200, 190), 200, 66, (200, 190), (264, 264)),
        ];
        for (picture, longest, tile, scaled, tiled) in table {
            assert_eq!(scaled_to(picture, longest), scaled, "{picture:?}");
            assert_eq!(in_whole_tiles(scaled, tile), tiled, "{picture:?}");
        }
    }
}
