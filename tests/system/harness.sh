# shellcheck shell=bash
# Boots a real systemd in a container with two network namespaces, "client" and "box", for a case in it.
#
# A case sources it under `unshare --mount --propagation private`, calls box_up, and checks. The box runs on an overlay
# in memory that is thrown away: whatever a case breaks in it, the next one finds whole.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
box_address=10.99.0.2
# shellcheck source=lib.sh
source "$here/lib.sh"

# box_up [option of systemd-nspawn…]: boots, and returns when systemd says that it runs.
box_up() {
    # The container sees nothing of the machine's cgroup v1 hierarchies.
    mountpoint --quiet /sys/fs/cgroup && umount --recursive --lazy /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    cgroup=/sys/fs/cgroup/socktop-box.$$
    mkdir "$cgroup"
    echo $$ >"$cgroup/cgroup.procs"
    client_netns=socktop-client-$$ box_netns=socktop-box-$$
    ip netns add "$client_netns"
    ip netns add "$box_netns"
    ip -n "$client_netns" link add veth0 type veth peer name host0 netns "$box_netns"
    ip -n "$client_netns" addr add 10.99.0.1/24 dev veth0
    ip -n "$client_netns" addr add fd99::1/64 dev veth0 nodad
    ip -n "$client_netns" link set veth0 up
    ip -n "$client_netns" link set lo up
    ip -n "$box_netns" addr add "$box_address/24" dev host0
    ip -n "$box_netns" addr add fd99::2/64 dev host0 nodad
    ip -n "$box_netns" link set host0 up
    ip -n "$box_netns" link set lo up
    console=$(mktemp)
    systemd-nspawn --quiet --directory="$SOCKTOP_IMAGE" --volatile=overlay --boot --machine="socktop-$$" \
        --register=no --keep-unit --network-namespace-path="/run/netns/$box_netns" --link-journal=no \
        --system-call-filter=bpf --console=pipe "--bind-ro=$SOCKTOP_REPOSITORIES:/repositories" "$@" \
        </dev/null >"$console" 2>&1 &
    nspawn=$!
    trap box_down EXIT
    if ! within 30 box_is_running; then
        cat "$console"
        return 1
    fi
    # nspawn gives the container a boot id of its own by a mount that is missing from the /proc of a sandboxed service:
    # there `journalctl --boot` would look for another boot.
    while box umount /proc/sys/kernel/random/boot_id 2>/dev/null; do :; done
    box systemctl restart systemd-journald.service
}

box_is_running() {
    local process
    leader=
    kill -0 "$nspawn" 2>/dev/null || return 1
    # The child of nspawn that is process 1 of its namespace and has become systemd.
    for process in $(pgrep --parent "$nspawn" || true); do
        if [[ $(awk '/^NSpid/ {print NF ":" $NF}' "/proc/$process/status" 2>/dev/null) == 3:1 &&
            $(cat "/proc/$process/comm" 2>/dev/null) == systemd ]]; then
            leader=$process
        fi
    done
    [[ -n $leader && $(box systemctl is-system-running 2>/dev/null) == running ]]
}

box_down() {
    # systemd's poweroff.target. A KILL of nspawn would leave the container running.
    [[ -z ${leader:-} ]] || kill -s RTMIN+4 "$leader" 2>/dev/null || true
    for _ in {1..100}; do
        kill -0 "$nspawn" 2>/dev/null || break
        sleep 0.1
    done
    [[ -z ${leader:-} ]] || kill -s KILL "$leader" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    ip netns del "$client_netns"
    ip netns del "$box_netns"
    echo $$ >/sys/fs/cgroup/cgroup.procs
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    rm -f "$console"
}

# Runs a command in the box, or as another machine of its network.
box() { nsenter --target "$leader" --all -- "$@"; }
client() { ip netns exec "$client_netns" "$@"; }

# talk COMMAND…: what client.py says of the agent in the box, asked from the other machine.
talk() { client python3 "$here/client.py" "$@"; }

# A box in which the agent waits for its first client.
box_with_agent() {
    box_up "$@"
    box_repository old
    box_apt install socktop-agent >/dev/null
    box systemctl enable --quiet --now socktop-agent.socket
    remember_token
}

# Ends a case.
finish() {
    printf '%d %d\n' "$passed" "$failed" >"$SOCKTOP_RESULT"
    ((failed == 0))
}
