//! Secrets that must not leak, searched for in every byte that the agent sends: in every dialect, for every request,
//! with every right.
//!
//! Arguments are sent only to clients with full rights, and to none where `redact_arguments` is set; the environment is
//! never sent; and no name is ever made of arguments.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use socktop_proto::dialect::native::{self, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::model::body;
use socktop_proto::{Fields, Query};
use socktop_tests::{Background, DEADLINE, Hostile, Server, eager_agent, python, wait_for};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

const FULL: &str = "full-full-full-full-full";
const METRICS: &str = "metrics-metrics-metrics";

/// A word that occurs nowhere else.
fn canary(what: &str) -> String {
    let mut random = [0; 4];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .unwrap();
    format!("{what}{:08x}", u32::from_ne_bytes(random))
}

/// The words of one kind each, and the processes that hold them.
struct Aviary {
    /// Stand in arguments, the first one of which may be a title.
    arguments: Vec<String>,
    /// Stand in an environment.
    environment: String,
    /// Name a process, a thread, a working directory, an executable.
    shown_to_full: Vec<String>,
    /// What each process is to be called.
    names: BTreeMap<u32, String>,
    _programs: Vec<Background>,
    _titled: Vec<Hostile>,
    _folder: tempfile::TempDir,
}

impl Aviary {
    fn fill() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = canary("env");
        let arguments: Vec<String> = ["arg", "execa", "title", "short"].map(canary).into();
        let [argument, exec_a, title, short_title] = &arguments[..] else {
            unreachable!()
        };
        let [comm, thread] = ["comm", "thrd"].map(canary);
        let [directory, executable] = ["cwd", "exe"].map(canary);
        let working_directory = folder.path().join(&directory);
        fs::create_dir(&working_directory).unwrap();
        // 15 bytes of it are its comm.
        let long_name = format!("backup-daemon-{executable}");
        let program = folder.path().join(&long_name);
        // By another process: while this one has it open for writing, a child that another test starts has it, too, and it cannot
        // be executed.
        let copied = Command::new("cp")
            .args(["/bin/sleep".as_ref(), program.as_os_str()])
            .status();
        assert!(copied.unwrap().success());

        let mut names = BTreeMap::new();
        let mut programs = Vec::new();
        let mut start = |command: &mut Command, name: &str| {
            let background = Background::start(command.env("CANARY", &environment));
            names.insert(background.pid(), name.to_owned());
            programs.push(background);
        };
        start(
            Command::new("sh")
                .args([
                    "-c",
                    "kill -STOP $$",
                    "sh",
                    &format!("--password={argument}"),
                ])
                .current_dir(&working_directory),
            "sh",
        );
        start(
            Command::new("sleep")
                .arg0(format!("my-backup --password={exec_a}"))
                .arg("1000000"),
            "sleep",
        );
        start(
            Command::new(&program)
                .arg0(format!("{long_name} --password={title}"))
                .arg("1000000"),
            &long_name,
        );
        // As Chromium's children: comm is the first 15 bytes of what stands in argv, and exe has another name.
        let cut = "chromium-browse";
        let mut titled = Command::new(python());
        titled
            .arg0(format!("chromium-browser --type={short_title}"))
            .env("CANARY", &environment);
        let cut_title = Hostile::start_as(&mut titled, "named", &[cut, &thread]);
        names.insert(cut_title.pid(), cut.to_owned());
        // Its name stands in its arguments too, which it cannot know.
        let renamed = Hostile::start("named", &[&comm, "any"]);
        names.insert(renamed.pid(), comm.clone());
        let it = Self {
            arguments,
            environment,
            shown_to_full: vec![thread, directory, executable],
            names,
            _programs: programs,
            _titled: vec![cut_title, renamed],
            _folder: folder,
        };
        it.wait_until_named();
        it
    }

    /// A program has its name once it has begun.
    fn wait_until_named(&self) {
        for (pid, name) in &self.names {
            wait_for(&format!("{name} to begin"), || {
                let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
                name.starts_with(comm.trim_end()).then_some(())
            });
        }
    }

    fn queries(&self) -> Vec<Query> {
        let mut queries = vec![
            Query::Host,
            Query::Metrics,
            Query::Disks,
            Query::Processes,
            Query::Sensors,
        ];
        for &pid in self.names.keys().chain([&std::process::id()]) {
            queries.extend([Query::Process { pid }, Query::Journal { pid }]);
        }
        queries
    }
}

/// A connection of a dialect with a token.
struct Raw {
    socket: WebSocket<TcpStream>,
}

impl Raw {
    fn open(agent: &Server, token: &str, subprotocol: Option<&'static str>) -> Self {
        let url = format!("{}?token={token}", agent.url());
        let mut request = url.as_str().into_client_request().unwrap();
        let address = request.uri().authority().unwrap().to_string();
        if let Some(subprotocol) = subprotocol {
            let value = HeaderValue::from_static(subprotocol);
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (socket, _) = client(request, stream).unwrap();
        Self { socket }
    }

    /// The bytes of the reply.
    fn ask(&mut self, request: Message) -> Vec<u8> {
        self.socket.send(request).unwrap();
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => return text.as_bytes().to_vec(),
                Message::Binary(bytes) => return bytes.to_vec(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("instead of a reply: {other:?}"),
            }
        }
    }
}

