#!/usr/bin/env python3
"""Mounts a FUSE file system at a folder and never answers it, until it is ended: as a dead server of sshfs would."""

import ctypes
import os
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
if libc.mount(b"dead:/srv", sys.argv[1].encode(), b"fuse.sshfs", 0, options.encode()) != 0:
    sys.exit(f"mounting at {sys.argv[1]}: {os.strerror(ctypes.get_errno())}")
while True:
    time.sleep(3600)
