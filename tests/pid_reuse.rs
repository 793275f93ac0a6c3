//! Reused pids while the agent reads: in a PID namespace with few pids, children come and go beside processes with
//! another command line, and no child is ever shown with it. Needs root; uses namespaces of its own.

use std::fs;

use socktop_proto::model::body;
use socktop_proto::{Body, Query};
use socktop_tests::{Conversation, Hostile, eager_agent, in_own_host, python, skip};

/// The kernel gives ids from 300 on again: 60 of them, of which 40 are taken by those who come and go.
const PID_MAX: u32 = 360;

/// Children at a time.
const CHILDREN: &str = "20";

/// Answers that are looked at.
const ANSWERS: usize = 600;

#[test]
fn child_never_has_the_command_line_of_another_process() {
    let test = "child_never_has_the_command_line_of_another_process";
    in_own_host(test, || {
        python();
        if fs::write("/proc/sys/kernel/pid_max", PID_MAX.to_string()).is_err() {
            skip(
                test,
                "this kernel lets no PID namespace have a pid_max of its own",
            );
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let agent = eager_agent(home.path(), "");
        let mut client = Conversation::open(&agent.url());
        let family = Hostile::start("churn", &[CHILDREN, "of-the-family"]);
        let _strangers = Hostile::start("churn", &[CHILDREN, "SECRET-of-a-stranger"]);
        let pids = family.pids("parent");
        let pid = *pids.first().unwrap();
        let (mut rows, mut with_command, mut strange) = (0, 0, 0);
        for _ in 0..ANSWERS {
            let Body { kind } = client.ask(Query::Process { pid });
            let Some(body::Kind::Process(details)) = kind else {
                panic!("instead of details: {kind:?}");
            };
            for child in details.children {
                rows += 1;
                with_command += usize::from(!child.command.is_empty());
                let is_strange = child.command.iter().any(|word| word.contains("SECRET"));
                strange += usize::from(is_strange);
            }
        }
        println!(
            "{rows} rows of children, {with_command} with a command line, {strange} of a stranger"
        );
        assert_ne!(
            with_command, 0,
            "children are sent with their command lines"
        );
        assert_eq!(strange, 0, "of {rows} rows, command lines of strangers");
    });
}
