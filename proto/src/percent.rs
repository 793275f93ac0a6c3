//! Percentages of CPU: rounded to thousandths, so that most are few bytes and none is more exact than it was measured.

const WHOLE: f64 = 1000.0;

/// Rounds a percentage to a thousandth.
#[must_use]
pub fn round(percent: f64) -> f32 {
    nearest((percent * WHOLE).round() / WHOLE)
}

/// Cuts a percentage off at the thousandth: sums of these stay below the sum of what they were.
#[must_use]
pub fn cut(percent: f64) -> f32 {
    nearest((percent * WHOLE).floor() / WHOLE)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
fn nearest(percent: f64) -> f32 {
    percent as f32
}

/// A percentage in thousandths, where it is a number of those between 0 and 100 %.
pub(crate) fn thousandths(percent: f32) -> Option<u32> {
    let count = (f64::from(percent) * WHOLE).round();
    if !(0.0..=100.0 * WHOLE).contains(&count) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 100,000"
    )]
    let count = count as u32;
    (from_thousandths(count).to_bits() == percent.to_bits()).then_some(count)
}

/// The percentage of so many thousandths.
pub(crate) fn from_thousandths(count: u32) -> f32 {
    nearest(f64::from(count) / WHOLE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rounded_value_is_a_number_of_thousandths(percent in 0.0..=100.0_f64) {
            for rounded in [round(percent), cut(percent)] {
                let count = thousandths(rounded).unwrap();
                prop_assert_eq!(from_thousandths(count).to_bits(), rounded.to_bits());
            }
            prop_assert!((f64::from(round(percent)) - percent).abs() <= 0.000_51);
        }
    }

    #[test]
    fn value_without_thousandths_is_rejected() {
        for percent in [
            0.000_4,
            33.333_332,
            -1.0,
            -0.0,
            100.001,
            f32::NAN,
            f32::INFINITY,
        ] {
            assert_eq!(thousandths(percent), None, "{percent}");
        }
        assert_eq!(thousandths(0.0), Some(0));
        assert_eq!(thousandths(100.0), Some(100_000));
    }
}
