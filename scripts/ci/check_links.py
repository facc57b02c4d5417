#!/usr/bin/env python3
"""Holds the documents to the tree: every relative link leads to a file or folder, every heading it names exists, and
every path of a script or source that stands in code marks is there.

Usage: check_links.py [ROOT]      exit status 1 with a line for each fault
"""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r'\]\(([^)\s]+)\)')
MARKED = re.compile(r'`((?:[\w.+-]+/)+[\w.+-]+\.(?:h|cpp|cuh|cu|py|sh|md|cmake|toml))')
FENCE = re.compile(r'^```.*?^```', re.MULTILINE | re.DOTALL)
MADE_BY_READERS = ('kernels/square/', 'engine/ops/square')  # docs/add-an-operation.md
ELSEWHERE = re.compile(r'^(https?:|mailto:)')


def anchor(heading):
    """GitHub's name for a heading."""
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    tracked = subprocess.run(['git', '-C', str(root), 'ls-files'], capture_output=True, text=True, check=True)
    files = tracked.stdout.splitlines()
    known = set(files)
    rooms = {path.split('/')[0] for path in files}
    wrong = []
    for path in files:
        if not path.endswith('.md') or path == 'CHANGELOG.md' or not (root / path).is_file():
            continue
        text = FENCE.sub(lambda block: '\n' * block.group(0).count('\n'), (root / path).read_text(encoding='utf-8'))
        for number, line in enumerate(text.splitlines(), 1):
            for target in LINK.findall(line):
                if ELSEWHERE.match(target):
                    continue
                name, _, heading = target.partition('#')
                other = (root / path).parent / name if name else root / path
                if not other.exists():
                    wrong.append(f'{path}:{number}: {target}: no such file')
                elif heading and other.suffix == '.md':
                    names = re.findall(r'^#+ (.*)$', other.read_text(encoding='utf-8'), re.MULTILINE)
                    if heading not in map(anchor, names):
                        wrong.append(f'{path}:{number}: {target}: no such heading')
            for name in MARKED.findall(line):
                if name.split('/')[0] in rooms and name not in known and not name.startswith(
                        MADE_BY_READERS):
                    wrong.append(f'{path}:{number}: `{name}`: no such file')
    for one in wrong:
        print(f'FAULT {one}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
