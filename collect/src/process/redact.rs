//! Redaction: command lines without their arguments, which may hold secrets.

use socktop_proto::model::ProcessDetails;

/// The replacement for the arguments.
const HIDDEN: &str = "…";

/// Leaves of the command lines of a process and its children the programs alone.
///
/// A program is what the kernel calls it, not what stands first in the command line: a process may have written anything
/// over that.
pub(crate) fn redact_arguments(details: &mut ProcessDetails) {
    for child in &mut details.children {
        redact_arguments(child);
    }
    let Some(first) = details.command.first() else {
        return;
    };
    let has_arguments =
        details.command.len() > 1 || details.command_cut || first.contains(char::is_whitespace);
    let name = || details.process.as_ref().map(|process| &process.name);
    let program = details.executable.as_ref().or_else(name);
    let program = program.cloned().unwrap_or_default();
    details.command = vec![program];
    details.command_cut = false;
    if has_arguments {
        details.command.push(HIDDEN.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use socktop_proto::model::Process;

    use super::*;

    fn redacted(executable: Option<&str>, command: &[&str]) -> Vec<String> {
        let command: Vec<_> = command.iter().map(|&argument| argument.into()).collect();
        let child = ProcessDetails {
            process: Some(Process {
                name: "daemon".to_owned(),
                ..Process::default()
            }),
            executable: executable.map(str::to_owned),
            command,
            ..ProcessDetails::default()
        };
        let mut details = ProcessDetails {
            children: vec![child.clone()],
            ..child
        };
        redact_arguments(&mut details);
        let [child] = details.children.try_into().unwrap();
        assert_eq!(child.command, details.command);
        details.command
    }

    #[test]
    fn redacted_command_line_keeps_the_program() {
        let path = Some("/sbin/daemon");
        assert_eq!(redacted(path, &[]), [""; 0]);
        assert_eq!(redacted(path, &["/sbin/daemon"]), ["/sbin/daemon"]);
        assert_eq!(
            redacted(path, &["daemon", "-psecret"]),
            ["/sbin/daemon", HIDDEN]
        );
        assert_eq!(redacted(None, &["daemon", "-psecret"]), ["daemon", HIDDEN]);
    }

    #[test]
    fn redacted_command_line_hides_a_process_title() {
        for title in [
            "--password=secret",
            "secret daemon",
            " secret",
            "daemon:secret",
        ] {
            for executable in [None, Some("/sbin/daemon")] {
                let left = redacted(executable, &[title]).concat();
                assert!(!left.contains("secret"), "{left}");
            }
        }
    }
}
