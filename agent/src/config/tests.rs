use clap::Parser;

use super::*;
use crate::cli::Args;

fn load(
    arguments: &[&str],
    environment: &[(&str, &str)],
    file: &str,
) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, file).unwrap();
    let path = path.to_str().unwrap();
    let arguments = [&["socktop-agent", "--config", path], arguments].concat();
    let args = Args::try_parse_from(arguments).unwrap();
    Config::load(&args.overrides(), false, |name| {
        environment
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn listen(arguments: &[&str], environment: &[(&str, &str)], file: &str) -> Vec<String> {
    load(arguments, environment, file)
        .unwrap()
        .listen
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn default_addresses_are_loopback() {
    assert_eq!(listen(&[], &[], ""), ["127.0.0.1:3000", "[::1]:3000"]);
}

#[test]
fn port_without_address_means_all_interfaces() {
    let all = ["0.0.0.0:4000", "[::]:4000"];
    assert_eq!(listen(&["--port", "4000"], &[], ""), all);
    assert_eq!(listen(&["-p", "4000"], &[], ""), all);
    assert_eq!(listen(&[], &[("SOCKTOP_PORT", "4000")], ""), all);
    assert_eq!(listen(&[], &[], "port = 4000"), all);
}

#[test]
fn tls_changes_the_default_port() {
    let all = ["0.0.0.0:8443", "[::]:8443"];
    assert_eq!(listen(&["--enableSSL"], &[], ""), all);
    assert_eq!(listen(&[], &[("SOCKTOP_ENABLE_SSL", "1")], ""), all);
    assert_eq!(
        listen(&["--enableSSL", "-p", "9"], &[], ""),
        ["0.0.0.0:9", "[::]:9"]
    );
}

#[test]
fn listen_accepts_addresses_with_and_without_ports() {
    assert_eq!(
        listen(
            &[
                "--listen",
                "192.0.2.1",
                "--listen",
                "[::1]:5",
                "--listen",
                "::1",
                "--port",
                "7"
            ],
            &[],
            ""
        ),
        ["192.0.2.1:7", "[::1]:5", "[::1]:7"]
    );
    assert_eq!(
        listen(&[], &[], "listen = [\"10.0.0.1:1\"]"),
        ["10.0.0.1:1"]
    );
}

#[test]
fn command_line_overrides_environment_and_environment_overrides_file() {
    let environment = [
        ("SOCKTOP_PORT", "2"),
        ("SOCKTOP_AGENT_METRICS_TTL_MS", "20"),
        ("SOCKTOP_AGENT_GPU", "0"),
    ];
    let file = "port = 1\n[cache]\nmetrics_ms = 10\ndisks_ms = 0\n[collect]\ntemperature = false";
    let config = load(&["--port", "3"], &environment, file).unwrap();
    assert_eq!(config.listen[0].port(), 3);
    assert_eq!(config.sampling.metrics_ttl, Duration::from_millis(20));
    assert_eq!(config.sampling.disks_ttl, Duration::ZERO);
    assert_eq!(config.sampling.processes_ttl, Duration::from_secs(1));
    assert!(!config.sampling.gpu);
    assert!(!config.sampling.temperature);
}

/// A folder with settings, and what an agent that systemd started makes of them.
struct Service {
    folder: tempfile::TempDir,
}

impl Service {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("agent.toml.d")).unwrap();
        let service = Self { folder };
        for (name, text) in files {
            std::fs::write(service.path(name), text).unwrap();
        }
        service
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(
        &self,
        arguments: &[&str],
        activated: bool,
        environment: &[(&str, &str)],
    ) -> Result<Config, ConfigError> {
        let file = self.path("agent.toml");
        let file = ["socktop-agent", "--config", file.to_str().unwrap()];
        let args = Args::try_parse_from([&file, arguments].concat()).unwrap();
        Config::load(&args.overrides(), activated, |name| {
            if name == "CREDENTIALS_DIRECTORY" {
                return Some(self.folder.path().to_str().unwrap().to_owned());
            }
            let known = environment.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| (*value).to_owned())
        })
    }

    fn started(&self) -> Config {
        self.load(&[], true, &[]).unwrap()
    }
}

#[test]
fn token_settings_have_an_order_of_precedence() {
    let service = Service::new(&[
        ("agent.toml", "token_file = \"/nonexistent\""),
        ("token", "credential"),
    ]);
    let access = service.started().access;
    assert!(access.tokens[0].token.matches("credential"));

    std::fs::write(service.path("access.toml"), "no_token = false").unwrap();
    let access = service.started().access;
    assert!(access.tokens[0].token.matches("credential"));

    std::fs::write(service.path("access.toml"), "no_token = true").unwrap();
    let access = service.started().access;
    assert!(access.tokens.is_empty() && access.no_token);

    let environment = [("SOCKTOP_TOKEN", "from-environment")];
    let access = service.load(&[], true, &environment).unwrap().access;
    assert!(access.tokens[0].token.matches("from-environment"));
    assert!(!access.no_token);

    let arguments = ["--no-token"];
    let access = service.load(&arguments, true, &environment).unwrap().access;
    assert!(access.tokens.is_empty() && access.no_token);

    std::fs::write(service.path("mine"), "mine").unwrap();
    let mine = service.path("mine");
    let arguments = ["--token-file", mine.to_str().unwrap()];
    let access = service.load(&arguments, true, &environment).unwrap().access;
    assert!(access.tokens[0].token.matches("mine"));
}

#[test]
fn socket_activated_agent_has_tls_and_an_idle_exit_by_default() {
    let service = Service::new(&[("agent.toml", "")]);
    let config = service.started();
    assert!(config.tls);
    assert_eq!(config.idle_exit, Some(Duration::from_mins(1)));
    assert!(config.listen_is_default);

    let config = service.load(&[], false, &[]).unwrap();
    assert!(!config.tls);
    assert_eq!(config.idle_exit, None);

    let plain = [("SOCKTOP_ENABLE_SSL", "0")];
    assert!(!service.load(&[], true, &plain).unwrap().tls);
}

#[test]
fn idle_exit_accepts_fractions_and_zero_disables_it() {
    let idle_exit = |text| load(&[], &[], &format!("idle_exit_seconds = {text}"));
    let some = |text| idle_exit(text).unwrap().idle_exit;
    assert_eq!(some("90"), Some(Duration::from_secs(90)));
    assert_eq!(some("0.05"), Some(Duration::from_millis(50)));
    assert_eq!(some("0"), None);
    assert_eq!(some("0.0"), None);
    for bad in ["0.049", "-1", "inf", "nan", "1e300", "\"60\""] {
        let error = idle_exit(bad).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}

#[test]
fn limit_out_of_range_is_named_with_its_line() {
    let config = load(&[], &[], "[limits]\nconnections = 7").unwrap();
    assert_eq!(config.limits.connections, 7);
    assert_eq!(config.limits.per_address, Limits::default().per_address);
    let error = load(&[], &[], "[limits]\n\nconnections = 0").unwrap_err();
    let error = error.to_string();
    assert!(error.contains("line 3"), "{error}");
    assert!(error.contains("expected 1 to 4096"), "{error}");
}

#[test]
fn access_settings_are_refused_outside_their_own_file() {
    let text = "allowed_origins = [\"https://dashboard.example\"]";
    let service = Service::new(&[("agent.toml", ""), ("access.toml", text)]);
    let access = service.started().access;
    assert_eq!(access.allowed_origins, ["https://dashboard.example"]);
    assert!(!access.no_token);
    for moved in [text, "no_token = true"] {
        let error = load(&[], &[], moved).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
}

#[test]
fn invalid_file_is_skipped_as_a_whole_by_the_service() {
    let service = Service::new(&[
        (
            "agent.toml",
            "log_level = \"debug\"\n[cache]\nmetrics_ms = soon",
        ),
        ("agent.toml.d/10-cache.toml", "[cache]\ndisks_ms = 7"),
        ("agent.toml.d/20-typo.toml", "\nidle_exit_secs = 1"),
    ]);
    let config = service.started();
    assert_eq!(config.sampling.disks_ttl, Duration::from_millis(7));
    assert_eq!(config.log_level, LogLevel::default());
    let [first, second] = &config.problems[..] else {
        panic!("{:?}", config.problems)
    };
    assert!(first.contains("agent.toml, line 3: "), "{first}");
    assert!(second.contains("20-typo.toml, line 2: "), "{second}");
    assert!(second.contains("idle_exit_secs"), "{second}");
    assert!(
        config
            .problems
            .iter()
            .all(|problem| !problem.contains('\n'))
    );
    assert!(config.access.broken.is_none());

    assert!(service.load(&[], false, &[]).is_err());
}

#[test]
fn invalid_access_file_denies_all_clients() {
    let service = Service::new(&[("agent.toml", ""), ("access.toml", "\nno_tokens = true")]);
    for activated in [true, false] {
        let config = service.load(&[], activated, &[]).unwrap();
        let broken = config.access.broken.unwrap();
        assert!(broken.contains("access.toml, line 2: "), "{broken}");
        assert_eq!(config.problems, [broken]);
    }

    let service = Service::new(&[("agent.toml", ""), ("token", "two words")]);
    let broken = service.started().access.broken.unwrap();
    assert!(broken.contains("token"), "{broken}");
    assert!(service.load(&[], false, &[]).is_err());

    let text = "token_file = \"/nonexistent/token\"";
    let service = Service::new(&[("agent.toml", text)]);
    let broken = service.started().access.broken.unwrap();
    assert!(broken.contains("/nonexistent/token"), "{broken}");
}

#[test]
fn incomplete_client_certificate_settings_are_refused() {
    let broken = |agent: &str, access: &str| {
        let service = Service::new(&[("agent.toml", agent), ("access.toml", access)]);
        service.started().access.broken.unwrap()
    };
    let lacking = broken("", "require = \"both\"");
    assert!(lacking.contains("needs client_ca"), "{lacking}");
    let plain = broken("tls.enabled = false", "client_ca = \"/etc/ca.pem\"");
    assert!(plain.contains("needs TLS"), "{plain}");
    let missing = broken("", "client_ca = \"/nonexistent/ca.pem\"");
    assert!(missing.contains("/nonexistent/ca.pem"), "{missing}");
    let unknown = broken("", "require = \"nothing\"");
    assert!(unknown.contains("either"), "{unknown}");
}

#[test]
fn drop_in_files_override_the_main_file_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("agent.toml");
    std::fs::write(&main, "port = 1").unwrap();
    let parts = folder.path().join("agent.toml.d");
    std::fs::create_dir(&parts).unwrap();
    std::fs::write(parts.join("20-port.toml"), "port = 3").unwrap();
    std::fs::write(parts.join("10-port.toml"), "port = 2").unwrap();
    std::fs::write(parts.join("30-port.toml.bak"), "port = 4").unwrap();
    let args = Args {
        config: Some(main),
        ..Args::default()
    };
    let config = Config::load(&args.overrides(), false, |_| None).unwrap();
    assert_eq!(config.listen[0].port(), 3);
}

#[test]
fn errors_name_the_setting_and_its_place() {
    let message = |arguments: &[&str], environment: &[(&str, &str)], file: &str| {
        load(arguments, environment, file).unwrap_err().to_string()
    };
    let unknown = message(&[], &[], "port = 1\nprot = 2");
    assert!(
        unknown.contains("agent.toml") && unknown.contains("line 2"),
        "{unknown}"
    );
    let address = message(&[], &[], "listen = [\"nonsense\"]");
    assert!(
        address.contains("nonsense") && address.contains("line 1"),
        "{address}"
    );
    let port = message(&[], &[("SOCKTOP_PORT", "66000")], "");
    assert!(
        port.contains("SOCKTOP_PORT") && port.contains("66000"),
        "{port}"
    );
    let switch = message(&[], &[("SOCKTOP_AGENT_GPU", "maybe")], "");
    assert!(switch.contains("SOCKTOP_AGENT_GPU"), "{switch}");
    let token = message(&["--token-file", "/nonexistent/token"], &[], "");
    assert!(token.contains("/nonexistent/token"), "{token}");
    let args = Args {
        config: Some("/nonexistent/agent.toml".into()),
        ..Args::default()
    };
    let file = Config::load(&args.overrides(), false, |_| None)
        .unwrap_err()
        .to_string();
    assert!(file.contains("/nonexistent/agent.toml"), "{file}");
}
