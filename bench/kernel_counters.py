"""Writes docs/kernel-counters.md from what bench/simt_counters counts: memory requests of every CUDA kernel of the op table.

  cmake --preset simt-watch && cmake --build --preset simt-watch --target simt_counters
  bench/kernel_counters.py --program build/simt-watch/bench/simt_counters [--json FILE] [--out docs/kernel-counters.md]
  bench/kernel_counters.py --from-json FILE [--out docs/kernel-counters.md]

The second line counts each operation at the shapes of the training step, with the batch reduced (costs/step.py), and keeps the
figures in FILE; the third writes the page from such a file. Takes some minutes on two cores. Exit status 1, and no page, where a
shipped kernel asks for more than LIMITS allow and bench/counter_deviations.toml does not say why.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
from costs import predict, step  # noqa: E402
from costs.step import REDUCED, machine_name  # noqa: E402
from sass.gpus import Gpus  # noqa: E402

# What a shipped kernel may ask for, per each one needed, without a reason in counter_deviations.toml. Bytes: of kernels that
# DRAM limits on PREDICTED_FOR, against every byte that the launch touches, once.
LIMITS = {'sectors': 1.1, 'wavefronts': 1.0, 'bytes': 1.5}
WORDS = {'sectors': 'sectors of device memory', 'wavefronts': 'wavefronts of shared memory', 'bytes': 'bytes of device memory'}
PREDICTED_FOR = 'rtx-3050-8gb'
SECTOR = 32

INTRODUCTION = """# Memory requests of the CUDA kernels

What each kernel asks of memory, counted on the host (`simt/counters.h`) at the shapes of HC-CNN-TN's training step, with the
batch reduced: figures per request do not depend on it. Of the LSTMs, which are no part of that step, 4 of 250 samples are
counted: each is a launch of its own, like the one before. In tf32 and bf16 the shipped kernels alone are counted. Written by
`bench/kernel_counters.py` with the preset `simt-watch` (its head has the commands); do not edit.

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


def count_rounded(costs):
    """Likewise of the shipped kernels that the step has in tf32 and bf16 in place of others; of each shape what is counted once."""
    calls = [(row['op'], row['fields'], row['shape']) for row in costs['operations'] if {'tf32', 'bf16'} & set(row['shape'].split())]
    return list({(entry['op'], entry['shape']): entry for entry in step.count_all(BENCH.parent, calls)}.values())


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


def ratios(kernel):
    """What a kernel asks for, per each one needed, by the names of LIMITS; None where it asks for none."""
    device = [row for row in kernel['accesses'] if row['memory'] == 'device']
    shared = [row for row in kernel['accesses'] if row['memory'] == 'shared' and row['access'] != 'atomic']
    touched = SECTOR * sum(region['read_sectors'] + region['written_sectors'] for region in kernel['footprint'])
    pairs = {'sectors': (total(device, 'sectors'), total(device, 'min_sectors')),
             'wavefronts': (total(shared, 'wavefronts'), total(shared, 'min_wavefronts')),
             'bytes': (total(device, 'bytes'), touched)}
    return {name: asked / needed if needed else None for name, (asked, needed) in pairs.items()}


def limited_by_memory(costs, gpus):
    """{(operation, kernel)}: those of bench/kernel_costs.json that DRAM limits at one of the step's shapes."""
    return {(row['op'], kernel['kernel']) for row in costs['operations'] for kernel in row.get('kernels', [])
            if predict.of_launches(kernel, gpus, PREDICTED_FOR)[1] == 'DRAM'}


def deviations(entries, by_memory):
    """{(operation, kernel, name of LIMITS): (the worst ratio, its shape)} of shipped kernels beyond the limits."""
    found = {}
    for entry in entries:
        for kernel in entry['kernels'] if entry['variant'] == 'shipped' else []:
            for name, ratio in ratios(kernel).items():
                key = (entry['op'], machine_name(kernel['kernel']), name)
                held = name != 'bytes' or key[:2] in by_memory
                if held and ratio is not None and not ratio <= LIMITS[name] * 1.005 and not ratio <= found.get(key, (0, ''))[0]:
                    found[key] = (ratio, entry['shape'])
    return found


def why(reasons, op, kernel, name):
    """The reason for a deviation: that of the operation's kernel, or of the kernel whatever its template arguments."""
    for key in (f'{op}: {kernel}', kernel, kernel.split('<')[0]):
        if name in reasons.get(key, {}):
            return reasons[key][name]
    return None


def deviation_section(found, reasons):
    missing = [f'{op}: {kernel}: {found[op, kernel, name][0]:.2f} {WORDS[name]} for each one needed, and no reason in '
               'bench/counter_deviations.toml' for op, kernel, name in sorted(found) if not why(reasons, op, kernel, name)]
    if missing:
        raise SystemExit('\n'.join(f'kernel_counters: {line}' for line in missing))
    parts = ['\n## Where shipped kernels ask for more than they need\n\n'
             f'Beyond {LIMITS["sectors"]} sectors for each one that the bytes would fill, or any bank conflict; and, of kernels that '
             f'DRAM limits on an\nRTX 3050, beyond {LIMITS["bytes"]} bytes for each one that the launch touches.\n\n']
    if not found:
        return parts[0] + 'None does.\n'
    parts.append('| operation | kernel | asks, for each one needed | at | why |\n|---|---|--:|---|---|\n')
    for (op, kernel, name), (ratio, shape) in sorted(found.items()):
        parts.append(f'| {op} | `{kernel}` | {ratio:.2f} {WORDS[name]} | {shape} | {why(reasons, op, kernel, name)} |\n')
    return ''.join(parts)


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


def page(entries, by_memory, reasons):
    ops = dict.fromkeys(entry['op'] for entry in entries)
    sections = [section(op, [entry for entry in entries if entry['op'] == op]) for op in ops]
    return INTRODUCTION + deviation_section(deviations(entries, by_memory), reasons) + ''.join(sections)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--program', help='bench/simt_counters of a build with the preset simt-watch')
    source.add_argument('--from-json', type=pathlib.Path, help='a file that --json has written')
    parser.add_argument('--json', type=pathlib.Path, help='keep the figures there')
    parser.add_argument('--out', type=pathlib.Path, default=pathlib.Path('docs/kernel-counters.md'))
    args = parser.parse_args()
    costs = json.loads((BENCH / 'kernel_costs.json').read_text())
    entries = count(args.program) + count_rounded(costs) if args.program else json.loads(args.from_json.read_text())
    step.expect_own_folder(BENCH.parent, 'kernel_counters', entries)
    if args.json:
        args.json.write_text(json.dumps(entries, indent=1) + '\n')
    by_memory = limited_by_memory(costs, Gpus(BENCH / 'gpus.toml'))
    args.out.write_text(page(entries, by_memory, tomllib.loads((BENCH / 'counter_deviations.toml').read_text())))


if __name__ == '__main__':
    main()
