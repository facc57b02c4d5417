#!/usr/bin/env python3
"""Golden values of tests/dsp/filters/butterworth_test.cpp and resample_test.cpp, from SciPy.

Usage: scripts/golden/filters.py  (writes tests/dsp/golden/filters.txt)
One value list per line: name, count, values. Test signals are formulas that the tests repeat.
"""
import os
import numpy as np
from scipy import signal

OUT = os.path.join(os.path.dirname(__file__), '..', '..', 'tests', 'dsp', 'golden', 'filters.txt')
n = np.arange(1000)
x = np.sin(2 * np.pi * 5 * n / 100) + .3 * np.sin(2 * np.pi * .1 * n / 100) + .1 * np.cos(2 * np.pi * 30 * n / 100) + .5
step = np.where(np.arange(151) < 67, -1.5, 2.0)

DESIGNS = [('bandpass', 4, (.5, 45.), 100.), ('bandpass', 3, (.5, 45.), 100.), ('bandpass', 1, (5., 15.), 360.),
           ('bandpass', 2, (8., 20.), 1000.), ('bandpass', 5, (1., 30.), 257.), ('lowpass', 1, 40., 500.),
           ('lowpass', 4, 40., 500.), ('lowpass', 5, 11., 100.), ('highpass', 2, .5, 250.), ('highpass', 3, .67, 128.),
           ('highpass', 6, 5., 100.)]

with open(OUT, 'w') as f:
    def put(name, values):
        values = np.asarray(values, float).ravel()
        f.write(f'{name} {len(values)} ' + ' '.join(f'{v:.13g}' for v in values) + '\n')
    for kind, order, cut, fs in DESIGNS:
        low, high = cut if kind == 'bandpass' else (cut, cut)
        name = f'{kind}_{order}_{low:g}_{high:g}_{fs:g}'
        sos = signal.butter(order, cut, kind, fs=fs, output='sos')
        put('sos_' + name, sos)
        put('zi_' + name, signal.sosfilt_zi(sos))
        put('filt_' + name, signal.sosfilt(sos, x[:150]))
        put('filtfilt_' + name, signal.sosfiltfilt(sos, x[:150]))
        put('step_' + name, signal.sosfiltfilt(sos, step))
    sos = signal.butter(4, (.5, 45.), 'bandpass', fs=100., output='sos')
    put('golden_signal', signal.sosfiltfilt(sos, x))
    put('golden_signal_padlen_200', signal.sosfiltfilt(sos, x, padlen=200))
    put('golden_signal_padlen_0', signal.sosfiltfilt(sos, x, padlen=0))
    for up, down in [(5, 1), (1, 5), (25, 18), (2, 1), (1, 2), (3, 2), (250, 257)]:
        put(f'resample_{up}_{down}', signal.resample_poly(x[:301], up, down))
