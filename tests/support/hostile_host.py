#!/usr/bin/env python3
"""What a local user can do to a host, for tests that watch it: hostile_host.py KIND ARGUMENTS…

Prints a line for each process that it made, and "ready" when all is set up. It goes on until it is killed; what it made
goes with it.
"""

import ctypes
import itertools
import mmap
import os
import select
import signal
import struct
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
MS_BIND = 4096
PAGE = 4096

# Operations of <linux/fuse.h>.
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE = 1, 2, 3, 4, 14, 15, 16
STATFS, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = 17, 18, 25, 26, 36, 42
ENOSYS = 38


def say(*words):
    print(*words, flush=True)


def wait_for_ever():
    while True:
        signal.pause()


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def mount_fuse(path, kind=b"fuse.sshfs"):
    """Mounts a FUSE file system, and gives the descriptor that serves it."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    mount(b"dead:/srv", path, kind, 0, options.encode())
    return device


def hung_mounts(folder, count):
    """File systems whose server never answers."""
    devices = []
    for number in range(int(count)):
        path = os.path.join(folder, f"mount{number}")
        os.mkdir(path)
        devices.append(mount_fuse(path))
    say("ready")
    wait_for_ever()


def mounts(folder, kind, count):
    """So many mounts side by side: of memory, of one folder, or of layers."""
    os.mkdir(folder)
    if kind == "overlay":
        # Its upper layers may not be on another overlay.
        mount(b"tmpfs", folder, b"tmpfs", 0, b"")
    os.mkdir(os.path.join(folder, "lower"))
    for number in range(int(count)):
        path = os.path.join(folder, f"mount{number}")
        os.mkdir(path)
        if kind == "tmpfs":
            mount(b"tmpfs", path, b"tmpfs", 0, b"size=64k")
        elif kind == "bind":
            mount(os.fsencode(os.path.join(folder, "lower")), path, b"", MS_BIND, b"")
        else:
            layers = [os.path.join(folder, f"{name}{number}") for name in ("upper", "work")]
            for layer in layers:
                os.mkdir(layer)
            options = "lowerdir={},upperdir={},workdir={}".format(
                os.path.join(folder, "lower"), *layers
            )
            mount(b"overlay", path, b"overlay", 0, options.encode())
    say("ready")
    wait_for_ever()


def mount(source, path, kind, flags, options):
    if LIBC.mount(source, os.fsencode(path), kind, flags, options) != 0:
        sys.exit(f"mounting at {path}: {os.strerror(ctypes.get_errno())}")


def attributes(inode):
    mode = 0o040755 if inode == 1 else 0o100666
    size = 0 if inode == 1 else PAGE
    return struct.pack("<6Q10I", inode, size, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, PAGE, 0)


def serve(device):
    """A file system of files of a page, that answers everything but WRITE."""
    inodes = {}
    while True:
        try:
            request = os.read(device, 1 << 20)
        except InterruptedError:
            continue
        _, operation, unique, node = struct.unpack_from("<IIQQ", request)

        def reply(body=b"", error=0):
            os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)

        if operation == INIT:
            reply(struct.pack("<4I2H2I2H", 7, 31, PAGE, 0, 12, 10, PAGE, 1, 32, 0) + bytes(28))
        elif operation == LOOKUP:
            inode = inodes.setdefault(request[40:], len(inodes) + 2)
            reply(struct.pack("<4Q2I", inode, 1, 3600, 3600, 0, 0) + attributes(inode))
        elif operation in (GETATTR, SETATTR):
            reply(struct.pack("<Q2I", 3600, 0, 0) + attributes(node))
        elif operation == OPEN:
            reply(struct.pack("<Q2I", 1, 0, 0))
        elif operation == READ:
            reply(bytes(PAGE))
        elif operation in (FLUSH, RELEASE):
            reply()
        elif operation not in (WRITE, FORGET, BATCH_FORGET, INTERRUPT):
            reply(error=-ENOSYS)


def hold_memory_lock(path, comm, ready):
    """Keeps the lock on its own memory map once it gets SIGUSR1: a thread waits for the write-back of a page that it
    wants to write to, and another one for the first, with the lock."""
    die_with_parent()
    LIBC.prctl(PR_SET_NAME, os.fsencode(comm))
    file = os.open(path, os.O_RDWR)
    page = mmap.mmap(file, PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    LIBC.memset(address, 1, 1)
    LIBC.sync_file_range(file, ctypes.c_int64(0), ctypes.c_int64(0), 2)
    # Once the map is locked nothing can be allocated: all that is needed is there before.
    locked = f"locked {os.getpid()}\n".encode()
    go = []
    for call in (lambda: LIBC.memset(address, 2, 1), lambda: LIBC.mprotect(address, PAGE, 1)):
        event = threading.Event()
        go.append(event)
        threading.Thread(
            target=lambda event=event, call=call: (event.wait(), call()), daemon=True
        ).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.write(ready, b"!")
    signal.sigwait([signal.SIGUSR1])
    for event in go:
        event.set()
        time.sleep(0.3)
    os.write(1, locked)
    while True:
        time.sleep(3600)


def hung_memory(folder, comm, count):
    """Processes whose memory map is locked from SIGUSR1 on, until this one ends. Each has a file system of its own: the
    kernel slows down who writes to one that writes nothing back."""
    holders = []
    for number in itertools.count():
        if len(holders) == int(count):
            break
        path = os.path.join(folder, f"mount{number}")
        os.mkdir(path)
        device = mount_fuse(path)
        if os.fork() == 0:
            die_with_parent()
            serve(device)
        os.close(device)
        ready, write_ready = os.pipe()
        holder = os.fork()
        if holder == 0:
            hold_memory_lock(os.path.join(path, "file"), comm, write_ready)
        # Where others write much, the kernel may stop the first writer to a new file system for good.
        if select.select([ready], [], [], 5)[0]:
            say("holder", holder)
            holders.append(holder)
        else:
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)
        os.close(ready)
        os.close(write_ready)

    def lock(*_):
        for holder in holders:
            os.kill(holder, signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, lock)
    say("ready")
    wait_for_ever()


def many_arguments(children, arguments):
    """A process with children of which each has so many empty arguments."""
    say("parent", os.getpid())
    # It stops with its own command line.
    command = ["sh", "-c", "kill -STOP $$", "sh"] + [""] * int(arguments)
    for _ in range(int(children)):
        os.posix_spawn("/bin/sh", command, {})
    say("ready")
    wait_for_ever()


def many_children(count):
    """A process with so many children, which are gone when they are killed: nobody has to wait for them."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say("parent", os.getpid())
    for _ in range(int(count)):
        os.posix_spawn("/bin/sleep", ["sleep", "1000000"], {})
    say("ready")
    wait_for_ever()


