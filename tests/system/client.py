#!/usr/bin/env python3
"""Asks an agent, over TLS and with the token of SOCKTOP_TOKEN, in the text dialect of socktop 1.60.

It fails, with a line on why, where the agent does not do as it should. `client.py --help` lists what it can ask.
"""

import argparse
import gzip
import json
import os
import random
import socket
import ssl
import sys
import threading
import time

from websockets.sync.client import connect

HOST = "10.99.0.2"
# Whose key it is, is proven elsewhere: here the certificate is taken as it comes.
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def url(port=8443, token=None, scheme="wss", host=HOST):
    token = os.environ.get("SOCKTOP_TOKEN", "") if token is None else token
    return f"{scheme}://{host}:{port}/ws" + (f"?token={token}" if token else "")


def dial(address=None, timeout=10):
    address = address or url()
    tls = TLS if address.startswith("wss") else None
    return connect(address, ssl=tls, open_timeout=timeout, compression=None, ping_interval=None, close_timeout=5)


def ask(agent, request, timeout=10):
    agent.send(request)
    reply = agent.recv(timeout)
    if isinstance(reply, bytes) and reply[:2] == b"\x1f\x8b":
        reply = gzip.decompress(reply)
    return decode_processes(reply) if request == "get_processes" else json.loads(reply)


def fields(message):
    """(number, value) of each field of a protobuf message of varints, floats and lengths."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    at = 0
    while at < len(message):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            length = varint() if key & 7 == 2 else 4
            value, at = message[at:at + length], at + length
        yield key >> 3, value


def decode_processes(message):
    """pid -> name"""
    processes = {}
    for number, value in fields(message):
        if number == 2:
            row = dict(fields(value))
            processes[row[1]] = row.get(2, b"").decode()
    return processes


def first_sample(arguments):
    started = time.monotonic()
    with dial(url(arguments.port, host=arguments.host)) as agent:
        metrics = ask(agent, "get_metrics")
    assert len(metrics["cpu_per_core"]) > 0 and metrics["mem_total"] > 0
    print(f"{1000 * (time.monotonic() - started):.0f} ms")


def refused(arguments):
    """The status line and the body of an answer that is no upgrade."""
    token = os.environ.get("SOCKTOP_TOKEN", "") if arguments.token is None else arguments.token
    with socket.create_connection((HOST, arguments.port), 10) as stream:
        if not arguments.plain:
            stream = TLS.wrap_socket(stream)
        stream.sendall((f"GET /ws?token={token} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        answer = stream.recv(65536)
        if b"content-length" in answer.lower() and b"\r\n\r\n" in answer:
            head, body = answer.split(b"\r\n\r\n", 1)
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            while len(body) < length and (more := stream.recv(65536)):
                body += more
            answer = head + b"\n" + body
    print(answer.decode(errors="replace"))


def served(counts, timeout):
    """Connects and asks one cheap thing; tells apart who was refused and who was dropped."""
    try:
        with dial(timeout=timeout) as agent:
            ask(agent, "get_disks", timeout)
        counts["served"] += 1
    except Exception as error:
        counts["lost"] += 1
        print(f"lost: {type(error).__name__}: {error}", file=sys.stderr)


def storm(arguments):
    """Connects one after the other, each at a random moment around the idle exit after the one before."""
    counts = {"served": 0, "lost": 0}
    random.seed(arguments.seed)
    for _ in range(arguments.connects):
        time.sleep(random.uniform(arguments.least, arguments.most))
        served(counts, 30)
    print(f"{counts['served']} served, {counts['lost']} lost")
    sys.exit(counts["lost"] > 0)


def steady(arguments):
    """Connects at a steady rate, whether or not those before are done, until a file is there."""
    counts = {"served": 0, "lost": 0}
    threads = []
    while not os.path.exists(arguments.until):
        thread = threading.Thread(target=served, args=(counts, 15))
        thread.start()
        threads.append(thread)
        time.sleep(1 / arguments.rate)
    for thread in threads:
        thread.join()
    print(f"{counts['served']} served, {counts['lost']} lost")
    sys.exit(counts["lost"] > 0 or counts["served"] == 0)


def hold(arguments):
    """Stays connected, comes back at once when it is cut off, and says how long it was without samples."""
    worst = 0.0
    samples = 0
    last = None
    while not os.path.exists(arguments.until):
        try:
            with dial(timeout=15) as agent:
                while not os.path.exists(arguments.until):
                    ask(agent, "get_metrics", 15)
                    samples += 1
                    now = time.monotonic()
                    worst = max(worst, now - (last or now))
                    last = now
                    if arguments.ready:
                        open(arguments.ready, "w").close()
                    time.sleep(0.1)
        except Exception as error:
            print(f"cut off: {type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(0.05)
    print(f"{samples} samples, longest gap {worst:.2f} s")
    sys.exit(samples == 0 or worst > arguments.longest)


def snapshot(arguments):
    """Everything that the agent says, as JSON: to be compared with what another one says."""
    address = url(arguments.port, arguments.token, "ws" if arguments.plain else "wss")
    with dial(address) as agent:
        everything = {
            "metrics": ask(agent, "get_metrics"),
            "disks": ask(agent, "get_disks"),
            "processes": ask(agent, "get_processes"),
            "details": {pid: ask(agent, f"get_process_metrics:{pid}") for pid in arguments.pid},
            "journal": {pid: ask(agent, f"get_journal_entries:{pid}") for pid in arguments.pid},
        }
    json.dump(everything, sys.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("first-sample")
    command.add_argument("--port", type=int, default=8443)
    command.add_argument("--host", default=HOST)
    command.set_defaults(call=first_sample)

    command = commands.add_parser("refused")
    command.add_argument("--port", type=int, default=8443)
    command.add_argument("--token")
    command.add_argument("--plain", action="store_true")
    command.set_defaults(call=refused)

    command = commands.add_parser("storm")
    command.add_argument("connects", type=int)
    command.add_argument("--least", type=float, default=0)
    command.add_argument("--most", type=float, default=0)
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(call=storm)

    command = commands.add_parser("steady")
    command.add_argument("--rate", type=float, default=20)
    command.add_argument("--until", required=True)
    command.set_defaults(call=steady)

    command = commands.add_parser("hold")
    command.add_argument("--longest", type=float, default=2)
    command.add_argument("--ready")
    command.add_argument("--until", required=True)
    command.set_defaults(call=hold)

    command = commands.add_parser("snapshot")
    command.add_argument("--port", type=int, default=8443)
    command.add_argument("--token")
    command.add_argument("--plain", action="store_true")
    command.add_argument("--pid", type=int, action="append", default=[])
    command.set_defaults(call=snapshot)

    arguments = parser.parse_args()
    arguments.call(arguments)


if __name__ == "__main__":
    main()