/// What is in `bytes`, and in each gzip stream in them.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    const GZIP: &[u8] = &[0x1f, 0x8b, 8];
    let mut all = bytes.to_vec();
    for (at, _) in bytes
        .windows(GZIP.len())
        .enumerate()
        .filter(|(_, window)| *window == GZIP)
    {
        let packed = bytes.get(at..).unwrap_or_default();
        // It may be chance: what can be unpacked is what was packed.
        let _ = GzDecoder::new(packed).read_to_end(&mut all);
    }
    all
}

/// Everything that a client with `token` receives, by dialect.
fn everything(agent: &Server, token: &str, queries: &[Query]) -> Vec<(&'static str, Vec<u8>)> {
    let mut received = Vec::new();
    let mut native = Raw::open(agent, token, Some(native::SUBPROTOCOL));
    for query in queries {
        let frame = native.ask(Message::binary(native::encode_request(1, *query)));
        let revision = native::decode_reply(&frame, 64 << 20).map_or(0, |answer| answer.revision);
        received.push(("native", unpacked(&frame)));
        let options = ReplyOptions {
            fields: Fields::ALL,
            since: Some(revision),
        };
        let request = native::encode_request_for(2, *query, options);
        received.push(("native", unpacked(&native.ask(Message::binary(request)))));
    }
    let mut texts = Raw::open(agent, token, None);
    for request in queries
        .iter()
        .filter_map(|query| text::encode_request(*query))
    {
        received.push(("text", unpacked(&texts.ask(Message::text(request)))));
    }
    let mut json = Raw::open(agent, token, None);
    for query in queries {
        let request = match query {
            Query::Metrics => r#"{"type":"metrics"}"#.to_owned(),
            Query::Disks => r#"{"type":"disks"}"#.to_owned(),
            Query::Processes => r#"{"type":"processes"}"#.to_owned(),
            Query::Sensors => r#"{"type":"sensors"}"#.to_owned(),
            Query::Process { pid } => format!(r#"{{"type":"process_metrics","pid":{pid}}}"#),
            Query::Journal { pid } => format!(r#"{{"type":"journal_entries","pid":{pid}}}"#),
            Query::Host => continue,
        };
        received.push(("json", unpacked(&json.ask(Message::text(request)))));
    }
    received
}

/// The dialects in whose replies `word` occurs.
fn dialects_containing(received: &[(&'static str, Vec<u8>)], word: &str) -> Vec<&'static str> {
    let holds = |bytes: &[u8]| {
        bytes
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    let mut dialects: Vec<_> = received
        .iter()
        .filter(|(_, bytes)| holds(bytes))
        .map(|(dialect, _)| *dialect)
        .collect();
    dialects.dedup();
    dialects
}

fn agent(home: &Path, settings: &str) -> Server {
    let tokens = home.join("tokens");
    fs::write(
        &tokens,
        format!("{FULL}\n{METRICS} name=grafana rights=metrics\n"),
    )
    .unwrap();
    eager_agent(
        home,
        &format!("token_file = '{}'\n{settings}", tokens.display()),
    )
}

#[test]
fn arguments_need_full_rights_and_the_environment_is_never_sent() {
    let home = tempfile::tempdir().unwrap();
    let aviary = Aviary::fill();
    let agent = agent(home.path(), "");
    let queries = aviary.queries();
    let full = everything(&agent, FULL, &queries);
    let metrics = everything(&agent, METRICS, &queries);

    // Permitted arguments are found, so the search works.
    for word in aviary.arguments.iter().chain(&aviary.shown_to_full) {
        let heard = dialects_containing(&full, word);
        assert_eq!(heard, ["native", "text", "json"], "{word} to full rights");
    }
    let mut leaks = Vec::new();
    for word in &aviary.arguments {
        leaks.extend(
            dialects_containing(&metrics, word)
                .iter()
                .map(|dialect| (*dialect, word)),
        );
    }
    for received in [&full, &metrics] {
        let heard = dialects_containing(received, &aviary.environment);
        leaks.extend(heard.iter().map(|dialect| (*dialect, &aviary.environment)));
    }
    assert!(
        leaks.is_empty(),
        "sent to clients without the right: {leaks:?}"
    );
}

#[test]
fn redacted_arguments_are_never_sent() {
    let home = tempfile::tempdir().unwrap();
    let aviary = Aviary::fill();
    let agent = agent(home.path(), "collect.redact_arguments = true\n");
    let queries = aviary.queries();
    let mut leaks = Vec::new();
    for token in [FULL, METRICS] {
        let received = everything(&agent, token, &queries);
        for word in aviary.arguments.iter().chain([&aviary.environment]) {
            leaks.extend(
                dialects_containing(&received, word)
                    .iter()
                    .map(|dialect| (*dialect, word.clone())),
            );
        }
    }
    assert!(
        leaks.is_empty(),
        "sent to clients without the right: {leaks:?}"
    );
}

#[test]
fn name_is_comm_completed_only_by_the_executable() {
    let home = tempfile::tempdir().unwrap();
    let aviary = Aviary::fill();
    let agent = agent(home.path(), "");
    for token in [FULL, METRICS] {
        let mut native = Raw::open(&agent, token, Some(native::SUBPROTOCOL));
        let frame = native.ask(Message::binary(native::encode_request(1, Query::Processes)));
        let answer = native::decode_reply(&frame, 64 << 20).unwrap();
        let Some(body::Kind::Processes(list)) = answer.payload.whole().unwrap().kind else {
            panic!("no list");
        };
        let named: BTreeMap<u32, String> = list
            .processes
            .into_iter()
            .filter(|process| aviary.names.contains_key(&process.pid))
            .map(|process| (process.pid, process.name))
            .collect();
        assert_eq!(named, aviary.names, "with the token {token}");
    }
}
