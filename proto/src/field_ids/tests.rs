//! The ids against the descriptors of `socktop.proto`.

use std::collections::HashSet;

use prost_types::field_descriptor_proto::{Label, Type};

use super::*;
use crate::descriptors::Descriptors;

/// Fields of the model that have no id, and why.
const WITHOUT_ID: &[(&str, &str, &str)] = &[
    ("Metrics", "time", "belongs to the sample, not to the host"),
    ("Metrics", "hostname", "is Host.hostname"),
    ("Metrics", "interfaces", "a list: InterfaceField"),
    ("Metrics", "gpus", "a list: GpuField"),
    ("Cpu", "cores", "a list: CoreField"),
    ("Cpu", "window_ms", "says how the percentages were measured"),
    ("Disks", "time", "belongs to the sample, not to a disk"),
    ("Disks", "disks", "a list: DiskField"),
    ("Disks", "not_listed", "says how complete the list is"),
    (
        "Processes",
        "time",
        "belongs to the sample, not to a process",
    ),
    ("Processes", "processes", "a list: ProcessField"),
    ("Processes", "total", "says how complete the list is"),
    (
        "Processes",
        "window_ms",
        "says how cpu_percent was measured",
    ),
    (
        "Processes",
        "others_hidden",
        "says how complete the list is",
    ),
    ("Sensors", "time", "belongs to the sample, not to a sensor"),
    ("Sensors", "sensors", "a list: SensorField"),
];

/// The ids that the fields of a message have, those of messages within it included.
fn expected(descriptors: &Descriptors, message: &str, prefix: &str) -> Vec<String> {
    let fields = &descriptors.message(&format!(".socktop.v2.{message}")).field;
    let with_id = fields.iter().filter(|field| {
        let is_it = |(of, name, _): &&(&str, &str, &str)| *of == message && *name == field.name();
        WITHOUT_ID.iter().find(is_it).is_none()
    });
    let ids = with_id.flat_map(|field| {
        let id = format!("{prefix}{}", field.name());
        if field.r#type() != Type::Message {
            return vec![id];
        }
        assert_ne!(field.label(), Label::Repeated, "{message}.{}", field.name());
        let name = field.type_name().rsplit('.').next().unwrap();
        expected(descriptors, name, &format!("{id}_"))
    });
    ids.collect()
}

#[test]
fn every_field_of_the_model_has_its_name_as_id() {
    let descriptors = Descriptors::read();
    let each = |message: &str| expected(&descriptors, message, "");
    macro_rules! assert_ids {
        ($($message:literal $field:ident,)*) => {
            $(
                let ids: Vec<_> = $field::MODEL.iter().map(|field| field.as_str()).collect();
                assert_eq!(ids, each($message), $message);
            )*
        };
    }
    assert_ids! {
        "Process" ProcessField,
        "Disk" DiskField,
        "Interface" InterfaceField,
        "Gpu" GpuField,
        "Core" CoreField,
        "Sensor" SensorField,
        "Metrics" MetricsField,
        "Host" HostField,
    }
    for list in ["Processes", "Disks", "Sensors"] {
        assert_eq!(each(list), Vec::<String>::new(), "{list}");
    }
}

#[test]
fn fields_without_id_are_fields_of_the_model() {
    let descriptors = Descriptors::read();
    for (message, name, _) in WITHOUT_ID {
        let fields = &descriptors.message(&format!(".socktop.v2.{message}")).field;
        assert!(
            fields.iter().any(|field| field.name() == *name),
            "{message}.{name}"
        );
    }
}

#[test]
fn ids_are_unique() {
    fn assert_unique(ids: impl Iterator<Item = &'static str>) {
        let mut seen = HashSet::new();
        for id in ids {
            assert!(seen.insert(id), "{id}");
        }
    }
    macro_rules! ids {
        ($field:ident) => {
            $field::MODEL
                .iter()
                .chain($field::COMPUTED)
                .map(|field| field.as_str())
        };
    }
    assert_unique(ids!(ProcessField));
    assert_unique(ids!(DiskField));
    assert_unique(ids!(InterfaceField));
    assert_unique(ids!(GpuField));
    assert_unique(ids!(CoreField));
    // These stand beside each other: they are fields of one host.
    assert_unique(ids!(MetricsField).chain(ids!(HostField)));
}

#[test]
fn process_field_is_asked_for_by_the_bit_of_its_number() {
    let descriptors = Descriptors::read();
    let fields = &descriptors.message(".socktop.v2.Process").field;
    for (field, descriptor) in ProcessField::MODEL.iter().zip(fields) {
        assert_eq!(field.request_bits(), 1 << descriptor.number(), "{field}");
    }
    for field in ProcessField::COMPUTED {
        let asks_for = |model: &&ProcessField| model.request_bits() & field.request_bits() != 0;
        assert!(
            ProcessField::MODEL.iter().any(|model| asks_for(&model)),
            "{field}"
        );
    }
}

#[test]
fn unit_is_the_end_of_the_id() {
    for (id, unit) in [
        ("resident_bytes", Unit::Bytes),
        ("received_bytes_per_second", Unit::BytesPerSecond),
        ("cpu_percent", Unit::Percent),
        ("percent", Unit::Percent),
        ("items", Unit::None),
        ("started_boot_ms", Unit::Milliseconds),
        ("uptime_seconds", Unit::Seconds),
        ("temperature_celsius", Unit::Celsius),
        ("threads", Unit::None),
        ("load_one", Unit::None),
    ] {
        assert_eq!(Unit::of_id(id), unit, "{id}");
    }
}
