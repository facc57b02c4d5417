#!/usr/bin/env python3
"""Compares the normal beat of two data sets in PTB-XL's layout, lead by lead: Q, R, S and T of the records whose only
diagnosis is NORM. Shows what a synthetic heart has too little or too much of.

Usage: compare_normal_beats.py FIRST SECOND [--records 120] [--apps build/cpu/apps]      needs Python with numpy

Each figure is the median over records of a deflection of the record's median beat, in mV from the PR segment, and in
brackets the 10th percentile (for R) or the 90th of the depth (for Q): FIRST, then SECOND.
"""
import argparse
import ast
import csv
import pathlib
import subprocess
import tempfile

import numpy

BEFORE, AFTER, RATE = 25, 45, 100  # samples about the R peak, samples per second


def normal_records(folder, most):
    with open(folder / 'scp_statements.csv', newline='') as file:
        diagnostic = {next(iter(row.values())) for row in csv.DictReader(file)
                      if row['diagnostic'] not in ('', '0', '0.0')}
    with open(folder / 'ptbxl_database.csv', newline='') as file:
        paths = [folder / row['filename_lr'] for row in csv.DictReader(file)
                 if row['filename_lr'] and set(ast.literal_eval(row['scp_codes'])) & diagnostic == {'NORM'}]
    return paths[:most]


def signal(path):
    """(samples, leads) in mV, and the leads' names."""
    header = path.with_name(path.name + '.hea').read_text().splitlines()
    leads = [line.split() for line in header[1:13]]
    gains = numpy.array([float(lead[2].split('/')[0].split('(')[0]) for lead in leads])
    values = numpy.fromfile(path.with_name(path.name + '.dat'), '<i2').reshape(-1, len(leads))
    return values / gains, [lead[-1] for lead in leads]


def r_peaks(paths, apps):
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / 'fiducials.csv'
        subprocess.run([apps / 'features', '--fiducials', table, *paths], check=True, stdout=subprocess.DEVNULL)
        peaks = {}
        with open(table, newline='') as file:
            for row in csv.DictReader(file):
                if row['lead'] == 'all' and row['r_peak_s']:
                    peaks.setdefault(pathlib.Path(row['record']).name, []).append(float(row['r_peak_s']))
    return peaks


def median_beats(folder, most, apps):
    paths = normal_records(folder, most)
    peaks = r_peaks(paths, apps)
    beats = []
    for path in paths:
        values, names = signal(path)
        at = [round(time * RATE) for time in peaks.get(path.name, [])]
        cuts = [values[i - BEFORE:i + AFTER] for i in at if BEFORE < i < len(values) - AFTER]
        if len(cuts) >= 4:
            beat = numpy.median(cuts, 0)
            beats.append(beat - numpy.median(beat[11:17], 0))
    return numpy.array(beats), names


def deflections(beats):
    """Q, R, S, T of one lead, (records, samples) each."""
    qrs = beats[:, 20:34]
    peak = qrs.argmax(1)
    q = numpy.array([min(0, beat[:i + 1].min()) for beat, i in zip(qrs, peak)])
    s = numpy.array([min(0, beat[i:].min()) for beat, i in zip(qrs, peak)])
    t = beats[:, 40:68]
    return q, qrs.max(1), s, numpy.where(abs(t.max(1)) > abs(t.min(1)), t.max(1), t.min(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('first', type=pathlib.Path)
    parser.add_argument('second', type=pathlib.Path)
    parser.add_argument('--records', type=int, default=120)
    parser.add_argument('--apps', type=pathlib.Path, default=pathlib.Path('build/cpu/apps'))
    a = parser.parse_args()
    sets = [median_beats(folder, a.records, a.apps) for folder in (a.first, a.second)]
    print(f'records: {len(sets[0][0])}, {len(sets[1][0])}')
    for lead, name in enumerate(sets[0][1]):
        (q, r, s, t), (q2, r2, s2, t2) = (deflections(beats[:, :, lead]) for beats, _ in sets)
        print(f'{name:4} Q {numpy.median(q):5.2f} {numpy.median(q2):5.2f} '
              f'({numpy.percentile(q, 10):5.2f} {numpy.percentile(q2, 10):5.2f})   '
              f'R {numpy.median(r):5.2f} {numpy.median(r2):5.2f} '
              f'({numpy.percentile(r, 10):5.2f} {numpy.percentile(r2, 10):5.2f})   '
              f'S {numpy.median(s):5.2f} {numpy.median(s2):5.2f}   T {numpy.median(t):5.2f} {numpy.median(t2):5.2f}')


if __name__ == '__main__':
    main()
