#!/usr/bin/env python3
"""Runs the commands of a document and compares what they print with what the document shows.

Usage: run_console.py DOCUMENT.md [--build FOLDER] [--list]

Every block fenced as ```console is read: a line that begins with "$ " is a command (a trailing backslash continues it on
the next line), the lines below it, up to the next command, are its output. All commands of a document run in one folder
that holds nothing but build/cpu, a link to the build folder, and is removed afterwards. A command that exits with another
status than 0 fails the document.

In the output shown, a line "..." stands for any number of lines, "..." within a line for any text, and runs of blanks are
equal. A command without output below it may print anything.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read_commands(text):
    """A list of (line number, command, lines of output)."""
    commands = []
    inside = continued = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line.strip() == "```console"
            continued = False
        elif not inside:
            continue
        elif continued:
            commands[-1][1] = commands[-1][1][:-1] + line
            continued = line.endswith("\\")
        elif line.startswith("$ "):
            commands.append([number, line[2:], []])
            continued = line.endswith("\\")
        elif commands:
            commands[-1][2].append(line)
    return commands


def matches(expected, printed):
    """True when the lines printed fit the lines expected."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
            continue
        words = " ".join(line.split())
        pattern += ".*?".join(re.escape(part) for part in words.split("...")) + "\n"
    text = "".join(" ".join(line.split()) + "\n" for line in printed)
    return re.fullmatch(pattern, text) is not None


def run(document, build):
    commands = read_commands(document.read_text())
    if not commands:
        print(f"{document}: no command in a console block", file=sys.stderr)
        return 1
    failed = 0
    with tempfile.TemporaryDirectory(prefix="cardiograd-console-") as name:
        folder = pathlib.Path(name)
        (folder / "build").mkdir()
        (folder / "build" / "cpu").symlink_to(build)
        environment = dict(os.environ, XDG_CACHE_HOME=str(folder / ".cache"))
        for number, command, expected in commands:
            print(f"{document.name}:{number}: $ {command}", flush=True)
            done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace")
            printed = done.stdout.rstrip("\n").split("\n") if done.stdout.strip() else []
            while expected and not expected[-1].strip():
                expected.pop()
            fault = None
            if done.returncode != 0:
                fault = f"exit status {done.returncode}"
            elif expected and not matches(expected, printed):
                fault = "another output than the document shows"
            if fault is None:
                continue
            failed += 1
            print(f"{document}:{number}: {fault}", file=sys.stderr)
            if expected:
                print("--- the document shows\n" + "\n".join(expected), file=sys.stderr)
            print("--- printed\n" + "\n".join(printed), file=sys.stderr)
    print(f"{document.name}: {len(commands) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "cpu", help="default: build/cpu")
    parser.add_argument("--list", action="store_true", help="print the commands, run nothing")
    options = parser.parse_args()
    if not options.document.is_file():
        raise SystemExit(f"run_console.py: {options.document}: no such document")
    if options.list:
        for number, command, _ in read_commands(options.document.read_text()):
            print(f"{number}: {command}")
        return 0
    if shutil.which("bash") is None:
        raise SystemExit("run_console.py: bash is missing")
    if not (options.build / "apps").is_dir():
        raise SystemExit(f"run_console.py: {options.build}/apps is not there: build the preset cpu, or give --build")
    return run(options.document, options.build.resolve())


if __name__ == "__main__":
    sys.exit(main())
