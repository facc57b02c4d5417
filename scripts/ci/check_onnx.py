#!/usr/bin/env python3
"""Holds an exported model against `predict`: onnxruntime alone must give the same probabilities.

  check_onnx.py --model MODEL.safetensors --onnx FILE.onnx [--build build/cpu] [--tolerance 1e-4] [--most 500] RECORD ...

RECORD: WFDB records as the model was trained on (its leads, rate and length), read here by wfdb-python. The hand-crafted
features are those that `predict --json` prints. Without the filter inside the graph only models without a filter can be
compared. Needs onnx, onnxruntime, wfdb and numpy. Prints the largest difference; exit status 1 where it exceeds the
tolerance or a record has no answer.
"""
import argparse
import json
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime
import wfdb

ROOT = pathlib.Path(__file__).resolve().parents[2]


def answers(args):
    """`predict`'s line of JSON for each record, in their order."""
    records = [str(record) for record in args.records[:args.most]]
    done = subprocess.run([str(args.build / 'apps/predict'), '--model', str(args.model), '--json', '-'], text=True,
                          input='\n'.join(records) + '\n', capture_output=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if len(lines) != len(records):
        raise SystemExit(f'check_onnx: predict answered {len(lines)} of {len(records)} records: {done.stderr.strip()[-500:]}')
    return records, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=pathlib.Path, required=True)
    parser.add_argument('--onnx', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    parser.add_argument('--tolerance', type=float, default=1e-4)
    parser.add_argument('--most', type=int, default=500)
    parser.add_argument('records', nargs='+')
    args = parser.parse_args()
    graph = onnx.load(args.onnx)
    onnx.checker.check_model(graph, full_check=True)
    known = {entry.key: entry.value for entry in graph.metadata_props}
    if known['filter'] not in ('inside', 'none'):
        raise SystemExit(f"check_onnx: the filter '{known['filter']}' is not inside the graph (export --filter-inside)")
    session = onnxruntime.InferenceSession(str(args.onnx), providers=['CPUExecutionProvider'])
    records, lines = answers(args)
    leads, names, classes = known['leads'].split(','), known['features'].split(','), known['classes'].split(',')
    worst, place, compared = 0.0, '', 0
    for record, line in zip(records, lines):
        if not line.get('classes'):
            raise SystemExit(f'check_onnx: predict has no answer for {record}')
        read = wfdb.rdrecord(record.removesuffix('.hea').removesuffix('.dat'))
        written = [name.upper() for name in read.sig_name]  # PTB-XL writes AVR
        order = [written.index(lead.upper()) for lead in leads]
        inputs = {'signals': read.p_signal.T[order][None].astype(np.float32)}
        if known['features']:
            values = [line['features'][name] for name in names]
            inputs['features'] = np.array([[np.nan if value is None else value for value in values]], np.float32)
        theirs = session.run(['probabilities'], inputs)[0][0]
        ours = {entry['class']: entry['probability'] for entry in line['classes']}
        difference = max(abs(float(p) - ours[name]) for name, p in zip(classes, theirs))
        if not difference <= worst:
            worst, place = difference, record
        compared += 1
    print(f'{compared} records, onnxruntime {onnxruntime.__version__}: largest difference of a probability {worst:.2e}'
          f'{" in " + place if place else ""}')
    if not worst <= args.tolerance:
        raise SystemExit(f'check_onnx: more than {args.tolerance:g}')


if __name__ == '__main__':
    main()
