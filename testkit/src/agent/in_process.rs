//! An agent in the test's own process, on real sockets.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use socktop_agent::cli::Args;
use socktop_agent::config::{Config, Limits};
use socktop_agent::server::listen;
use socktop_agent::server::shared::Agent;
use socktop_agent::tls::identity::Identity;
use socktop_agent::transport::accept::Server;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;

use super::client;
use crate::wait::DEADLINE;

/// How an agent is started: on a free port of loopback with its defaults, where nothing else is said.
#[derive(Debug, Clone)]
#[must_use]
pub struct AgentBuilder {
    address: String,
    arguments: Vec<String>,
    token: Option<String>,
    identity: Option<Identity>,
    limits: Option<Limits>,
    cached: bool,
}

impl AgentBuilder {
    fn new() -> Self {
        Self {
            address: "127.0.0.1:0".to_owned(),
            arguments: Vec::new(),
            token: None,
            identity: None,
            limits: None,
            cached: true,
        }
    }

    /// Listens on this address.
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// Reads this file of settings, and those beside it.
    pub fn settings(mut self, file: &Path) -> Self {
        let file = file.to_str().unwrap();
        self.arguments.extend(["--config", file].map(str::to_owned));
        self
    }

    /// Admits clients with this token.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Uses TLS.
    pub fn tls(mut self, identity: &Identity) -> Self {
        self.arguments.push("--enableSSL".to_owned());
        self.identity(identity)
    }

    /// Uses TLS if the settings say so.
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// Has these limits, whatever the settings say.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Samples metrics and processes anew for each request.
    pub fn without_cache(mut self) -> Self {
        self.cached = false;
        self
    }

    /// Starts the agent.
    #[must_use]
    pub fn start(self) -> RunningAgent {
        let config = self.config();
        let tls = self.tls_settings(&config);
        let listeners = listen::bind(&config.listen, config.listen_is_explicit).unwrap();
        let server = Server::new(&config, listeners, tls).unwrap();
        let address = server.addresses()[0];
        let agent = Arc::clone(server.agent());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stop = async {
                // Dropped unsent when a test fails: that is an end, too.
                let _ = stopped.await;
            };
            server.serve(stop).await;
            server.drain().await;
        });
        RunningAgent {
            builder: self,
            address,
            agent,
            stop,
            task,
        }
    }

    /// The settings, read anew.
    fn config(&self) -> Config {
        let own = ["socktop-agent", "--listen", &self.address];
        let arguments = own
            .into_iter()
            .chain(self.arguments.iter().map(String::as_str));
        let args = Args::try_parse_from(arguments).unwrap();
        let mut config = Config::load(&args.overrides(), false, |name| {
            self.token.clone().filter(|_| name == "SOCKTOP_TOKEN")
        })
        .unwrap();
        if let Some(limits) = &self.limits {
            config.limits = limits.clone();
        }
        if !self.cached {
            config.sampling.processes_ttl = Duration::ZERO;
            config.sampling.metrics_ttl = Duration::ZERO;
        }
        config
    }

    fn tls_settings(&self, config: &Config) -> Option<Arc<rustls::ServerConfig>> {
        let identity = self.identity.as_ref().filter(|_| config.tls)?;
        let client_ca = config.access.client_ca.as_ref();
        Some(identity.server_config(client_ca).unwrap())
    }
}

/// An agent in this process. It ends with the test's runtime, if not before.
pub struct RunningAgent {
    builder: AgentBuilder,
    address: SocketAddr,
    agent: Arc<Agent>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningAgent {
    /// How to start one that is not as usual.
    pub fn builder() -> AgentBuilder {
        AgentBuilder::new()
    }

    /// Starts one as usual.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection from another address of this host.
    pub async fn connect_from(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let from: IpAddr = from.parse().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// A connection from the usual address.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a conversation, with headers beside those that each one has.
    ///
    /// # Errors
    /// When the agent refuses it.
    pub async fn dial(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(WebSocketStream<TcpStream>, Response), Error> {
        let url = format!("ws://{}{path}", self.address);
        client::upgrade(self.connect().await, &url, headers).await
    }

    /// Reads its settings anew.
    pub fn reload(&self) {
        let config = self.builder.config();
        let tls = self.builder.tls_settings(&config);
        self.agent.apply(config, tls);
    }

    /// Takes over other limits.
    pub fn set_limits(&self, limits: Limits) {
        let config = self.builder.clone().limits(limits).config();
        self.agent.apply(config, None);
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = timeout(DEADLINE, self.task).await;
        ended.expect("the agent's end").unwrap();
    }
}
