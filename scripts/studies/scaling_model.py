#!/usr/bin/env python3
"""The cost model of docs/scaling.md: how long a training step takes on several GPUs. Nothing here is measured but the
steps of one GPU; what the links reach is assumed.

Usage: scripts/studies/scaling_model.py      prints the tables of the document
"""
import math

GRADIENTS = 4 * 1247685  # bytes: HC-CNN-TN with 5 classes and all features, fp32
BATCH = 64
NORMS = 5  # batch norms, each with two exchanges a step when synchronized
FIXED = 60 * 5e-6  # seconds of a step whatever the batch: 60 launches in a graph, 5 us each
STEPS = {'RTX 3050': 8.01e-3, 'H100': 1.65e-3}  # bf16, batch 64; predicted, measured
# name: bytes per second out of each GPU that a large message reaches, seconds that a small one takes
LINKS = {'NVLink 4': (360e9, 3e-6), 'PCIe 4 x16': (24e9, 5e-6), '100 Gb Ethernet': (11e9, 15e-6)}
PAIRS = (('H100', 'NVLink 4'), ('H100', '100 Gb Ethernet'), ('RTX 3050', 'PCIe 4 x16'), ('RTX 3050', '100 Gb Ethernet'))
GPUS = (1, 2, 4, 8, 16, 32, 64)


def latency(gpus, link):
    return 2 * math.log2(gpus) * LINKS[link][1]


def sum_of_gradients(gpus, link):
    return 2 * (gpus - 1) / gpus * GRADIENTS / LINKS[link][0] + latency(gpus, link)


def computing(gpu, records):
    return FIXED + (STEPS[gpu] - FIXED) * records / BATCH


def step(gpu, link, gpus, records, synchronized):
    exchanges = sum_of_gradients(gpus, link) + (2 * NORMS * latency(gpus, link) if synchronized else 0)
    return computing(gpu, records) + exchanges


def table(title, cell):
    print(f'\n| {title} | ' + ' | '.join(str(gpus) for gpus in GPUS) + ' |\n|---|' + '--:|' * len(GPUS))
    for gpu, link in PAIRS:
        print(f'| {gpu}, {link} | ' + ' | '.join(cell(gpu, link, gpus) for gpus in GPUS) + ' |')


def main():
    print('| sum of gradients, ms | ' + ' | '.join(str(gpus) for gpus in GPUS) + ' |\n|---|' + '--:|' * len(GPUS))
    for link in LINKS:
        print(f'| {link} | ' + ' | '.join(f'{1e3 * sum_of_gradients(gpus, link):.2f}' for gpus in GPUS) + ' |')
    for synchronized, word in ((False, 'local'), (True, 'synchronized')):
        table(f'64 records on each GPU, batch norm {word}: times the records per second of one',
              lambda gpu, link, gpus, s=synchronized: f'{gpus * STEPS[gpu] / step(gpu, link, gpus, BATCH, s):.1f}')
    table('64 records on all, batch norm synchronized: times as fast as one',
          lambda gpu, link, gpus: f'{STEPS[gpu] / step(gpu, link, gpus, BATCH / gpus, True):.2f}')


if __name__ == '__main__':
    main()
