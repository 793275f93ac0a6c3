use super::*;

fn identity(folder: &tempfile::TempDir) -> Identity {
    let home = folder.path().to_str().unwrap().to_owned();
    Identity::in_data_folder(|name| (name == "HOME").then(|| home.clone())).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn identity_is_created_once_and_reused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    assert!(
        identity
            .key
            .ends_with(".local/share/socktop_agent/tls/key.pem")
    );
    identity.ensure("host", &["192.0.2.7".to_owned()]).unwrap();
    identity.server_config(None).unwrap();
    assert_eq!(mode(&identity.key), 0o600);
    let read = || {
        (
            fs::read(&identity.key).unwrap(),
            fs::read(&identity.certificate).unwrap(),
        )
    };
    let first = read();
    identity.ensure("other", &[]).unwrap();
    assert_eq!(read(), first);
}

#[test]
fn missing_certificate_is_recreated_for_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    identity.ensure("host", &[]).unwrap();
    let key = fs::read(&identity.key).unwrap();
    fs::remove_file(&identity.certificate).unwrap();
    identity.ensure("host", &[]).unwrap();
    identity.server_config(None).unwrap();
    assert_eq!(fs::read(&identity.key).unwrap(), key);
}

#[test]
fn missing_key_makes_a_new_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    identity.ensure("host", &[]).unwrap();
    fs::remove_file(&identity.key).unwrap();
    identity.ensure("host", &[]).unwrap();
    identity.server_config(None).unwrap();
}

#[test]
fn world_readable_key_is_made_private() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    identity.ensure("host", &[]).unwrap();
    fs::set_permissions(&identity.key, Permissions::from_mode(0o644)).unwrap();
    identity.ensure("host", &[]).unwrap();
    assert_eq!(mode(&identity.key), 0o600);
}

/// Whether a client that trusts the certificate alone finds it to be for `name`.
fn is_for(identity: &Identity, name: &str) -> bool {
    let certificate = CertificateDer::from_pem_file(&identity.certificate).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = name.to_owned().try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let server = identity.server_config(None).unwrap();
    let mut server = rustls::ServerConnection::new(server).unwrap();
    while client.is_handshaking() {
        let mut sent = Vec::new();
        client.write_tls(&mut sent).unwrap();
        server.read_tls(&mut sent.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut answered = Vec::new();
        server.write_tls(&mut answered).unwrap();
        client.read_tls(&mut answered.as_slice()).unwrap();
        if client.process_new_packets().is_err() {
            return false;
        }
    }
    true
}

#[test]
fn host_name_that_is_not_a_dns_name_is_accepted() {
    let long = "x".repeat(64);
    for hostname in [
        "büro", "pi 4", "my_host", "", "-pi", "a..b", "pi.", &long, "*",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let identity = identity(&folder);
        let extra = ["pi.example".to_owned()];
        identity.ensure(hostname, &extra).unwrap();
        assert!(is_for(&identity, "localhost"), "{hostname}");
        assert!(is_for(&identity, "127.0.0.1"), "{hostname}");
        assert!(is_for(&identity, "pi.example"), "{hostname}");
        assert!(!is_for(&identity, "other.example"), "{hostname}");
    }
}

#[test]
fn valid_names_are_in_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    identity
        .ensure("pi4", &["*.lan.example".to_owned()])
        .unwrap();
    for name in ["pi4", "pi4.local", "localhost", "a.lan.example"] {
        assert!(is_for(&identity, name), "{name}");
    }
}

#[test]
fn unusable_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(&folder);
    let error = identity.ensure("host", &["not a name".to_owned()]);
    assert!(error.unwrap_err().to_string().contains("not a name"));
    fs::write(&identity.key, "nonsense").unwrap();
    let error = identity.ensure("host", &[]).unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    assert!(Identity::in_data_folder(|_| None).is_err());
}
