//! The words of an axis, and those of a point.

use super::{Axis, Plot, Point, Series};

/// The values that an axis names and their words: round ones, about as many as fit.
pub fn steps(axis: &Axis, fit: f32) -> Vec<(f64, String)> {
    if !axis.names.is_empty() {
        let names = axis.names.iter().enumerate();
        return names
            .map(|(i, name)| (i as f64, name.clone()))
            .filter(|(i, _)| (axis.lo..=axis.hi).contains(i))
            .collect();
    }
    let span = axis.hi - axis.lo;
    if !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    let rough = span / f64::from(fit.clamp(1.0, 10.0));
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|round| round * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(rough);
    let step = if axis.is_count { step.max(1.0) } else { step };
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let first = (axis.lo / step - 1e-9).ceil() as i64;
    (first..)
        .map(|k| k as f64 * step)
        .take_while(|value| *value <= axis.hi + step * 1e-9)
        .map(|value| (value, format!("{value:.digits$}")))
        .collect()
}

/// What is known of a point, a line each, for the pointer and for screen readers.
pub fn words(plot: &Plot, series: &Series, point: &Point) -> String {
    let number = |value: f64| {
        let text = format!("{value:.3}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    };
    let value = |axis: &Axis, value: f64| {
        let name = axis.names.get(value.round().max(0.0) as usize);
        match name {
            Some(name) => name.clone(),
            None => format!("{} {}", axis.name, number(value)),
        }
    };
    let mut lines = vec![
        series.name.clone(),
        value(&plot.x, point.x),
        value(&plot.y, point.y),
    ];
    if let Some((lo, hi)) = point.range {
        lines.push(format!("95 % interval {}–{}", number(lo), number(hi)));
    }
    if let (Some(name), Some(z)) = (plot.z, point.z) {
        lines.push(format!("{name} {}", number(z)));
    }
    if let Some(n) = point.n {
        lines.push(format!("n = {n}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_name_round_values() {
        let words = |lo, hi, fit| -> Vec<String> {
            let axis = Axis::new("x", lo, hi);
            steps(&axis, fit)
                .into_iter()
                .map(|(_, word)| word)
                .collect()
        };
        assert_eq!(
            words(0.0, 1.0, 5.0),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(words(0.0, 1.0, 2.0), ["0.0", "0.5", "1.0"]);
        assert_eq!(
            words(0.0, 150_000.0, 4.0),
            ["0", "50000", "100000", "150000"]
        );
        assert_eq!(words(1.0, 7.0, 4.0), ["2", "4", "6"]);
        let counts = steps(&Axis::count("n", 3), 8.0).into_iter();
        assert_eq!(
            counts.map(|(_, word)| word).collect::<Vec<_>>(),
            ["0", "1", "2", "3"]
        );
        assert_eq!(words(0.0, 0.0, 4.0), [""; 0]);
        assert_eq!(words(0.0, f64::NAN, 4.0), [""; 0]);
    }
}
