use clap::Parser;

use super::*;

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
    Config::load(&args, |name| {
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
fn with_nothing_it_serves_this_machine_alone() {
    assert_eq!(listen(&[], &[], ""), ["127.0.0.1:3000", "[::1]:3000"]);
}

#[test]
fn a_port_alone_means_all_interfaces() {
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
fn listen_takes_addresses_with_and_without_ports() {
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
fn the_command_line_beats_the_environment_beats_the_file() {
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

#[test]
fn the_strongest_word_on_tokens_decides() {
    let environment = [("SOCKTOP_TOKEN", "from-environment")];
    let config = load(&[], &environment, "no_token = true").unwrap();
    assert!(config.access.token.unwrap().matches("from-environment"));
    assert!(!config.access.no_token);

    let config = load(&["--no-token"], &environment, "").unwrap();
    assert!(config.access.token.is_none());
    assert!(config.access.no_token);
}

#[test]
fn parts_apply_over_the_main_file_in_their_order() {
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
    let config = Config::load(&args, |_| None).unwrap();
    assert_eq!(config.listen[0].port(), 3);
}

#[test]
fn errors_name_what_and_where() {
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
    let file = Config::load(&args, |_| None).unwrap_err().to_string();
    assert!(file.contains("/nonexistent/agent.toml"), "{file}");
}
