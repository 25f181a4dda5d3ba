"""Runs one command and prints what it cost as JSON: wall, user and system seconds, peak memory.

Usage: measure.py [--cold DIR | --warm DIR]… COMMAND …. Before the command starts, the system forgets what it holds of the files under DIR in memory,
or has read them all.
"""

import json
import os
import sys
import time
from pathlib import Path


def forget(path):
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(path):
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


PREPARE = {"--cold": forget, "--warm": read}


def main():
    command = sys.argv[1:]
    while command[0] in PREPARE:
        for path in sorted(Path(command[1]).rglob("*")):
            if path.is_file():
                PREPARE[command[0]](path)
        command = command[2:]
    started = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"wall": wall, "user": used.ru_utime, "sys": used.ru_stime, "peak_kib": used.ru_maxrss}))
    return code


sys.exit(main())
