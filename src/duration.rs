//! A length of time in words.

/// “8 s”, “2 min 5 s”, “40 min”, “3 h 20 min”: what matters of it.
pub fn duration_text(secs: f64) -> String {
    let secs = secs.round().max(0.0) as u64;
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes @ 0..10, secs @ 1..) => format!("{minutes} min {secs} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_told_where_they_matter() {
        for (secs, text) in [
            (-1.0, "0 s"),
            (0.4, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (61.0, "1 min 1 s"),
            (3599.0, "59 min"),
            (7300.0, "2 h 1 min"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(duration_text(secs), text);
        }
    }
}
