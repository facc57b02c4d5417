"""Writes docs/kernel-counters.md from what bench/simt_counters counts: memory requests of every CUDA kernel of the op table.

  kernel_counters.py --program build/simt-watch/bench/simt_counters [--json FILE] [--out docs/kernel-counters.md]
  kernel_counters.py --from-json FILE [--out docs/kernel-counters.md]

The first form counts each operation at the shapes of the training step, with the batch reduced (costs/step.py), and keeps the
figures in FILE; the second writes the page from such a file. Takes some minutes on two cores.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from costs.step import REDUCED  # noqa: E402

INTRODUCTION = """# Memory requests of the CUDA kernels

What each kernel asks of memory, counted on the host (`simt/counters.h`) at the shapes of HC-CNN-TN's training step, with the
batch reduced: figures per request do not depend on it. Written by `bench/kernel_counters.py`; do not edit.

- **requests**: memory instructions executed by warps. **wide**: the fraction of them that move 8 or 16 bytes per lane.
- **sectors**: pieces of 32 bytes of device memory that a request touches; in brackets as many as its bytes would fill. A warp's
  4-byte accesses side by side make 4, its 16-byte accesses 16.
- **wavefronts**: passes of shared memory that a request takes; in brackets without bank conflicts (4 bytes: 1, 8: 2, 16: 4).
- **barriers** per block, **warp** functions and **mma** (tensor-core products) per warp.

A `!` stands before every line of source that asks for at least twice what it needs, or for a lane's neighboring words one by one,
with the figures of the first shape where it does.
The figures are exact and repeatable, and they say nothing about time: caches are not modeled, and nvcc may join accesses
that are apart in the source. `simt_counters --op NAME --annotate` shows the source with figures in the margin.
"""


def shape_of(op):
    return next((fields for prefix, fields in REDUCED if op.startswith(prefix)), 'all')


def operations(program):
    """The names, from the program's own list of known ones."""
    refused = subprocess.run([program, '--op', '?'], capture_output=True, text=True)
    known = refused.stderr.split('known are all, ')
    if len(known) != 2:
        raise SystemExit(f'kernel_counters: {program} names no operations: {refused.stderr.strip()}')
    return known[1].strip().split(', ')


def count(program):
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'counters.json'
        for op in operations(program):
            print(op, file=sys.stderr)
            subprocess.run([program, '--op', op, '--shape', shape_of(op), '--json', path], check=True,
                           stdout=subprocess.DEVNULL)
            entries += json.loads(path.read_text())
    return entries


def total(rows, key):
    return sum(row.get(key, 0) for row in rows)


def per(amount, number):
    return f'{amount / number:.1f}' if number else ''


def with_least(rows, key):
    requests = total(rows, 'requests')
    return f'{per(total(rows, key), requests)} ({per(total(rows, "min_" + key), requests)})' if requests else ''


def meetings(kernel, chosen):
    return sum(row['count'] for row in kernel['collectives'] if chosen(row))


def or_blank(text):
    return '' if text in ('0.0', '0', 0) else text


def kernel_row(entry, kernel):
    device = [row for row in kernel['accesses'] if row['memory'] == 'device']
    shared = [row for row in kernel['accesses'] if row['memory'] == 'shared' and row['access'] != 'atomic']
    wide = [row for row in device if row['bytes_per_lane'] >= 8]
    requests = total(device, 'requests')
    warps = kernel['threads'] / 32
    barriers = meetings(kernel, lambda row: row['by'] == 'block')
    products = meetings(kernel, lambda row: row['name'].startswith('mma'))
    warp = meetings(kernel, lambda row: row['by'] == 'warp') - products
    variant = '' if entry['variant'] == 'shipped' else f", {entry['variant']}"
    launches = '' if kernel['launches'] == 1 else f" × {kernel['launches']}"
    cells = (entry['shape'] + variant, f"`{kernel['kernel']}`{launches}", requests or '',
             f"{100 * total(wide, 'requests') / requests:.0f} %" if requests else '', with_least(device, 'sectors'),
             total(shared, 'requests') or '', with_least(shared, 'wavefronts'),
             or_blank(per(barriers, kernel['blocks'])), or_blank(per(warp, warps)), or_blank(per(products, warps)))
    return '| ' + ' | '.join(str(cell).replace('|', '\\|') for cell in cells) + ' |\n'


def section(op, entries):
    parts = [f'\n## {op}\n']
    missing = [entry['shape'] for entry in entries if entry['variant'] == 'shipped' and not entry['kernels']]
    if missing:
        parts.append('\nShipped: cuBLASLt, no kernel of this project.\n')
    rows = [kernel_row(entry, kernel) for entry in entries for kernel in entry['kernels']]
    if rows:
        parts.append('\n| shape | kernel | device requests | wide | sectors | shared requests | wavefronts | barriers | warp '
                     '| mma |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n')
        parts += rows
    findings = {}
    for entry in entries:
        for kernel in entry['kernels']:
            for found in kernel['findings']:
                kind, figures = found['text'].split(':', 1)
                findings.setdefault((found['file'], found['line'], kind), (figures, entry['shape']))
    if findings:
        parts.append('\n')
    for (file, line, kind), (figures, shape) in sorted(findings.items()):
        parts.append(f'- ! `{file}:{line}` {kind}:{figures} (at {shape})\n')
    return ''.join(parts)


def page(entries):
    ops = dict.fromkeys(entry['op'] for entry in entries)
    return INTRODUCTION + ''.join(section(op, [entry for entry in entries if entry['op'] == op]) for op in ops)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--program', help='bench/simt_counters of a build with the preset simt-watch')
    source.add_argument('--from-json', type=pathlib.Path, help='a file that --json has written')
    parser.add_argument('--json', type=pathlib.Path, help='keep the figures there')
    parser.add_argument('--out', type=pathlib.Path, default=pathlib.Path('docs/kernel-counters.md'))
    args = parser.parse_args()
    entries = count(args.program) if args.program else json.loads(args.from_json.read_text())
    if args.json:
        args.json.write_text(json.dumps(entries, indent=1) + '\n')
    args.out.write_text(page(entries))


if __name__ == '__main__':
    main()
