#!/usr/bin/env python3
"""Compares two answers of `client.py snapshot`, of the sandboxed agent and of one without a sandbox.

compare.py SANDBOXED CONTROL PID HOME_BYTES prints a line each: true or false, what was compared, the values. With --whole for the last it says
by its exit status alone whether the details of PID are the same.
"""

import json
import sys

# Of a process of another user these need a privilege; unknown must not look like a number.
PRIVILEGED = ["fd_count", "read_bytes", "write_bytes", "working_directory", "executable_path"]
# What a process is, as opposed to what it has used so far.
STEADY = ["pid", "name", "command", "parent_pid", "user_id", "group_id", "start_time", "status", "thread_count",
          "virtual_mem_bytes"]


def is_name(sandboxed, whole):
    """The kernel gives 15 bytes of a name. Who may not read the path of the program has these alone."""
    return sandboxed == whole or len(sandboxed.encode()) == 15 and whole.startswith(sandboxed)


def by_name(items):
    return {item["name"]: item for item in items}


def comparisons(sandboxed, control, pid, home_bytes):
    ours, theirs = sandboxed["metrics"], control["metrics"]
    for key in ["hostname", "mem_total", "swap_total", "cpu_temp_c", "gpus"]:
        yield key, ours[key], theirs[key], ours[key] == theirs[key]
    yield "a temperature", ours["cpu_temp_c"], 48.312, abs((ours["cpu_temp_c"] or 0) - 48.312) < 0.01
    yield "CPU cores", len(ours["cpu_per_core"]), len(theirs["cpu_per_core"]), \
        len(ours["cpu_per_core"]) == len(theirs["cpu_per_core"]) > 0
    near = abs(ours["mem_used"] - theirs["mem_used"]) < 0.1 * theirs["mem_total"]
    yield "mem_used", ours["mem_used"], theirs["mem_used"], near
    ours_interfaces, their_interfaces = by_name(ours["networks"]), by_name(theirs["networks"])
    yield "interfaces", sorted(ours_interfaces), sorted(their_interfaces), \
        sorted(ours_interfaces) == sorted(their_interfaces) and "host0" in ours_interfaces
    yield "bytes received", ours_interfaces["host0"]["received"], their_interfaces["host0"]["received"], \
        0 < ours_interfaces["host0"]["received"] <= their_interfaces["host0"]["received"]

    disks = [[(disk["name"], disk["total"]) for disk in answer["disks"]] for answer in (sandboxed, control)]
    yield "disks and their sizes", *disks, disks[0] == disks[1]
    yield "no credential among the disks", disks[0], "", "credentials" not in json.dumps(sandboxed["disks"])
    yield "the size of /home", [total for _, total in disks[0]], home_bytes, home_bytes in [total for _, total in disks[0]]

    ours_pids, their_pids = sandboxed["processes"], control["processes"]
    # Both lists were taken a moment apart: short-lived processes apart, they are the same.
    shared = set(ours_pids) & set(their_pids)
    yield "processes", len(ours_pids), len(their_pids), len(shared) >= 0.8 * len(their_pids) and pid in shared
    names = {one: (ours_pids[one], their_pids[one]) for one in shared if not is_name(ours_pids[one], their_pids[one])}
    yield "names of processes", names, "", not names

    for one in [pid, "1"]:
        mine, other = sandboxed["details"][one]["process"], control["details"][one]["process"]
        for key in STEADY:
            yield f"{key} of process {one}", mine[key], other[key], mine[key] == other[key]
        for key in PRIVILEGED:
            unknown = mine[key] in (None, "", 0)
            yield f"{key} of process {one}", mine[key], other[key], unknown or mine[key] == other[key]
        lines = [[entry["message"] for entry in answer["journal"][one]["entries"]][-1:] for answer in (sandboxed, control)]
        yield f"the journal of process {one}", *lines, lines[0] == lines[1] != []


def main():
    sandboxed, control = (json.load(open(path)) for path in sys.argv[1:3])
    pid = sys.argv[3]
    if "--whole" in sys.argv[4:]:
        mine, other = (answer["details"][pid]["process"] for answer in (sandboxed, control))
        wrong = {key: (mine[key], other[key]) for key in STEADY + PRIVILEGED if mine[key] != other[key]}
        print(wrong or "", end="", file=sys.stderr)
        sys.exit(bool(wrong))
    for what, ours, theirs, holds in comparisons(sandboxed, control, pid, int(sys.argv[4])):
        print(str(holds).lower(), what, f"sandboxed {ours!r}, control {theirs!r}", sep="\t")


if __name__ == "__main__":
    main()
