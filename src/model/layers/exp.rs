//! The exponential function and the hyperbolic tangent, in steps that the compiler can take for many values at a time.

/// e^x, within 2 units in the last place; 0 where that is below the smallest normal number, ∞ where it is above 2^127.5.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -87.336_54; // ln of the smallest normal number
    const HIGHEST: f32 = 88.376_26; // ln of 2^127.5
    /// A sum with it is rounded to a whole number, which then stands in its lowest bits.
    const ROUNDER: f32 = 12_582_912.0; // 1.5 · 2^23
    const LN_2_HIGH: f32 = 0.693_359_4; // few bits: n · LN_2_HIGH is exact
    const LN_2_LOW: f32 = -2.121_944_4e-4; // the rest of ln 2

    // x = n · ln 2 + r, |r| ≤ ln 2 / 2
    let n_in_bits = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = n_in_bits - ROUNDER;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    // e^r by the polynomial of Cephes' expf (Moshier 1989).
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let e_r = p * r * r + r + 1.0;
    let two_to_n = f32::from_bits((n_in_bits.to_bits() << 23).wrapping_add(1f32.to_bits()));
    let y = e_r * two_to_n;
    let y = if x < LOWEST { 0.0 } else { y };
    if x > HIGHEST { f32::INFINITY } else { y }
}

/// tanh(x) = 1 − 2 / (e^(2x) + 1), off by less than 3e-7 (absolutely: near 0 that is a coarse step).
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_of_the_true_value() {
        for i in (-8_733_000..8_837_000i32).step_by(7) {
            let x = i as f32 * 1e-5;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(
                error < 2.0 * f64::from(f32::EPSILON),
                "e^{x} is off by {error}"
            );
        }
    }

    #[test]
    fn tanh_is_near_the_true_value_and_has_its_limits() {
        for i in -2_000_000..2_000_000i32 {
            let x = i as f32 * 1e-5;
            let error = f64::from(tanh(x)) - f64::from(x).tanh();
            assert!(error.abs() < 3e-7, "tanh {x} is off by {error}");
        }
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert_eq!(tanh(f32::NEG_INFINITY), -1.0);
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn exp_has_its_limits() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-88.0), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(1e30), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }
}
