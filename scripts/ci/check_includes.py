#!/usr/bin/env python3
"""Holds the rooms apart: no include runs upward, none in a circle, no room holds more than 28 % of the product's lines
(kernels' earlier versions in ladder/ do not count), no source file has more than 500.

Usage: check_includes.py [ROOT]      prints the lines of each room; exit status 1 with a line for each violation
"""
import pathlib
import re
import subprocess
import sys

# Each room and those that it stands on directly; it may include those and what they stand on. This is the floor plan.
ROOMS = {
    'base': [],
    'ecg': ['base'],
    'evaluation': ['base'],
    'simt': ['base'],
    'kernels': ['base', 'simt'],
    'dsp': ['ecg'],
    'engine': ['kernels'],
    'data': ['dsp'],
    'data/synthetic': ['data'],
    'model': ['engine', 'data', 'evaluation'],
    'report': ['model'],
    'apps': ['report', 'data/synthetic'],
}
MAX_FRACTION = 0.28  # of the product's lines, in one room
MAX_LINES = 500
PRODUCT = ('.h', '.cpp', '.inl', '.cuh', '.cu')
SOURCES = PRODUCT + ('.py', '.sh', '.cmake', '.txt', '.in', '.md')
DATA = re.compile(r'(^|/)golden/.*\.txt$|^docs/kernel-[a-z]+\.md$')  # values and tables that tools write, not sources
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def room_of(path):
    """The innermost room of a file, or None."""
    return max((room for room in ROOMS if path.startswith(room + '/')), key=len, default=None)


def below(room):
    """All rooms that `room` may include: itself and everything it stands on."""
    found, todo = {room}, [room]
    while todo:
        for lower in ROOMS[todo.pop()]:
            if lower not in found:
                found.add(lower)
                todo.append(lower)
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    tracked = subprocess.run(['git', '-C', str(root), 'ls-files'], capture_output=True, text=True, check=True)
    wrong = []
    lines_of = dict.fromkeys(ROOMS, 0)
    includes_of = {}
    for path in tracked.stdout.splitlines():
        if not path.endswith(SOURCES) or DATA.search(path) or not (root / path).is_file():
            continue
        lines = (root / path).read_text(encoding='utf-8').splitlines()
        if len(lines) > MAX_LINES:
            wrong.append(f'{path}: {len(lines)} lines, at most {MAX_LINES} are allowed')
        room = room_of(path)
        if room is None or not path.endswith(PRODUCT):
            continue
        if '/ladder/' not in path:  # earlier versions of kernels are kept to be read, and ship nothing
            lines_of[room] += len(lines)
        allowed = below(room)
        includes_of[path] = []
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            other = room_of(found.group(1))
            if other is None:
                wrong.append(f'{path}:{number}: "{found.group(1)}" is in no room')
            elif other not in allowed:
                wrong.append(f'{path}:{number}: {room}/ includes "{found.group(1)}", which is not below it')
            else:
                includes_of[path].append(found.group(1))

    # A circle within a room: follow the headers' includes.
    state = {}

    def visit(path, trail):
        if state.get(path) == 'done':
            return
        if path in trail:
            wrong.append('circle of includes: ' + ' -> '.join(trail[trail.index(path):] + [path]))
            return
        for other in includes_of.get(path, []):
            visit(other, trail + [path])
        state[path] = 'done'

    for path in includes_of:
        visit(path, [])

    total = sum(lines_of.values())
    for room, lines in sorted(lines_of.items(), key=lambda item: -item[1]):
        print(f'{room:15} {lines:6} lines {100 * lines / total:5.1f} %')
        if lines > MAX_FRACTION * total:
            wrong.append(f'{room}/ holds {100 * lines / total:.1f} % of the lines, at most {100 * MAX_FRACTION:.0f} % are allowed')
    print(f'{"all":15} {total:6} lines')
    for one in wrong:
        print(f'FAULT {one}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
