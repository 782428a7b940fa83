//! The fonts that ship with the program: for the window, and for the figures that are exported.

/// Inter, for Latin, Greek and Cyrillic (SIL Open Font License).
pub static INTER: &[u8] = include_bytes!("../assets/fonts/Inter-Regular.otf");

/// The heavier weight of Inter.
pub static INTER_STRONG: &[u8] = include_bytes!("../assets/fonts/Inter-SemiBold.otf");

/// Korean: all 11 172 syllables and the letters they are made of (a part of Noto Sans CJK, 1.1 MB; SIL Open Font License).
pub static HANGUL: &[u8] = include_bytes!("../assets/fonts/NotoSansKR-Hangul.otf");