def many_users(first, count):
    """So many processes, each of a user of its own from the number `first` on."""
    for number in range(int(count)):
        if os.fork() == 0:
            die_with_parent()
            os.setuid(int(first) + number)
            wait_for_ever()
    say("ready")
    wait_for_ever()


def many_threads(count):
    """A process with so many threads."""
    threading.stack_size(131072)
    for _ in range(int(count)):
        threading.Thread(target=wait_for_ever_in_thread, daemon=True).start()
    say("parent", os.getpid())
    say("ready")
    wait_for_ever()


def wait_for_ever_in_thread():
    select.select([], [], [])


def churn(count, _words):
    """A process with so many children at a time, each of a few milliseconds, that share its command line."""
    say("parent", os.getpid())
    say("ready")
    living = 0
    while True:
        while living < int(count):
            try:
                child = os.fork()
            except BlockingIOError:
                # No process id is free.
                break
            if child == 0:
                time.sleep(0.002 + (os.getpid() % 5) / 1000)
                os._exit(0)
            living += 1
        if living > 0:
            os.wait()
            living -= 1


def named(comm, thread_comm):
    """A process and a thread with these names, whatever its arguments say."""
    LIBC.prctl(PR_SET_NAME, os.fsencode(comm))

    def be_named():
        LIBC.prctl(PR_SET_NAME, os.fsencode(thread_comm))
        say("ready")
        wait_for_ever_in_thread()

    threading.Thread(target=be_named, daemon=True).start()
    wait_for_ever()


KINDS = {
    function.__name__: function
    for function in (
        hung_mounts,
        hung_memory,
        mounts,
        many_arguments,
        many_children,
        many_users,
        many_threads,
        named,
        churn,
    )
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
