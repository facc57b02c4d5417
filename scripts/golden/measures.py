#!/usr/bin/env python3
"""Golden values of the tests of entropies (antropy), wavelets (PyWavelets), spectra (SciPy) and RR statistics (NeuroKit2).

Usage: scripts/golden/measures.py  (writes tests/dsp/golden/measures.txt)
One value list per line: name, count, values. Test signals are in the file or are formulas that the tests repeat.
"""
import os
import antropy
import neurokit2
import numpy as np
import pywt
from scipy import signal

OUT = os.path.join(os.path.dirname(__file__), '..', '..', 'tests', 'dsp', 'golden', 'measures.txt')
n = np.arange(1000)
x = np.sin(2 * np.pi * 5 * n / 100) + .3 * np.sin(2 * np.pi * .1 * n / 100) + .1 * np.cos(2 * np.pi * 30 * n / 100) + .5
noise = np.random.default_rng(42).random(1000)
sine = np.sin(2 * np.pi * np.arange(3000) / 100)
series = {'noise': noise, 'sine': sine, 'mixed': x, 'short': noise[:60], 'ties': np.round(4 * noise[:200])}

with open(OUT, 'w') as f:
    def put(name, values):
        values = np.asarray(values, float).ravel()
        f.write(f'{name} {len(values)} ' + ' '.join(f'{v:.15g}' for v in values) + '\n')
    put('noise', noise)
    for name, s in series.items():
        put('sampen_' + name, antropy.sample_entropy(s, 2, tolerance=.2 * np.std(s)))
        put('apen_' + name, antropy.app_entropy(s, 2, tolerance=.2 * np.std(s)))
        put('pe3_' + name, antropy.perm_entropy(s, 3, 1, normalize=True))
        put('pe4_' + name, antropy.perm_entropy(s, 4, 2, normalize=True))
        coarse = [s[:len(s) // k * k].reshape(-1, k).mean(1) for k in (1, 2, 3)]
        put('mpe_' + name, np.mean([antropy.perm_entropy(c, 3, 1, normalize=True) for c in coarse]))
    for wavelet, levels in (('db4', 4), ('db6', 5)):
        put('taps_' + wavelet, pywt.Wavelet(wavelet).dec_lo)
        for length in (1000, 257, 60):
            for level, values in enumerate(pywt.wavedec(x[:length], wavelet, mode='symmetric', level=levels)[::-1]):
                put(f'wavedec_{wavelet}_{levels}_{length}_{level}', values)
    for segment in (256, 255, 1000, 2):
        frequency, density = signal.welch(x + noise, 100., nperseg=segment)
        put(f'welch_{segment}', density)
        inside = (frequency >= .5) & (frequency <= 45)
        put(f'centroid_{segment}', (frequency * density)[inside].sum() / density[inside].sum() if inside.any() else np.nan)
    peaks = np.cumsum([100, 812, 790, 805, 870, 798, 640, 1010, 805, 799, 760, 941, 700])
    hrv = neurokit2.hrv_time(peaks, sampling_rate=1000)
    put('rr_peaks_ms', peaks)
    put('rr_mean', hrv['HRV_MeanNN'])
    put('rr_median', hrv['HRV_MedianNN'])
    put('rr_rmssd', hrv['HRV_RMSSD'])
