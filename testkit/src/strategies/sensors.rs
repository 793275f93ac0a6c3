//! Any temperature sensors.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Sensor, Sensors};

use super::{MANY, text, time};

prop_compose! {
    fn sensor()(
        label in text(),
        celsius in of(any::<f32>()),
        high_celsius in of(any::<f32>()),
        critical_celsius in of(any::<f32>()),
    ) -> Sensor {
        Sensor { label, celsius, high_celsius, critical_celsius }
    }
}

prop_compose! {
    /// Any list of temperature sensors.
    pub fn sensors()(time in of(time()), sensors in vec(sensor(), 0..MANY)) -> Sensors {
        Sensors { time, sensors }
    }
}
