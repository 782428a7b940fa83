//! The values behind tensors on the CPU.

use candle_core::{CpuStorage, Error, Layout, Result, bail};

/// The values of a contiguous f32 tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    layout
        .contiguous_offsets()
        .and_then(|(start, end)| all.get(start..end))
        .ok_or_else(not_contiguous)
}

/// The same, to be written.
pub(super) fn values_mut<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
) -> Result<&'a mut [f32]> {
    let CpuStorage::F32(all) = storage else {
        bail!("an f32 tensor was expected")
    };
    layout
        .contiguous_offsets()
        .and_then(|(start, end)| all.get_mut(start..end))
        .ok_or_else(not_contiguous)
}

fn not_contiguous() -> Error {
    Error::Msg("a contiguous tensor was expected".to_owned())
}
