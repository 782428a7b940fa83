//! libjpeg's interface behind safe functions. The only place of the image code with `unsafe`.
//!
//! libjpeg reports by callbacks. A fatal error, and the warning that the data has ended too soon, unwind out of the C
//! code (which is compiled for that) up to [`guarded`]; other warnings are let pass, as Pillow does.
#![allow(unsafe_code)]

use std::{
    ffi::{c_int, c_ulong},
    marker::PhantomData,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    slice,
};

use mozjpeg_sys as ffi;

/// Where libjpeg stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The data ended before the picture was complete.
    Truncated,
    /// A fatal error, in libjpeg's words.
    Fatal(String),
}

/// The colours to decode to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    /// Three samples a pixel, also from greyscale.
    Rgb,
    /// Four samples a pixel, as the file has them.
    Cmyk,
}

/// Rows of samples, top first.
pub(super) struct Samples {
    pub width: u32,
    pub height: u32,
    pub data: Vec<u8>,
}

/// A JPEG file in memory whose header was read.
pub(super) struct Reader<'a> {
    // On the heap, since libjpeg keeps pointers to it.
    cinfo: Box<ffi::jpeg_decompress_struct>,
    // Owned; raw, since `cinfo` points to it as well.
    errors: *mut ffi::jpeg_error_mgr,
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> Reader<'a> {
    /// Reads the header, and keeps the APP1 blocks.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Stop> {
        // SAFETY: both structures are plain C data for which zeros are valid; libjpeg fills them in here, and
        // `errors` has its callbacks before anything can fail.
        let mut reader = unsafe {
            let mut errors: Box<ffi::jpeg_error_mgr> = Box::new(mem::zeroed());
            ffi::jpeg_std_error(&mut errors);
            errors.error_exit = Some(on_fatal);
            errors.emit_message = Some(on_warning);
            let mut cinfo: Box<ffi::jpeg_decompress_struct> = Box::new(mem::zeroed());
            let errors = Box::into_raw(errors);
            cinfo.common.err = errors;
            Self {
                cinfo,
                errors,
                _bytes: PhantomData,
            }
        };
        guarded(|| {
            // SAFETY: `cinfo` is initialised before its first use, and `bytes` outlives it by the lifetime.
            unsafe {
                ffi::jpeg_create_decompress(&mut *reader.cinfo);
                ffi::jpeg_mem_src(&mut reader.cinfo, bytes.as_ptr(), bytes.len() as c_ulong);
                let app1 = ffi::jpeg_marker::APP0 as c_int + 1;
                ffi::jpeg_save_markers(&mut reader.cinfo, app1, 0xFFFF);
                ffi::jpeg_read_header(&mut reader.cinfo, 1);
            }
        })?;
        Ok(reader)
    }

    /// Width and height by the header, in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.cinfo.image_width, self.cinfo.image_height)
    }

    /// Whether the file holds four inks.
    pub fn is_cmyk(&self) -> bool {
        use ffi::J_COLOR_SPACE::{JCS_CMYK, JCS_YCCK};
        matches!(self.cinfo.jpeg_color_space, JCS_CMYK | JCS_YCCK)
    }

    /// The content of the first APP1 block that begins with `prefix`, without it.
    pub fn app1(&self, prefix: &[u8]) -> Option<&[u8]> {
        let mut next = self.cinfo.marker_list;
        loop {
            // SAFETY: libjpeg's list ends in null; its blocks live as long as `cinfo`.
            let marker = unsafe { next.as_ref()? };
            if !marker.data.is_null() {
                // SAFETY: as above; `data_length` bytes were stored.
                let data =
                    unsafe { slice::from_raw_parts(marker.data, marker.data_length as usize) };
                if let Some(content) = data.strip_prefix(prefix) {
                    return Some(content);
                }
            }
            next = marker.next;
        }
    }

    /// Decodes the picture at `eighths`/8 of its size (8 is the whole, exactly).
    pub fn decode(mut self, colours: Colours, eighths: u32) -> Result<Samples, Stop> {
        let cinfo = &mut *self.cinfo;
        let samples_per_pixel = match colours {
            Colours::Rgb => {
                cinfo.out_color_space = ffi::J_COLOR_SPACE::JCS_RGB;
                3
            }
            Colours::Cmyk => {
                cinfo.out_color_space = ffi::J_COLOR_SPACE::JCS_CMYK;
                4
            }
        };
        cinfo.scale_num = eighths;
        cinfo.scale_denom = 8;
        guarded(|| {
            // SAFETY: the header was read, and the parameters are of libjpeg's sets.
            unsafe { ffi::jpeg_start_decompress(cinfo) };
            let (width, height) = (cinfo.output_width, cinfo.output_height);
            let stride = width as usize * samples_per_pixel;
            let mut data = vec![0; stride * height as usize];
            for row in data.chunks_exact_mut(stride) {
                let mut row = row.as_mut_ptr();
                // SAFETY: one row of `output_width` pixels of `samples_per_pixel` bytes is written to `row`.
                unsafe { ffi::jpeg_read_scanlines(cinfo, &raw mut row, 1) };
            }
            // SAFETY: all rows were read.
            unsafe { ffi::jpeg_finish_decompress(cinfo) };
            Samples {
                width,
                height,
                data,
            }
        })
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // SAFETY: libjpeg takes a zeroed, a live and a failed structure here, and frees its memory. After that
        // nothing points to `errors`, which came from a box.
        unsafe {
            ffi::jpeg_destroy_decompress(&mut self.cinfo);
            drop(Box::from_raw(self.errors));
        }
    }
}

/// Runs calls into libjpeg, and catches what its callbacks throw.
fn guarded<T>(calls: impl FnOnce() -> T) -> Result<T, Stop> {
    // What was being changed is only dropped afterwards, never looked at.
    catch_unwind(AssertUnwindSafe(calls)).map_err(|payload| match payload.downcast::<Stop>() {
        Ok(stop) => *stop,
        Err(other) => resume_unwind(other),
    })
}

#[cold]
extern "C-unwind" fn on_fatal(cinfo: &mut ffi::jpeg_common_struct) {
    // `resume_unwind` and not `panic!`: a broken file is no bug to be printed.
    resume_unwind(Box::new(Stop::Fatal(message(cinfo))));
}

extern "C-unwind" fn on_warning(cinfo: &mut ffi::jpeg_common_struct, level: c_int) {
    const WARNING: c_int = -1;
    // SAFETY: `err` is the error manager of the `Reader` that made the call.
    let code = unsafe { cinfo.err.as_ref() }.map_or(0, |e| e.msg_code);
    if level == WARNING && code == ffi::JWRN_JPEG_EOF as c_int {
        resume_unwind(Box::new(Stop::Truncated));
    }
}

fn message(cinfo: &mut ffi::jpeg_common_struct) -> String {
    // SAFETY: as in `on_warning`.
    let Some(errors) = (unsafe { cinfo.err.as_ref() }) else {
        return String::new();
    };
    let Some(format) = errors.format_message else {
        return format!("libjpeg's error {}", errors.msg_code);
    };
    let mut buffer = [0_u8; 80];
    // SAFETY: libjpeg writes at most 80 bytes there; the binding's signature takes a shared reference by mistake,
    // so the function is called by its C signature.
    unsafe {
        type Format = unsafe extern "C-unwind" fn(*mut ffi::jpeg_common_struct, *mut u8);
        let format: Format = mem::transmute(format);
        format(cinfo, buffer.as_mut_ptr());
    }
    let text = buffer.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
