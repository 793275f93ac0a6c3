//! Command lines without their arguments, which may hold secrets.

use socktop_proto::model::ProcessDetails;

/// What stands for the arguments.
const HIDDEN: &str = "…";

/// Leaves of the command lines of a process and its children the programs alone.
///
/// A process may write over its command line, which is then one argument with spaces in it: it is cut at the first.
pub(crate) fn redact_arguments(details: &mut ProcessDetails) {
    for child in &mut details.children {
        redact_arguments(child);
    }
    let whole = details.command.len();
    details.command.truncate(1);
    let Some(program) = details.command.first_mut() else {
        return;
    };
    let kept = program.find(char::is_whitespace).unwrap_or(program.len());
    let cut = kept < program.len();
    program.truncate(kept);
    if cut || whole > 1 {
        details.command.push(HIDDEN.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(command: &[&str]) -> Vec<String> {
        let command: Vec<_> = command.iter().map(|&argument| argument.into()).collect();
        let child = ProcessDetails {
            command: command.clone(),
            ..ProcessDetails::default()
        };
        let mut details = ProcessDetails {
            command,
            children: vec![child],
            ..ProcessDetails::default()
        };
        redact_arguments(&mut details);
        let [child] = details.children.try_into().unwrap();
        assert_eq!(child.command, details.command);
        details.command
    }

    #[test]
    fn the_program_is_left() {
        assert_eq!(redacted(&[]), [""; 0]);
        assert_eq!(redacted(&["/sbin/init"]), ["/sbin/init"]);
        assert_eq!(redacted(&["mysql", "-psecret"]), ["mysql", HIDDEN]);
        assert_eq!(redacted(&["daemon --password=secret"]), ["daemon", HIDDEN]);
        assert_eq!(redacted(&[" secret"]), ["", HIDDEN]);
    }
}
