//! An agent whose user instructions are counted by callgrind: a measure that does not depend on the machine's load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use socktop_proto::{Body, Query};

use crate::conversation::Conversation;
use crate::hostile_host::{eager_agent_below, threads};
use socktop_testkit::programs::Server;
use socktop_testkit::wait::wait_for;

/// Whether callgrind is there.
#[must_use]
pub fn can_count_instructions() -> bool {
    Command::new("callgrind_control")
        .arg("--version")
        .output()
        .is_ok()
}

/// An agent under callgrind, with a client.
pub struct CountedAgent {
    agent: Server,
    client: Conversation,
    /// Where callgrind writes.
    folder: PathBuf,
}

impl CountedAgent {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(home: &Path) -> Self {
        let folder = home.join("callgrind");
        fs::create_dir(&folder).expect("make a folder");
        let mut valgrind = crate::clean_command(Path::new("valgrind"), home);
        valgrind
            .arg("--tool=callgrind")
            .arg(format!(
                "--callgrind-out-file={}",
                folder.join("out").display()
            ))
            .arg(vgdb_prefix(&folder));
        let agent = eager_agent_below(&mut valgrind, home, "");
        Self {
            client: Conversation::open(&agent.url()),
            agent,
            folder,
        }
    }

    /// User instructions of an answer to `query`: the least of a few, after the first one. Those soon after a change of
    /// the host may cost more, until what is compared with the time before is all of the time after.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn count(&mut self, query: Query) -> u64 {
        const BATCHES: usize = 5;
        self.ask(query);
        // What is asked once for each user or disk that is new is done by helper threads, and none of the next answers.
        wait_for("the agent's helper threads to end", || {
            (threads(self.agent.pid()) == 1).then_some(())
        });
        self.dump();
        let counts = (0..BATCHES).map(|_| self.count_batch(query));
        counts.min().expect("some batches")
    }

    /// The mean of a few.
    fn count_batch(&mut self, query: Query) -> u64 {
        const TIMES: u64 = 2;
        for _ in 0..TIMES {
            self.ask(query);
        }
        let file = self.dump();
        let text = fs::read_to_string(&file).expect("read callgrind's file");
        let total: Option<u64> = text
            .lines()
            .find_map(|line| line.strip_prefix("totals:"))
            .and_then(|total| total.trim().parse().ok());
        total.unwrap_or_else(|| panic!("no totals in {}", file.display())) / TIMES
    }

    fn ask(&mut self, query: Query) {
        let Body { kind } = self.client.ask(query);
        assert!(
            !matches!(
                kind,
                None | Some(socktop_proto::model::body::Kind::Error(_))
            ),
            "{query:?}: {kind:?}"
        );
    }

    /// Makes callgrind write what it has counted since the last time, and gives the file.
    fn dump(&self) -> PathBuf {
        let known = self.dumps();
        let output = Command::new("callgrind_control")
            .arg(vgdb_prefix(&self.folder))
            .arg("--dump=test")
            .arg(self.agent.pid().to_string())
            .output()
            .expect("run callgrind_control");
        let new = self.dumps().into_iter().find(|file| !known.contains(file));
        new.unwrap_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!("callgrind wrote nothing: {said}{}", self.agent.log())
        })
    }

    fn dumps(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.folder).expect("list callgrind's files");
        files
            .flatten()
            .map(|file| file.path())
            .filter(|file| file.file_stem().is_some_and(|stem| stem == "out"))
            .collect()
    }
}

/// Where valgrind is talked to. Another one outside a namespace may have the same process id.
fn vgdb_prefix(folder: &Path) -> String {
    format!("--vgdb-prefix={}", folder.join("vgdb").display())
}
