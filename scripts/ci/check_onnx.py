#!/usr/bin/env python3
"""Holds an exported model against `predict`: onnxruntime alone must give the same probabilities.

  check_onnx.py --model MODEL.safetensors --onnx FILE.onnx [--build build/cpu] [--tolerance 1e-4] [--most 500] RECORD ...

RECORD: WFDB records as the model was trained on (its leads, rate and length), read here by wfdb-python. The hand-crafted
features are those that `predict --json` prints. A filter that is not inside the graph is SciPy's, by the name in the
metadata. Records that predict refuses are counted and left out. Needs onnx, onnxruntime, wfdb, scipy and numpy. Prints
the largest difference; exit status 1 where it exceeds the tolerance.
"""
import argparse
import json
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime
import scipy.signal
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


def filtered(signals, known):
    """(leads, samples) as the graph wants them: docs/export.md, "filter"."""
    if known['normalize'] != 'none':
        raise SystemExit(f"check_onnx: normalize '{known['normalize']}' per record is not written here")
    if known['filter'] in ('inside', 'none'):
        return signals
    if known['filter'] != 'butterworth':
        raise SystemExit(f"check_onnx: no filter '{known['filter']}' here")
    sos = scipy.signal.butter(4, (.5, 45), 'bandpass', fs=float(known['rate_hz']), output='sos')
    return scipy.signal.sosfiltfilt(sos, signals, axis=1)


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
    session = onnxruntime.InferenceSession(str(args.onnx), providers=['CPUExecutionProvider'])
    records, lines = answers(args)
    leads, names, classes = known['leads'].split(','), known['features'].split(','), known['classes'].split(',')
    worst, place, compared, refused = 0.0, '', 0, 0
    for record, line in zip(records, lines):
        if not line.get('classes'):
            refused += 1
            continue
        read = wfdb.rdrecord(record.removesuffix('.hea').removesuffix('.dat'))
        written = [name.upper() for name in read.sig_name]  # PTB-XL writes AVR
        order = [written.index(lead.upper()) for lead in leads]
        inputs = {'signals': filtered(read.p_signal.T[order], known)[None].astype(np.float32)}
        if known['features']:
            values = [line['features'][name] for name in names]
            inputs['features'] = np.array([[np.nan if value is None else value for value in values]], np.float32)
        theirs = session.run(['probabilities'], inputs)[0][0]
        ours = {entry['class']: entry['probability'] for entry in line['classes']}
        difference = float(np.max([abs(float(p) - ours[name]) for name, p in zip(classes, theirs)]))
        if not difference <= worst and not np.isnan(worst):
            worst, place = difference, record
        compared += 1
    if compared == 0:
        raise SystemExit('check_onnx: predict refused every record')
    print(f'{compared} records ({refused} more refused by predict), onnxruntime {onnxruntime.__version__}: largest difference of a probability {worst:.2e}'
          f'{" in " + place if place else ""}')
    if not worst <= args.tolerance:
        raise SystemExit(f'check_onnx: more than {args.tolerance:g}')


if __name__ == '__main__':
    main()
