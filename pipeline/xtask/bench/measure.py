"""Runs one command and prints what it cost as JSON: wall, user and system seconds, peak memory.

Usage: measure.py [--cold DIR]… COMMAND …. With --cold the system first forgets what it holds of the files under DIR in memory.
"""

import json
import os
import sys
import time
from pathlib import Path


def forget(folder):
    for path in Path(folder).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    command = sys.argv[1:]
    while command[0] == "--cold":
        forget(command[1])
        command = command[2:]
    started = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"wall": wall, "user": used.ru_utime, "sys": used.ru_stime, "peak_kib": used.ru_maxrss}))
    return code


sys.exit(main())
