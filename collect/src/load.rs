//! Load averages from `/proc/loadavg` (`proc_loadavg(5)`).

use socktop_proto::model::Load;

use crate::parse::{number, words};

/// Parses the file; `None` where it does not open with three numbers.
pub(crate) fn parse(loadavg: &[u8]) -> Option<Load> {
    let mut averages = words(loadavg)
        .map(|word| number::<f32>(word).filter(|average| average.is_finite() && *average >= 0.0));
    Some(Load {
        one: averages.next()??,
        five: averages.next()??,
        fifteen: averages.next()??,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_averages_are_read() {
        let load = Load {
            one: 0.52,
            five: 0.58,
            fifteen: 12.5,
        };
        assert_eq!(parse(b"0.52 0.58 12.50 2/890 31337\n"), Some(load));
    }

    #[test]
    fn malformed_load_is_unknown() {
        for text in [
            "",
            "0.52 0.58",
            "0.1 nan 0.2 1/2 3",
            "-1 0 0 1/2 3",
            "inf 0 0",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
