//! Many idle processes, as load for the agents' process lists.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// One of so many is woken once a second, the others sleep.
pub const WAKING_ONE_OF: usize = 100;

/// So many names are shared by all.
const NAMES: usize = 40;

/// Children of one parent. They end when this is dropped, or when who holds it dies.
#[derive(Debug)]
pub struct ProcessLoad {
    parent: Child,
    // Open until the end: closing it ends the processes.
    end: Option<ChildStdin>,
}

impl ProcessLoad {
    /// Gathers `count` processes; with `waking`, of each [`WAKING_ONE_OF`] one wakes once a second.
    ///
    /// # Errors
    /// When they cannot be started.
    pub fn gather(count: usize, waking: bool) -> Result<Option<Self>> {
        if count == 0 {
            return Ok(None);
        }
        let waking = if waking { count / WAKING_ONE_OF } else { 0 };
        let mut parent = Command::new(std::env::current_exe()?)
            .arg("process-load")
            .args([(count - 1 - waking).to_string(), waking.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the parent of the processes")?;
        let end = parent.stdin.take();
        let mut line = String::new();
        let ready = parent
            .stdout
            .take()
            .context("the parent of the processes is silent")?;
        BufReader::new(ready).read_line(&mut line)?;
        let load = Self { parent, end };
        anyhow::ensure!(line == "ready\n", "the processes could not be started");
        Ok(Some(load))
    }
}

impl Drop for ProcessLoad {
    fn drop(&mut self) {
        drop(self.end.take());
        // It may have ended by itself.
        let _ = self.parent.wait();
    }
}

/// The parent: starts the children, says so, and ends them when its input does.
///
/// # Errors
/// When a child cannot be started.
pub fn parent(asleep: usize, waking: usize) -> Result<()> {
    let names = tempfile::tempdir()?;
    let sleep = which("sleep")?;
    // A process is called by the last part of the path that it was started by.
    let paths: Vec<_> = (0..NAMES)
        .map(|index| names.path().join(format!("worker-{index}")))
        .collect();
    for path in &paths {
        symlink(&sleep, path)?;
    }
    let mut children = Children(Vec::new());
    for path in paths.iter().cycle().take(asleep) {
        children.start(Command::new(path).arg("infinity"))?;
    }
    let own = std::env::current_exe()?;
    for _ in 0..waking {
        children.start(Command::new(&own).arg("wake"))?;
    }
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A child that wakes once a second.
pub fn wake() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Where a program is, by `PATH`.
///
/// # Errors
/// When it is nowhere.
pub fn which(name: &str) -> Result<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("there is no {name} in PATH: bench/run installs it"))
}

struct Children(Vec<Child>);

impl Children {
    fn start(&mut self, command: &mut Command) -> Result<()> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting one of the processes")?;
        self.0.push(child);
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}
