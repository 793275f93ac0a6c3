//! The CPU's model name, from `/proc/cpuinfo` (`proc_cpuinfo(5)`), whose lines differ by architecture.

/// Arm cores by implementer and part, as their MIDR registers name them.
const ARM_CORES: [(&str, &str, &str); 33] = [
    ("0x41", "0xb76", "ARM1176"),
    ("0x41", "0xc05", "Cortex-A5"),
    ("0x41", "0xc07", "Cortex-A7"),
    ("0x41", "0xc08", "Cortex-A8"),
    ("0x41", "0xc09", "Cortex-A9"),
    ("0x41", "0xc0d", "Cortex-A17"),
    ("0x41", "0xc0e", "Cortex-A17"),
    ("0x41", "0xc0f", "Cortex-A15"),
    ("0x41", "0xd03", "Cortex-A53"),
    ("0x41", "0xd04", "Cortex-A35"),
    ("0x41", "0xd05", "Cortex-A55"),
    ("0x41", "0xd07", "Cortex-A57"),
    ("0x41", "0xd08", "Cortex-A72"),
    ("0x41", "0xd09", "Cortex-A73"),
    ("0x41", "0xd0a", "Cortex-A75"),
    ("0x41", "0xd0b", "Cortex-A76"),
    ("0x41", "0xd0c", "Neoverse-N1"),
    ("0x41", "0xd0d", "Cortex-A77"),
    ("0x41", "0xd40", "Neoverse-V1"),
    ("0x41", "0xd41", "Cortex-A78"),
    ("0x41", "0xd42", "Cortex-A78AE"),
    ("0x41", "0xd44", "Cortex-X1"),
    ("0x41", "0xd46", "Cortex-A510"),
    ("0x41", "0xd47", "Cortex-A710"),
    ("0x41", "0xd48", "Cortex-X2"),
    ("0x41", "0xd49", "Neoverse-N2"),
    ("0x41", "0xd4d", "Cortex-A715"),
    ("0x41", "0xd4f", "Neoverse-V2"),
    ("0x51", "0x800", "Kryo 2xx Gold"),
    ("0x51", "0x801", "Kryo 2xx Silver"),
    ("0x51", "0x802", "Kryo 3xx Gold"),
    ("0x51", "0x803", "Kryo 3xx Silver"),
    ("0xc0", "0xac3", "Ampere-1"),
];

/// Lines that name the CPU where it has no part numbers: x86, MIPS, POWER, RISC-V, Arm boards.
const NAMES: [&str; 5] = ["model name", "cpu model", "cpu", "uarch", "Hardware"];

/// The CPU's name; kinds of cores that differ are joined by " + ".
pub(super) fn parse(cpuinfo: &str) -> Option<String> {
    let arm = arm_cores(cpuinfo);
    if !arm.is_empty() {
        return Some(arm.join(" + "));
    }
    NAMES
        .into_iter()
        .find_map(|name| fields(cpuinfo).find(|(key, value)| *key == name && !value.is_empty()))
        .map(|(_, value)| value.to_owned())
}

/// The lines of cpuinfo: name and value.
pub(super) fn fields(cpuinfo: &str) -> impl Iterator<Item = (&str, &str)> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
}

/// The kinds of cores there are, in the order of their first appearance. A Pi's 32-bit kernel has a "model name" as
/// well, but it names the instruction set.
fn arm_cores(cpuinfo: &str) -> Vec<&'static str> {
    let mut implementer = "";
    let mut found = Vec::new();
    for (key, value) in fields(cpuinfo) {
        match key {
            "CPU implementer" => implementer = value,
            "CPU part" => {
                let core = ARM_CORES
                    .iter()
                    .find(|(by, part, _)| *by == implementer && *part == value);
                if let Some((_, _, name)) = core
                    && !found.contains(name)
                {
                    found.push(*name);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_of_core_is_named_once() {
        let core =
            |part| format!("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n");
        let cpuinfo = [core("0xd05"), core("0xd05"), core("0xd0b")].concat();
        assert_eq!(parse(&cpuinfo).as_deref(), Some("Cortex-A55 + Cortex-A76"));
    }

    #[test]
    fn model_name_of_a_32_bit_kernel_is_a_fallback_for_an_unknown_part() {
        let cpuinfo = |part| {
            format!(
                "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\nCPU implementer\t: 0x41\n\
                 CPU part\t: {part}\n\nHardware\t: BCM2835\n"
            )
        };
        assert_eq!(parse(&cpuinfo("0xd08")).as_deref(), Some("Cortex-A72"));
        assert_eq!(
            parse(&cpuinfo("0xfff")).as_deref(),
            Some("ARMv7 Processor rev 3 (v7l)")
        );
    }

    #[test]
    fn models_of_other_architectures_are_read() {
        assert_eq!(
            parse("cpu\t\t: POWER9, altivec supported\n").as_deref(),
            Some("POWER9, altivec supported")
        );
        assert_eq!(
            parse("isa\t: rv64imafdc\nuarch\t: sifive,u74-mc\n").as_deref(),
            Some("sifive,u74-mc")
        );
        assert_eq!(parse("model name\t:\n"), None);
        assert_eq!(parse(""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text: String) {
            let _ = parse(&text);
        }
    }
}
