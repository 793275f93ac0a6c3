//! Formatting of numbers. What is unknown or not a number is [`UNKNOWN`], never 0.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The placeholder for an unknown value.
pub const UNKNOWN: &str = "–";

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Three significant digits, four from 1000 to 1023.
fn scaled(bytes: f64) -> (String, &'static str) {
    if bytes < 999.5 {
        return (format!("{bytes:.0}"), "B");
    }
    let mut value = bytes;
    let mut unit = "B";
    for next in UNITS {
        // What would be rounded up to 1024 belongs to the next unit.
        if unit != "B" && value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let text = if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    };
    (text, unit)
}

/// A size, such as `1.23 GiB` or `812 MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    // Three digits are shown.
    #[allow(clippy::cast_precision_loss)]
    let (value, unit) = scaled(bytes as f64);
    format!("{value} {unit}")
}

/// A size that may be unknown.
#[must_use]
pub fn bytes_or_unknown(size: Option<u64>) -> String {
    size.map_or_else(|| UNKNOWN.to_owned(), bytes)
}

/// `used` of `total`, the unit said once where both have the same: `3.21 / 7.63 GiB`.
#[must_use]
pub fn share(used: Option<u64>, total: Option<u64>) -> String {
    let used = bytes_or_unknown(used);
    let total = bytes_or_unknown(total);
    let used = match (used.split_once(' '), total.split_once(' ')) {
        (Some((value, mine)), Some((_, theirs))) if mine == theirs => value,
        _ => &used,
    };
    format!("{used} / {total}")
}

