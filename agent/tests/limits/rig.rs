//! A server with limits, and clients from several addresses of loopback.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use socktop_agent::cli::Args;
use socktop_agent::config::{Config, Limits};
use socktop_agent::server::listen;
use socktop_agent::server::shared::Agent;
use socktop_agent::tls::identity::Identity;
use socktop_agent::transport::accept::Server;
use socktop_proto::dialect::native;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const TOKEN: &str = "right-right-right-right";

/// Limits that let a client ask as often as it likes.
pub(crate) fn limits() -> Limits {
    Limits {
        requests_per_second: 10_000,
        ..Limits::default()
    }
}

/// A server on a free port of loopback.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    agent: Arc<Agent>,
    config: Config,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::boot(limits, None, None)
    }

    pub(crate) fn start_with_token(limits: Limits) -> Self {
        Self::boot(limits, Some(TOKEN), None)
    }

    pub(crate) fn start_tls(limits: Limits, folder: &Path) -> Self {
        let home = |name: &str| (name == "HOME").then(|| folder.to_str().unwrap().to_owned());
        let identity = Identity::in_data_folder(home).unwrap();
        identity.ensure("localhost", &[]).unwrap();
        Self::boot(limits, None, Some(identity.server_config(None).unwrap()))
    }

    fn boot(limits: Limits, token: Option<&str>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let args = Args::try_parse_from(["socktop-agent", "--listen", "127.0.0.1:0"]).unwrap();
        let mut config = Config::load(&args.overrides(), false, |name| {
            token.filter(|_| name == "SOCKTOP_TOKEN").map(str::to_owned)
        })
        .unwrap();
        config.limits = limits;
        // Each request is sampled anew.
        config.sampling.processes_ttl = Duration::ZERO;
        config.sampling.metrics_ttl = Duration::ZERO;
        let listeners = listen::bind(&config.listen, config.listen_is_explicit).unwrap();
        let server = Server::new(&config, listeners, tls).unwrap();
        let address = server.addresses()[0];
        let agent = Arc::clone(server.agent());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            server.serve(stop).await;
            server.drain().await;
        });
        Self {
            address,
            agent,
            config,
            stop,
            task,
        }
    }

    pub(crate) fn reload(&self, limits: Limits) {
        let config = Config {
            limits,
            ..self.config.clone()
        };
        self.agent.apply(config, None);
    }

    /// A connection from another address of this host.
    pub(crate) async fn connect_from(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let from: IpAddr = from.parse().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends bytes as they stand and returns all that comes back.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // Who is refused before all is read is hung up on with a reset, behind the answer.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// A request with `headers` behind those that each one has.
pub(crate) fn head(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

pub(crate) fn text_of(message: &Message) -> &str {
    message.to_text().unwrap()
}

pub(crate) async fn dial(
    stream: TcpStream,
    path: &str,
) -> Result<WebSocketStream<TcpStream>, WsError> {
    let request = format!("ws://localhost{path}");
    Ok(client_async(request, stream).await?.0)
}

pub(crate) async fn dial_native(stream: TcpStream) -> WebSocketStream<TcpStream> {
    let mut request = "ws://localhost/ws".into_client_request().unwrap();
    let subprotocol = native::SUBPROTOCOL.parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", subprotocol);
    client_async(request, stream).await.unwrap().0
}

/// As many files as the host allows: a flood has two ends here.
pub(crate) fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// The stream once TLS is spoken on it, whoever the server is.
pub(crate) async fn accepted_by_tls(stream: TcpStream) -> TlsStream<TcpStream> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("both speak TLS 1.3")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        let algorithms = &self.0.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
