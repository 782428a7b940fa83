//! The part of a plot that is looked at.

use super::Axis;

/// A part of a plot, as shares of its axes, each from 0 to 1: the whole of it by default.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part {
    /// Of the horizontal axis, from the left.
    pub x: Span,
    /// Of the vertical axis, from below.
    pub y: Span,
}

/// From where to where, as shares of an axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    /// The lower end.
    pub lo: f64,
    /// The upper end, above the lower one.
    pub hi: f64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self {
        x: Span::WHOLE,
        y: Span::WHOLE,
    };

    /// Whether nothing is left out.
    pub fn is_whole(&self) -> bool {
        *self == Self::WHOLE
    }
}

impl Span {
    /// All of an axis.
    pub const WHOLE: Self = Self { lo: 0.0, hi: 1.0 };

    fn size(self) -> f64 {
        self.hi - self.lo
    }

    /// `factor` times as close, with what is at the share `at` of the span (from 0 to 1) staying there. It ends where
    /// nothing more could be told apart: at a hundredth of an axis that measures, at one step of one that counts.
    pub fn zoomed(self, axis: &Axis, at: f64, factor: f64) -> Self {
        if !factor.is_finite() || factor <= 0.0 {
            return self;
        }
        let size = (self.size() / factor).clamp(smallest(axis), 1.0);
        let fixed = self.lo + at * self.size();
        Self::within(fixed - at * size, size)
    }

    /// Shifted by a share of what is looked at.
    pub fn moved(self, by: f64) -> Self {
        Self::within(self.lo + by * self.size(), self.size())
    }

    /// The span of this size that begins there, or as near as the axis allows.
    fn within(lo: f64, size: f64) -> Self {
        if size >= 1.0 {
            return Self::WHOLE;
        }
        let lo = lo.clamp(0.0, 1.0 - size);
        Self { lo, hi: lo + size }
    }

    /// Where a share of the axis stands in the span: from 0 to 1 what is in it, beyond what is not.
    pub(super) fn place(self, share: f64) -> f64 {
        (share - self.lo) / self.size().max(f64::MIN_POSITIVE)
    }

    /// The axis with its ends where the span has them.
    pub(super) fn of(self, axis: &Axis) -> Axis {
        let span = axis.hi - axis.lo;
        Axis {
            lo: axis.lo + self.lo * span,
            hi: axis.lo + self.hi * span,
            ..axis.clone()
        }
    }
}

fn smallest(axis: &Axis) -> f64 {
    if axis.is_count || !axis.names.is_empty() {
        (1.0 / (axis.hi - axis.lo).max(1.0)).max(0.01)
    } else {
        0.01
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_the_pointer_stays_there_while_zooming() {
        let axis = Axis::share("Recall");
        let mut span = Span::WHOLE;
        for _ in 0..5 {
            let before = span.lo + 0.25 * span.size();
            span = span.zoomed(&axis, 0.25, 1.3);
            let after = span.lo + 0.25 * span.size();
            assert!((before - after).abs() < 1e-12 && span.size() < 1.0);
        }
        for _ in 0..100 {
            span = span.zoomed(&axis, 0.25, 2.0);
        }
        assert!((span.size() - 0.01).abs() < 1e-12);
        assert_eq!(span.zoomed(&axis, 0.9, 1e-9), Span::WHOLE);
        assert_eq!(span.zoomed(&axis, 0.9, f64::NAN), span);
    }

    #[test]
    fn one_never_leaves_the_axis_and_counts_keep_a_step() {
        let axis = Axis::count("n", 4);
        let mut span = Span::WHOLE;
        for _ in 0..100 {
            span = span.zoomed(&axis, 0.5, 2.0);
        }
        assert!((span.size() - 0.25).abs() < 1e-12);
        for by in [-1e9, 1e9] {
            let moved = span.moved(by);
            assert!(moved.lo >= 0.0 && moved.hi <= 1.0 + 1e-12, "{moved:?}");
        }
        let axis = Span { lo: 0.5, hi: 1.0 }.of(&axis);
        assert_eq!((axis.lo, axis.hi), (2.0, 4.0));
    }
}
