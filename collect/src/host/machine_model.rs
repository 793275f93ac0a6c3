//! The machine's model name, from the device tree or the firmware (DMI).

use super::super::Root;
use super::cpu_model::fields;
use crate::parse::text;

/// Placeholder texts of firmware, in lower case.
const PLACEHOLDERS: [&str; 18] = [
    "to be filled by o.e.m.",
    "to be filled by oem",
    "o.e.m.",
    "oem",
    "default string",
    "default",
    "system product name",
    "system manufacturer",
    "system name",
    "product name",
    "base board product name",
    "base board manufacturer",
    "not specified",
    "not applicable",
    "none",
    "n/a",
    "unknown",
    "invalid",
];

/// The machine's name.
pub(super) fn read(root: &Root, cpuinfo: &str) -> Option<String> {
    // The first is a link to the second, which a sandbox may hide.
    [
        "proc/device-tree/model",
        "sys/firmware/devicetree/base/model",
    ]
    .into_iter()
    .find_map(|file| text(&root.path(file)))
    .or_else(|| dmi(root, "sys_vendor", "product_name"))
    // Self-built machines have a board and no product.
    .or_else(|| dmi(root, "board_vendor", "board_name"))
    // Pi kernels repeat the device tree's there.
    .or_else(|| {
        let (_, model) = fields(cpuinfo).find(|(key, _)| *key == "Model")?;
        Some(model.to_owned())
    })
}

fn dmi(root: &Root, vendor: &str, product: &str) -> Option<String> {
    let fact = |file: &str| {
        text(&root.path("sys/class/dmi/id").join(file))
            .filter(|value| !PLACEHOLDERS.contains(&value.to_lowercase().as_str()))
    };
    let product = fact(product)?;
    Some(match fact(vendor) {
        Some(vendor) if !product.starts_with(&vendor) => format!("{vendor} {product}"),
        _ => product,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::Tree;
    use super::*;

    fn model(files: &[(&str, &str)]) -> Option<String> {
        read(&Tree::new(files).root(), "")
    }

    #[test]
    fn placeholder_texts_are_not_a_model() {
        let product = "sys/class/dmi/id/product_name";
        let vendor = "sys/class/dmi/id/sys_vendor";
        assert_eq!(
            model(&[
                (vendor, "System manufacturer\n"),
                (product, "System Product Name\n")
            ]),
            None
        );
        assert_eq!(
            model(&[
                (vendor, "To Be Filled By O.E.M.\n"),
                (product, "To Be Filled By O.E.M.\n"),
                ("sys/class/dmi/id/board_vendor", "ASRock\n"),
                ("sys/class/dmi/id/board_name", "X570 Pro4\n"),
            ])
            .as_deref(),
            Some("ASRock X570 Pro4")
        );
        assert_eq!(
            model(&[(vendor, "Default string\n"), (product, "N100DC\n")]).as_deref(),
            Some("N100DC")
        );
    }

    #[test]
    fn a_vendor_is_not_named_twice() {
        assert_eq!(
            model(&[
                ("sys/class/dmi/id/sys_vendor", "HP\n"),
                ("sys/class/dmi/id/product_name", "HP EliteDesk 800 G3\n"),
            ])
            .as_deref(),
            Some("HP EliteDesk 800 G3")
        );
    }

    #[test]
    fn the_device_tree_goes_first_and_cpuinfo_last() {
        let tree = Tree::new(&[]);
        let cpuinfo = "Model\t\t: Raspberry Pi 3 Model B Plus Rev 1.3\n";
        assert_eq!(
            read(&tree.root(), cpuinfo).as_deref(),
            Some("Raspberry Pi 3 Model B Plus Rev 1.3")
        );
        tree.write("sys/firmware/devicetree/base/model", "Radxa ROCK 5B\0");
        assert_eq!(
            read(&tree.root(), cpuinfo).as_deref(),
            Some("Radxa ROCK 5B")
        );
    }
}
