# shellcheck shell=bash
# What cases do with a booted machine, "the box", and say of it; whichever way it was booted.
#
# Who sources it says how a command is run there: box COMMAND…

passed=0 failed=0

# Prints a line for what was proven or not; the rest of the case goes on. check "what" command…
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf '  PASS %s\n' "$what"
    else
        failed=$((failed + 1))
        printf '  FAIL %s: %s\n' "$what" "$*"
    fi
}

# Whether the last argument contains the first.
contains() { [[ ${*: -1} == *"$1"* ]]; }
lacks() { [[ ${*: -1} != *"$1"* ]]; }
# Whether the last argument is a number that is not above the first.
at_most() { awk -v most="$1" -v is="$2" 'BEGIN {exit !(is != "" && is <= most)}'; }

# Tries a command until it holds: within SECONDS command…
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

box_sh() { box sh -c "$1"; }

# Writes the rest of its arguments, a line each, to a file in the box.
box_write() {
    local path=$1
    shift
    printf '%s\n' "$@" | box sh -c "mkdir -p \"\$(dirname '$path')\" && cat >'$path'"
}

# Makes the box use a signed repository in its /repositories, and it alone, as a user does.
box_repository() {
    box_write /etc/apt/sources.list.d/socktop.list \
        "deb [signed-by=/repositories/$1/socktop.gpg] file:/repositories/$1 stable main"
    box rm -f /etc/apt/sources.list
    box apt-get update -qq
}
box_apt() { box env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" </dev/null; }

remember_token() {
    SOCKTOP_TOKEN=$(box cat /etc/socktop/token)
    export SOCKTOP_TOKEN
}

is_active() { box systemctl is-active --quiet "$1"; }
is_inactive() { ! is_active "$1"; }
no_agent_runs() { ! box pgrep --exact socktop-agent >/dev/null; }
agent_pid() { box systemctl show --property MainPID --value socktop-agent.service; }
agent_log() { box journalctl --unit socktop-agent.service --output cat --no-pager; }
log_has() { agent_log | grep --quiet --fixed-strings -- "$1"; }
# What the sandbox is worth: 0 is the tightest, 10 is none.
security_score() {
    local line
    line=$(box systemd-analyze security --no-pager socktop-agent.service |
        grep --only-matching 'level for socktop-agent.service: [0-9.]*')
    printf '%s\n' "${line##* }"
}
