//! Serving on a link-local IPv6 address, in a network namespace of the test's own. Needs root.

use std::process::Command;

use rustix::process::geteuid;

/// Serves at `fe80::1` of lo by the agent $1, once with the name of the interface and once with its number, and asks
/// there. An agent must not outlive the script: it would keep the output open. The zone may be missing in the request: what follows it is the client's affair.
const SCRIPT: &str = r#"
set -eu
ip link set lo up
ip address add fe80::1/64 dev lo nodad
trap 'kill $agent' EXIT
for zone in lo 1; do
    # A log of its own: that of the last agent says that it listens.
    log=log-$zone
    "$1" --listen "[fe80::1%$zone]:3000" 2>$log &
    agent=$!
    until grep -qs 'listens on' $log; do
        kill -0 $agent || { cat $log; exit 1; }
        sleep 0.05
    done
    exec 3<>/dev/tcp/fe80::1%lo/3000
    printf 'GET /healthz HTTP/1.1\r\nhost: [fe80::1]\r\n\r\n' >&3
    head -1 <&3
    exec 3>&-
    kill $agent
    wait $agent
done
trap - EXIT
"#;

#[test]
fn link_local_address_is_served_with_interface_name_or_index() {
    let own_network = Command::new("unshare").args(["-n", "ip", "-V"]).output();
    if !geteuid().is_root() || !own_network.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: a network namespace of its own needs root, unshare and ip");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["-n", "bash", "-c", SCRIPT, "bash"])
        .arg(env!("CARGO_BIN_EXE_socktop-agent"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert_eq!(said.matches("HTTP/1.1 200").count(), 2, "{said}{errors}");
}
