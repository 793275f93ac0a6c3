#!/usr/bin/env python3
"""Mounts FUSE file systems that never answer, until it is ended: as a dead server of sshfs would.

hung_mount.py FOLDER [COUNT] [USER]: at FOLDER, or with a COUNT at FOLDER/0 and so on; as a server of USER says that it is.
"""

import ctypes
import os
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
folder = sys.argv[1]
places = [folder]
if len(sys.argv) > 2:
    places = [os.path.join(folder, str(number)) for number in range(int(sys.argv[2]))]
user = int(sys.argv[3]) if len(sys.argv) > 3 else 0
devices = []
for place in places:
    os.makedirs(place, exist_ok=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    devices.append(device)
    options = f"fd={device},rootmode=40000,user_id={user},group_id=0,allow_other"
    if libc.mount(b"dead:/srv", place.encode(), b"fuse.sshfs", 0, options.encode()) != 0:
        sys.exit(f"mounting at {place}: {os.strerror(ctypes.get_errno())}")
print("mounted", flush=True)
while True:
    time.sleep(3600)
