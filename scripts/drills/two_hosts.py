#!/usr/bin/env python3
"""Trains by two processes on two machines: two network namespaces with hostnames of their own and one link between them.

Two runs must end with the same bytes, those of two processes on one machine. Then the link is taken down during runs:
the processes must end soon after --rank-timeout, rank 0 with an error that names rank 1, and the run, resumed with the
link up, must come to the same bytes.

Needs root, ip (Debian package iproute2) and Open MPI; ends with status 77 where it may not make namespaces.

Usage: scripts/drills/two_hosts.py [--cuts 3] [--build build/cpu]
"""
import os
import pathlib
import random
import shlex
import shutil
import signal
import subprocess
import time

import common

TIMEOUT = 2  # --rank-timeout
SECONDS = 20  # after a cut, until both processes must have ended
NETWORK = '10.213.77'
ADDRESSES = (f'{NETWORK}.1', f'{NETWORK}.2')

# mpirun calls it in the place of ssh: with the address of a host and the words of a command.
AGENT = """#!/bin/sh
host=$1
shift
case $host in
{cases}
esac
"""


def ip(*words):
    done = subprocess.run(('ip', *words), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f'ip {" ".join(words)}: {done.stderr.strip()}')


class Hosts:
    """Two namespaces, joined by a pair of virtual Ethernet devices; removed at the end, with what runs there."""

    def __init__(self, folder):
        self.names = [f'cg{os.getpid()}{side}' for side in 'ab']
        self.agent = folder / 'agent'
        cases = [f'{address}) exec {self.inside(name)} sh -c "$*" ;;' for name, address in zip(self.names, ADDRESSES)]
        self.agent.write_text(AGENT.format(cases='\n'.join(cases)))
        self.agent.chmod(0o755)

    def inside(self, name):
        return f'ip netns exec {name} unshare --uts sh -c \'hostname {name}; exec "$@"\' sh'

    def make(self):
        """OSError where that may not be."""
        for name in self.names:
            ip('netns', 'add', name)
        a, b = self.names
        ip('link', 'add', a, 'netns', a, 'type', 'veth', 'peer', 'name', b, 'netns', b)
        for name, address in zip(self.names, ADDRESSES):
            ip('-n', name, 'address', 'add', f'{address}/30', 'dev', name)
            ip('-n', name, 'link', 'set', 'lo', 'up')
        self.link('up')
        probe = subprocess.run((self.agent, ADDRESSES[1], 'hostname'), capture_output=True, text=True, check=False)
        if probe.stdout.strip() != b:
            raise OSError(f'no program runs in a namespace: {probe.stderr.strip()}')

    def kill(self):
        for name in self.names:
            for process in self.processes(name):
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def remove(self):
        self.kill()
        for name in self.names:
            subprocess.run(('ip', 'netns', 'delete', name), capture_output=True, check=False)

    def link(self, state):
        """Of the first host; a link that is down on one side is down."""
        for name in self.names if state == 'up' else self.names[:1]:
            ip('-n', name, 'link', 'set', name, state)

    def processes(self, name):
        done = subprocess.run(('ip', 'netns', 'pids', name), capture_output=True, text=True, check=False)
        return [int(word) for word in done.stdout.split()]

    def ranks(self):
        """Processes of `train`."""
        found = []
        for name in self.names:
            for process in self.processes(name):
                try:
                    words = pathlib.Path(f'/proc/{process}/cmdline').read_bytes().split(b'\0')
                except OSError:
                    continue
                if words[0].endswith(b'/train'):
                    found.append(process)
        return found

    def mpirun(self, command):
        """The words that start `command` on both, from the first."""
        return [*shlex.split(self.inside(self.names[0])), 'mpirun', '--allow-run-as-root', '--bind-to', 'none', '-n', '2',
                '--host', ','.join(f'{address}:1' for address in ADDRESSES), '--mca', 'plm_rsh_agent', str(self.agent),
                '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', f'{NETWORK}.0/30',
                '--mca', 'oob_tcp_if_include', f'{NETWORK}.0/30', *command]


