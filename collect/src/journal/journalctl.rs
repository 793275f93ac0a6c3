//! A running journalctl: started without blocking, killed when its output is no longer needed.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::deadline::{Call, Helpers, Outcome};

/// A journalctl that was started. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    /// How it ended.
    pub(super) ended: oneshot::Receiver<ExitStatus>,
}

impl Running {
    /// Starts `command`. It has the `turn` until it has ended, be it killed long before.
    ///
    /// # Errors
    /// Where there is no such program, and where starting it hangs.
    pub(super) async fn start(
        helpers: &Helpers<()>,
        mut command: Command,
        turn: OwnedSemaphorePermit,
    ) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let runtime = Handle::current();
        let make = move || {
            let _entered = runtime.enter();
            let mut child = command.spawn()?;
            let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
            let (tell, ended) = oneshot::channel();
            tokio::spawn(watch(child, tell, turn));
            Ok(Self {
                stdout,
                stderr,
                ended,
            })
        };
        let call = Call {
            key: (),
            user: None,
            make: Box::new(make),
        };
        let problem = match helpers.run(vec![call]).await.pop() {
            Some(Outcome::Returned(started)) => return started,
            Some(Outcome::Hung(_)) => "the file system of the program does not answer",
            Some(Outcome::NotMade) | None => "the system gives the agent no thread",
        };
        Err(io::Error::other(problem))
    }
}

/// Waits for the end of the child, and kills it when the wait is cancelled.
async fn watch(
    mut child: Child,
    mut tell: oneshot::Sender<ExitStatus>,
    turn: OwnedSemaphorePermit,
) {
    tokio::select! {
        status = child.wait() => {
            if let Ok(status) = status {
                let _ = tell.send(status);
            }
        }
        () = tell.closed() => {
            // It ended by itself just now where this fails.
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
    }
    drop(turn);
}
