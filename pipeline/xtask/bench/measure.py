"""Runs one command and prints what it cost as JSON: wall, user and system seconds, peak memory. Usage: measure.py COMMAND …"""

import json
import os
import sys
import time


def main():
    started = time.monotonic()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"wall": wall, "user": used.ru_utime, "sys": used.ru_stime, "peak_kib": used.ru_maxrss}))
    return code


sys.exit(main())