class Drill:
    def __init__(self, stage, hosts, rng):
        self.stage = stage
        self.hosts = hosts
        self.rng = rng
        self.faults = 0
        self.longest = 0
        self.seconds = 0

    def fault(self, what, text=''):
        self.faults += 1
        print(f'two hosts: {what}: {text.strip()}', flush=True)

    def models(self, run):
        return [(run / name).read_bytes() for name in common.MODELS]

    def train(self, out, *more):
        return self.stage.command(*self.stage.train(out, '--rank-timeout', TIMEOUT, *more))

    def on_one(self):
        out = self.stage.folder / 'one-host'
        done = subprocess.run(('mpirun', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n', '2',
                               *self.train(out)), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f'two processes fail on one machine: {done.stderr}')
        return self.models(out)

    def on_two(self, out, *more):
        """The models; None, and a fault, where it fails."""
        begin = time.monotonic()
        done = subprocess.run(self.hosts.mpirun(self.train(out, *more)), capture_output=True, text=True, check=False)
        self.seconds = time.monotonic() - begin
        if done.returncode != 0:
            self.fault('a training fails', done.stderr)
            return None
        return self.models(out)

    def cut(self, expected):
        """True where the link went down while both trained."""
        out = self.stage.folder / 'cut'
        errors = self.stage.folder / 'errors'
        with open(errors, 'w', encoding='utf-8') as file:
            launcher = subprocess.Popen(self.hosts.mpirun(self.train(out)), stdout=subprocess.DEVNULL, stderr=file)
        deadline = time.monotonic() + 60
        while not (out / 'last.safetensors').exists() and launcher.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3 * self.rng.random() * self.seconds)
        met = len(self.hosts.ranks()) == 2
        self.hosts.link('down')
        begin = time.monotonic()
        while self.hosts.ranks() and time.monotonic() - begin < SECONDS:
            time.sleep(0.02)
        seconds = time.monotonic() - begin
        left = self.hosts.ranks()
        # mpirun waits for its daemon on the other side, which does not know that it is alone.
        self.hosts.kill()
        launcher.wait()
        text = errors.read_text(encoding='utf-8', errors='replace')
        self.hosts.link('up')
        if met and launcher.returncode == 0:
            met = False  # It had done everything.
        if met:
            self.longest = max(self.longest, seconds)
            if left:
                self.fault(f'{len(left)} processes are left {SECONDS} s after the link went down', text)
            if 'rank 1 of 2 has not answered' not in text:
                self.fault('no error names rank 1', text)
        if self.on_two(out, '--resume') not in (None, expected):
            self.fault('other models after a cut')
        shutil.rmtree(out, ignore_errors=True)
        return met


def main():
    options = common.parser('Trains on two machines that are network namespaces.')
    options.add_argument('--cuts', type=int, default=3, help='3')
    wanted = options.parse_args()
    for program in ('ip', 'mpirun', 'unshare'):
        if shutil.which(program) is None:
            print(f'no {program} here')
            return 77
    with common.Stage(wanted.build, epochs=30) as stage:
        hosts = Hosts(stage.folder)
        try:
            hosts.make()
        except OSError as error:
            hosts.remove()
            print(f'no network namespaces here: {error}')
            return 77
        try:
            drill = Drill(stage, hosts, random.Random(wanted.seed))
            expected = drill.on_one()
            for name in ('first', 'second'):
                if drill.on_two(stage.folder / name) not in (None, expected):
                    drill.fault('other models than those of two processes on one machine')
            met = 0
            for _ in range(2 * wanted.cuts):
                if met < wanted.cuts:
                    met += drill.cut(expected)
        finally:
            hosts.remove()
    print(f'two hosts: two runs compared with one machine; {met} of {wanted.cuts} cuts of the link met a run; all had ended '
          f'after {drill.longest:.1f} s at the latest (--rank-timeout {TIMEOUT}); {drill.faults} faults')
    return 1 if drill.faults or met < min(1, wanted.cuts) else 0


if __name__ == '__main__':
    raise SystemExit(main())
