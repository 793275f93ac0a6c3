#!/usr/bin/env python3
"""Asks an agent, over TLS and with the token of SOCKTOP_TOKEN, in the text dialect of socktop 1.60, and in the native one
what that one does not give.

It fails, with a line on why, where the agent does not do as it should. `client.py --help` lists what it can ask.
"""

import argparse
import gzip
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time

HOST = "10.99.0.2"
# Whose key it is, is proven elsewhere: here the certificate is taken as it comes.
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


class Agent:
    """A WebSocket (RFC 6455) on one thread: two that share a TLS connection lose data now and then."""

    def __init__(self, port=8443, host=HOST, token=None, plain=False, timeout=10, native=False, source=""):
        self.stream = socket.create_connection((host, port), timeout, (source, 0))
        if not plain:
            self.stream = TLS.wrap_socket(self.stream)
        self.received = b""
        token = os.environ.get("SOCKTOP_TOKEN", "") if token is None else token
        name = f"[{host}]" if ":" in host else host
        subprotocol = "Sec-WebSocket-Protocol: socktop.v2\r\n" if native else ""
        self.stream.sendall((f"GET /ws?token={token} HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade\r\n{subprotocol}"
                             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.received:
            self.receive()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        self.head = head.decode()

    def __enter__(self):
        if " 101 " not in self.head.splitlines()[0]:
            raise ConnectionError(self.head.splitlines()[0])
        return self

    def __exit__(self, *_):
        try:
            self.send(0x8, b"\x03\xe8")
            while self.frame()[0] != 0x8:
                pass
        except OSError:
            pass
        self.stream.close()

    def receive(self):
        more = self.stream.recv(65536)
        if not more:
            raise ConnectionError("the agent closed the connection")
        self.received += more

    def take(self, length):
        while len(self.received) < length:
            self.receive()
        taken, self.received = self.received[:length], self.received[length:]
        return taken

    def send(self, kind, data):
        assert len(data) < 126
        # Masked by zeros, which leave it as it is.
        self.stream.sendall(bytes([0x80 | kind, 0x80 | len(data), 0, 0, 0, 0]) + data)

    def frame(self):
        head, length = self.take(2)
        if length == 126:
            length, = struct.unpack(">H", self.take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.take(8))
        return head & 0xF, self.take(length)

    def ask(self, request):
        self.send(0x1, request.encode())
        kind, reply = self.frame()
        if kind not in (0x1, 0x2):
            raise ConnectionError(f"a frame of kind {kind} instead of a reply: {reply!r}")
        if reply[:2] == b"\x1f\x8b":
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


def host_facts(arguments):
    """A line for each of the facts about the host that only the native dialect has."""
    names = {2: "kernel", 3: "os", 4: "model", 5: "architecture", 6: "cpu_model", 7: "cpu_count", 8: "agent_version"}
    with Agent(arguments.port, arguments.host, timeout=arguments.timeout, native=True) as agent:
        # Request {id: 1, host: {}}
        agent.send(0x2, b"\x08\x01\x12\x00")
        reply = dict(fields(agent.frame()[1]))
    # Reply {plain: Body or gzip: its bytes}, Body {host: Host}
    body = dict(fields(reply[2] if 2 in reply else gzip.decompress(reply[3])))
    for number, value in fields(body[2]):
        if number in names:
            print(names[number], value.decode() if isinstance(value, bytes) else value)


def first_sample(arguments):
    started = time.monotonic()
    with Agent(arguments.port, arguments.host, timeout=arguments.timeout) as agent:
        metrics = agent.ask("get_metrics")
    assert len(metrics["cpu_per_core"]) > 0 and metrics["mem_total"] > 0
    print(f"{1000 * (time.monotonic() - started):.0f} ms")


def refused(arguments):
    """The head and the body of an answer that is no upgrade."""
    agent = Agent(arguments.port, token=arguments.token, plain=arguments.plain)
    lengths = [line.split(":")[1] for line in agent.head.splitlines() if line.lower().startswith("content-length:")]
    print(agent.head, agent.take(int(lengths[0])).decode() if lengths else "", sep="\n")


def served(counts, timeout):
    """Connects and asks one cheap thing; distinguishes refused from dropped connections."""
    try:
        with Agent(timeout=timeout) as agent:
            agent.ask("get_disks")
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
            with Agent(arguments.port, arguments.host, timeout=arguments.timeout) as agent:
                while not os.path.exists(arguments.until):
                    agent.ask("get_metrics")
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


def measure(arguments):
    """A client that stays and asks ten times a second, and one that comes anew twice a second: how they are served."""
    until = time.monotonic() + arguments.seconds
    waits = {"stays": [], "comes": []}
    lost = []

    def dial():
        return Agent(timeout=arguments.timeout, source=arguments.source)

    def timed(who, call):
        started = time.monotonic()
        try:
            result = call()
            waits[who].append(1000 * (time.monotonic() - started))
            return result
        except Exception as error:
            lost.append(f"{who}: {type(error).__name__}: {error}")

    def stays():
        with dial() as agent:
            agent.ask("get_metrics")
            while time.monotonic() < until:
                if timed("stays", lambda: agent.ask("get_metrics")) is None:
                    return
                time.sleep(0.1)

    def comes():
        def once():
            with dial() as agent:
                return agent.ask("get_metrics")
        while time.monotonic() < until:
            timed("comes", once)
            time.sleep(0.5)

    threads = [threading.Thread(target=call) for call in (stays, comes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in lost:
        print(f"lost: {line}", file=sys.stderr)
    figures = [len(lost)]
    for who in ("stays", "comes"):
        sorted_waits = sorted(waits[who]) or [float("inf")]
        figures += [len(waits[who])] + [sorted_waits[min(len(sorted_waits) - 1, len(sorted_waits) * part // 100)]
                                        for part in (50, 99, 100)]
    print(" ".join(f"{figure:.0f}" for figure in figures))
    sys.exit(len(lost) > 0)


def snapshot(arguments):
    """Everything that the agent says, as JSON: to be compared with what another one says."""
    with Agent(arguments.port, arguments.host, token=arguments.token, plain=arguments.plain,
               timeout=arguments.timeout) as agent:
        everything = {
            "metrics": agent.ask("get_metrics"),
            "disks": agent.ask("get_disks"),
            "processes": agent.ask("get_processes"),
            "details": {pid: agent.ask(f"get_process_metrics:{pid}") for pid in arguments.pid},
            "journal": {pid: agent.ask(f"get_journal_entries:{pid}") for pid in arguments.pid},
        }
    json.dump(everything, sys.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    # For those that may ask another agent than the box's.
    anywhere = argparse.ArgumentParser(add_help=False)
    anywhere.add_argument("--host", default=HOST)
    anywhere.add_argument("--port", type=int, default=8443)
    anywhere.add_argument("--timeout", type=float, default=10, help="seconds without a byte")

    command = commands.add_parser("first-sample", parents=[anywhere])
    command.set_defaults(call=first_sample)

    command = commands.add_parser("host", parents=[anywhere])
    command.set_defaults(call=host_facts)

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

    command = commands.add_parser("hold", parents=[anywhere])
    command.add_argument("--longest", type=float, default=2)
    command.add_argument("--ready")
    command.add_argument("--until", required=True)
    command.set_defaults(call=hold, timeout=15)

    command = commands.add_parser("measure")
    command.add_argument("--source", default="", help="the address to come from")
    command.add_argument("--seconds", type=float, default=8)
    command.set_defaults(call=measure, timeout=15)

    command = commands.add_parser("snapshot", parents=[anywhere])
    command.add_argument("--token")
    command.add_argument("--plain", action="store_true")
    command.add_argument("--pid", type=int, action="append", default=[])
    command.set_defaults(call=snapshot)

    arguments = parser.parse_args()
    arguments.call(arguments)


if __name__ == "__main__":
    main()
