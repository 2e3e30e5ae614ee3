#!/usr/bin/python3
"""measure.py - run a command as PostgreSQL's archiver or startup process would, and say what it cost.

measure.py FILE [--cwd DIR] [--limit SECONDS] [--status DIR] [--after COMMAND] [--detached SECONDS] [--warm-mib N]
           COMMAND [NAME...]

COMMAND goes to the shell once for each NAME, in order, with %f replaced by it; once only without names. With
--status, DIR/NAME.ready becomes DIR/NAME.done after each success: what the archiver does in archive_status. --after
is a command for when the clock has stopped. --warm-mib has so much memory touched and freed before it starts: on
a virtual machine memory may have to be had from the host first, which is nobody's work that is measured.

FILE gets one line, separated by tabs: seconds until the last command ended, user and system CPU seconds, peak memory
in KiB. Processes that detach themselves count too: they become children of this one, which waits for them; after
--detached seconds it tells them to end (SIGTERM), as a machine does that is shut down.
Peak memory is the larger of what a single process had resident and of what all of them had at one moment, shared
pages divided among their users; looked at every 200 ms.
"""
import argparse
import ctypes
import mmap
import os
import shlex
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.2


class Costs:
    def __init__(self, limit):
        self.user = self.system = 0.0
        self.peak_kib = 0
        self.deadline = time.monotonic() + limit
        self.sample_at = 0.0

    def reap(self):
        """The status of each process that has ended since the last call, and its costs."""
        ended = {}
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return ended, False
            if pid == 0:
                return ended, True
            ended[pid] = os.waitstatus_to_exitcode(status)
            self.user += usage.ru_utime
            self.system += usage.ru_stime
            self.peak_kib = max(self.peak_kib, usage.ru_maxrss)

    def sleep(self):
        """Until a child ends or the next sample is due."""
        now = time.monotonic()
        if now > self.deadline:
            kill_all()
            sys.exit("measure.py: took longer than allowed")
        if now >= self.sample_at:
            self.peak_kib = max(self.peak_kib, sum(map(resident_kib, descendants(os.getpid()))))
            self.sample_at = time.monotonic() + SAMPLE_SECONDS
        signal.sigtimedwait([signal.SIGCHLD], max(0.0, self.sample_at - time.monotonic()))


def descendants(pid):
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in map(int, f.read().split()):
                    yield child
                    yield from descendants(child)
    except OSError:
        return  # it has ended


def resident_kib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def signal_all(number):
    for pid in list(descendants(os.getpid())):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def kill_all():
    signal_all(signal.SIGKILL)


def run(command, costs):
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ, setsigmask=[])
    while True:
        ended, _ = costs.reap()
        if pid in ended:
            return ended[pid]
        costs.sleep()


def wait_for_detached(costs, seconds):
    end_at = time.monotonic() + seconds
    while costs.reap()[1]:
        if time.monotonic() > end_at:
            signal_all(signal.SIGTERM)
            end_at += 1
        costs.sleep()


def touch_memory(mib):
    """In a process of its own: exec lets a command inherit the peak of this one."""
    pid = os.fork()
    if pid == 0:
        with mmap.mmap(-1, mib << 20) as memory:
            ctypes.memset((ctypes.c_char * len(memory)).from_buffer(memory), 1, mib << 20)
            os._exit(0)
    os.waitpid(pid, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--cwd")
    parser.add_argument("--limit", type=float, default=1800)
    parser.add_argument("--status")
    parser.add_argument("--after")
    parser.add_argument("--detached", type=float, default=20)
    parser.add_argument("--warm-mib", type=int, default=0)
    parser.add_argument("command")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("measure.py: could not become the parent of detached processes")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGTERM, lambda *_: (kill_all(), sys.exit(1)))
    if args.cwd:
        os.chdir(args.cwd)

    if args.warm_mib:
        touch_memory(args.warm_mib)
    costs = Costs(args.limit)
    start = time.monotonic()
    for name in args.names or [""]:
        status = run(args.command.replace("%f", shlex.quote(name)), costs)
        if status != 0:
            kill_all()
            sys.exit(f"measure.py: exit status {status} of: {args.command} {name}")
        if args.status:
            os.rename(f"{args.status}/{name}.ready", f"{args.status}/{name}.done")
    wall = time.monotonic() - start
    if args.after and run(args.after, costs) != 0:
        kill_all()
        sys.exit(f"measure.py: failed: {args.after}")
    wait_for_detached(costs, args.detached)
    with open(args.file, "w") as f:
        f.write(f"{wall:.3f}\t{costs.user:.3f}\t{costs.system:.3f}\t{costs.peak_kib}\n")


main()