/// A rate in bytes a second, such as `1.21 MiB/s`.
#[must_use]
pub fn rate(bytes_per_second: Option<f64>) -> String {
    match bytes_per_second {
        Some(rate) if rate.is_finite() && rate >= 0.0 => {
            let (value, unit) = scaled(rate + 0.0);
            format!("{value} {unit}/s")
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// A percentage with one decimal; from 100 on, none.
#[must_use]
pub fn percent(percent: Option<f32>) -> String {
    match percent {
        Some(percent) if percent.is_finite() => {
            // Adding 0 makes 0 of -0.
            let percent = percent.clamp(0.0, 999.0) + 0.0;
            if percent >= 99.95 {
                format!("{percent:.0}")
            } else {
                format!("{percent:.1}")
            }
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// A percentage with one decimal and its sign, such as `37.2%`.
#[must_use]
pub fn exact_percent(value: Option<f32>) -> String {
    let text = percent(value);
    if text == UNKNOWN { text } else { text + "%" }
}

/// A percentage without decimals and with its sign, such as `37%`.
#[must_use]
pub fn whole_percent(percent: Option<f32>) -> String {
    match percent {
        Some(percent) if percent.is_finite() => {
            format!("{:.0}%", percent.clamp(0.0, 999.0) + 0.0)
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// A temperature, such as `54 °C`.
#[must_use]
pub fn temperature(celsius: Option<f32>) -> String {
    match celsius {
        Some(celsius) if celsius.is_finite() => {
            format!("{:.0} °C", celsius.clamp(-300.0, 9999.0).round() + 0.0)
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// How long something has run: `3d 04:05`, `04:05:06` within the first day.
#[must_use]
pub fn uptime(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    if days > 0 {
        format!("{days}d {hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    }
}

/// A short span of time: `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A round trip: `1.2 ms`, `120 ms`, `1.20 s`.
#[must_use]
pub fn latency(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    if milliseconds < 9.95 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", duration.as_secs_f64())
    }
}

/// CPU time: `0.42 s`, `3:04.50` minutes, `12:03:04` hours.
#[must_use]
pub fn cpu_time(microseconds: Option<u64>) -> String {
    let Some(microseconds) = microseconds else {
        return UNKNOWN.to_owned();
    };
    let hundredths = microseconds / 10_000 % 100;
    let seconds = microseconds / 1_000_000;
    match seconds {
        0..60 => format!("{seconds}.{hundredths:02} s"),
        60..3600 => format!("{}:{:02}.{hundredths:02}", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

fn strftime(unix_ms: u64, zone: &TimeZone, format: &str) -> String {
    i64::try_from(unix_ms)
        .ok()
        .and_then(|unix_ms| Timestamp::from_millisecond(unix_ms).ok())
        .map_or_else(
            || UNKNOWN.to_owned(),
            |time| time.to_zoned(zone.clone()).strftime(format).to_string(),
        )
}

/// The time of day: `10:32:05`.
#[must_use]
pub fn clock(unix_ms: u64, zone: &TimeZone) -> String {
    strftime(unix_ms, zone, "%H:%M:%S")
}

/// Date and time: `2026-05-04 10:32:05`.
#[must_use]
pub fn date(unix_ms: u64, zone: &TimeZone) -> String {
    strftime(unix_ms, zone, "%Y-%m-%d %H:%M:%S")
}

/// Date and time without the year: `05-04 10:32:05`.
#[must_use]
pub fn short_date(unix_ms: u64, zone: &TimeZone) -> String {
    strftime(unix_ms, zone, "%m-%d %H:%M:%S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_or_four_digits() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "0.98 KiB"),
            (1024, "1.00 KiB"),
            (10_234, "9.99 KiB"),
            (10_236, "10.0 KiB"),
            (1023 * 1024 + 500, "1023 KiB"),
            (1023 * 1024 + 600, "1.00 MiB"),
            (812 << 20, "812 MiB"),
            (1_320_702_444, "1.23 GiB"),
            (480 << 30, "480 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn used_and_total_share_one_unit() {
        assert_eq!(share(Some(1 << 30), Some(2 << 30)), "1.00 / 2.00 GiB");
        assert_eq!(share(Some(1 << 20), Some(2 << 30)), "1.00 MiB / 2.00 GiB");
        assert_eq!(share(None, Some(2 << 30)), "– / 2.00 GiB");
        assert_eq!(share(None, None), "– / –");
    }

    #[test]
    fn invalid_rates_and_percentages_are_unknown() {
        assert_eq!(rate(Some(1_268_776.96)), "1.21 MiB/s");
        assert_eq!(rate(Some(0.4)), "0 B/s");
        assert_eq!(rate(Some(f64::NAN)), UNKNOWN);
        assert_eq!(rate(Some(f64::INFINITY)), UNKNOWN);
        assert_eq!(rate(None), UNKNOWN);
        assert_eq!(percent(Some(37.25)), "37.2");
        assert_eq!(percent(Some(99.96)), "100");
        assert_eq!(percent(Some(f32::NAN)), UNKNOWN);
        assert_eq!(exact_percent(Some(100.0)), "100%");
        assert_eq!(exact_percent(None), UNKNOWN);
        assert_eq!(whole_percent(Some(0.4)), "0%");
        assert_eq!(whole_percent(None), UNKNOWN);
        assert_eq!(percent(Some(-0.0)), "0.0");
        assert_eq!(whole_percent(Some(-0.0)), "0%");
        assert_eq!(temperature(Some(-0.4)), "0 °C");
        assert_eq!(temperature(Some(-0.6)), "-1 °C");
        assert_eq!(temperature(Some(54.4)), "54 °C");
        assert_eq!(temperature(Some(f32::NEG_INFINITY)), UNKNOWN);
    }

    #[test]
    fn durations_are_formatted() {
        assert_eq!(uptime(273_906_000), "3d 04:05");
        assert_eq!(uptime(14_706_999), "04:05:06");
        assert_eq!(span(Duration::from_secs(12)), "12 s");
        assert_eq!(span(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(span(Duration::from_mins(130)), "2 h 10 min");
        assert_eq!(span(Duration::from_secs(273_906)), "3 d 4 h");
        assert_eq!(latency(Duration::from_micros(1234)), "1.2 ms");
        assert_eq!(latency(Duration::from_micros(9960)), "10 ms");
        assert_eq!(latency(Duration::from_millis(1200)), "1.20 s");
        assert_eq!(cpu_time(Some(420_000)), "0.42 s");
        assert_eq!(cpu_time(Some(184_500_000)), "3:04.50");
        assert_eq!(cpu_time(Some(43_384_000_000)), "12:03:04");
        assert_eq!(cpu_time(None), UNKNOWN);
    }

    #[test]
    fn times_of_day_are_in_the_given_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(clock(1_777_883_525_000, &zone), "10:32:05");
        assert_eq!(
            date(1_777_883_525_000, &TimeZone::UTC),
            "2026-05-04 08:32:05"
        );
        assert_eq!(
            short_date(1_777_883_525_000, &TimeZone::UTC),
            "05-04 08:32:05"
        );
        assert_eq!(clock(u64::MAX, &zone), UNKNOWN);
    }
}
