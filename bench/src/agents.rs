//! The agents that are compared: how each is started and queried.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use socktop_proto::dialect::native::{self, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::model::{Error, body};
use socktop_proto::{Frame, Query};
use socktop_tests::{Server, clean_command, free_port, our_program, published_program};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::{IntoClientRequest as _, client_with_config};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::process_load::which;
use crate::results::Who;

/// Far above any reply of a bench's host.
const UNPACKED_LIMIT: usize = 64 << 20;

/// Far longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Our agent's limits, as high as they go, for the parts that load it: the published agent has none.
const HIGH_LIMITS: &str = "[limits]\nconnections = 4096\nper_address = 4096\nrequests_per_second = 10000\nconnections_per_second = 10000\n";

/// For how long agents share a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// As installed.
    Default,
    /// Not at all: every request is read anew.
    Off,
    /// An hour: every request but the first is answered by the same sample.
    Forever,
}

/// An agent that runs.
pub struct Agent {
    /// Who it is.
    pub who: Who,
    server: Server,
    port: u16,
    // Its home folder goes with it.
    _home: TempDir,
}

impl Agent {
    /// Starts one and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(who: Who, sharing: Sharing) -> Result<Self> {
        Self::start_below(&[], who, sharing)
    }

    /// Starts one as an argument of `wrapper`, a program with its arguments: valgrind.
    ///
    /// # Errors
    /// When it is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_below(wrapper: &[String], who: Who, sharing: Sharing) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let port = free_port();
        let mut command = command(wrapper, who, port, home.path())?;
        let ttl = match sharing {
            Sharing::Default => None,
            Sharing::Off => Some("0"),
            Sharing::Forever => Some("3600000"),
        };
        for sample in ["METRICS", "PROCESSES", "DISKS"] {
            command.envs(ttl.map(|ttl| (format!("SOCKTOP_AGENT_{sample}_TTL_MS"), ttl)));
        }
        Ok(Self {
            who,
            server: Server::start(&mut command, port),
            port,
            _home: home,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Asks it to end, and waits until it has.
    pub fn end(mut self) {
        self.server.end_by(rustix::process::Signal::TERM);
    }

    /// Opens a conversation with it.
    ///
    /// # Errors
    /// When it takes none up.
    pub fn talk(&self) -> Result<Talk> {
        Talk::open(self.port, self.who)
    }

    /// Asks once and gives the reply's size in bytes: on `talk`, or by an HTTP request of its own where the agent
    /// speaks nothing else.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn ask(&self, talk: &mut Option<Talk>, query: Query) -> Result<usize> {
        match self.who {
            Who::NodeExporter => get(self.port, "/metrics"),
            Who::Glances => get(self.port, glances_path(query)),
            _ => match talk {
                Some(talk) => talk.ask(query),
                none => none.insert(self.talk()?).ask(query),
            },
        }
    }
}

/// What glances calls it. Everything it has takes the place of metrics.
fn glances_path(query: Query) -> &'static str {
    match query {
        Query::Processes => "/api/3/processlist",
        Query::Disks => "/api/3/fs",
        _ => "/api/3/all",
    }
}

fn command(wrapper: &[String], who: Who, port: u16, home: &Path) -> Result<Command> {
    let address = format!("127.0.0.1:{port}");
    let port = port.to_string();
    let (program, arguments) = match who {
        Who::Ours | Who::OursText => {
            let settings = home.join("agent.toml");
            std::fs::write(&settings, HIGH_LIMITS)?;
            let settings = settings.display().to_string();
            (
                our_program("socktop-agent"),
                ["--port", &port, "--config", &settings]
                    .map(str::to_owned)
                    .to_vec(),
            )
        }
        Who::Published => (
            published_program("socktop_agent"),
            vec!["--port".to_owned(), port],
        ),
        Who::NodeExporter => (
            which("prometheus-node-exporter")?,
            vec![format!("--web.listen-address={address}")],
        ),
        Who::Glances => (
            which("glances")?,
            [
                "--webserver",
                "--bind=127.0.0.1",
                &format!("--port={port}"),
                "--disable-autodiscover",
                "--disable-check-update",
                // Every request is read anew, as by the others.
                "--cached-time=0",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        _ => bail!("{} is no agent", who.label()),
    };
    let mut command = match wrapper {
        [] => clean_command(&program, home),
        [first, rest @ ..] => {
            let mut command = clean_command(Path::new(first), home);
            command.args(rest).arg(program);
            command
        }
    };
    command.args(arguments);
    Ok(command)
}

/// A conversation with a socktop agent.
pub struct Talk {
    socket: WebSocket<TcpStream>,
    is_native: bool,
    last_id: u64,
    /// The revisions of the answers that came last: our client asks for what has changed since.
    revisions: HashMap<Query, u64>,
}

impl Talk {
    fn open(port: u16, who: Who) -> Result<Self> {
        let is_native = who == Who::Ours;
        let mut request = format!("ws://127.0.0.1:{port}/ws").into_client_request()?;
        if is_native {
            request.headers_mut().insert(
                SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(native::SUBPROTOCOL),
            );
        }
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // A thousand of these are held at once.
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let (socket, _) = client_with_config(request, stream, Some(config)).map_err(|error| {
            anyhow::anyhow!("opening a WebSocket with {}: {error}", who.label())
        })?;
        Ok(Self {
            socket,
            is_native,
            last_id: 0,
            revisions: HashMap::new(),
        })
    }

    /// Asks, waits for the answer and gives its size in bytes.
    ///
    /// # Errors
    /// When there is none.
    pub fn ask(&mut self, query: Query) -> Result<usize> {
        let frame = self.reply(query)?;
        if self.is_native
            && let Frame::Binary(bytes) = &frame
        {
            let revision = native::decode_reply(bytes, UNPACKED_LIMIT)?.revision;
            self.revisions.insert(query, revision);
        }
        Ok(frame.len())
    }

    /// Asks, and sees to it that the answer is what was asked for.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&mut self, query: Query) -> Result<()> {
        let frame = self.reply(query)?;
        let body = match &frame {
            Frame::Binary(bytes) if self.is_native => {
                native::decode_reply(bytes, UNPACKED_LIMIT)?.payload.whole()
            }
            _ => Some(text::decode_reply(query, &frame, UNPACKED_LIMIT)?),
        };
        if let Some(body::Kind::Error(Error { message, .. })) = body.and_then(|body| body.kind) {
            bail!("{query:?}: {message}");
        }
        Ok(())
    }

    fn reply(&mut self, query: Query) -> Result<Frame> {
        self.last_id += 1;
        self.socket.send(if self.is_native {
            let options = ReplyOptions {
                since: self.revisions.get(&query).copied(),
                ..ReplyOptions::default()
            };
            Message::binary(native::encode_request_for(self.last_id, query, options))
        } else {
            let word = text::encode_request(query).context("no word for this in 1.60")?;
            Message::text(word)
        })?;
        loop {
            match self.socket.read()? {
                Message::Binary(bytes) => return Ok(Frame::Binary(bytes.into())),
                Message::Text(text) => {
                    ensure!(!text.starts_with("{\"error\""), "{query:?}: {text}");
                    return Ok(Frame::Text(text.to_string()));
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => bail!("instead of a reply to {query:?}: {other:?}"),
            }
        }
    }
}

/// Asks by HTTP, on a connection of its own, as a collector does that may take gzip.
fn get(port: u16, path: &str) -> Result<usize> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
    )?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    let status = reply
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    ensure!(
        status.ends_with(b" 200 OK"),
        "GET {path}: {}",
        String::from_utf8_lossy(status)
    );
    Ok(reply.len())
}
