#!/usr/bin/env python3
"""Tests of bench/cpu_sweep.py: the table that it writes of results that are there. Usage: cpu_sweep_test.py ROOT"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])


def row(op, opponent, seconds, **more):
    return {'op': op, 'shape': 'S', 'workload': True, 'variant': '' if opponent else 'shipped', 'opponent': opponent,
            'device': 'cpu', 'precision': 'fp32', 'temperature': 'hot', 'path': '', 'seconds': seconds, 'spread': 0.01,
            'stable': True, 'flop': 1e6, 'bytes': 1e6, 'gflops': None, 'gbs': None, 'percent_of_roof': 50.0,
            'percent_of_best_opponent': None, 'checked': True, 'note': '', **more}


class Table(unittest.TestCase):
    def write(self, rows):
        results = json.loads((ROOT / 'tests/bench/example_results.json').read_text())
        results['benchmarks'] = rows
        with tempfile.TemporaryDirectory() as folder:
            source, table = pathlib.Path(folder) / 'r.json', pathlib.Path(folder) / 't.md'
            source.write_text(json.dumps(results))
            subprocess.run([ROOT / 'bench/cpu_sweep.py', '--table-only', source, '--table', table], check=True,
                           capture_output=True)
            return table.read_text()

    def test_losses_come_first_worst_first(self):
        text = self.write([row('won', '', 1e-3), row('won', 'oneDNN', 2e-3), row('lost', '', 2e-3),
                           row('lost', 'oneDNN', 1e-3), row('lost', 'Eigen', 3e-3, stable=False),
                           row('beaten', '', 9e-3), row('beaten', 'Eigen', 1e-3)])
        order = [text.index(part) for part in ('## Where we lose', '**beaten**', '**lost**', '## Where we win', '**won**')]
        self.assertEqual(order, sorted(order))
        self.assertIn('oneDNN 1, Eigen 3 ~ | 0.50 | 50 % |', text)
        self.assertIn('Of 3 comparisons ours is slower in 2.', text)
        self.assertIn('PyTorch (not measured)', text)

    def test_what_was_not_timed_is_said(self):
        text = self.write([row('won', '', 1e-3), row('won', 'oneDNN', 2e-3),
                           row('wrong', '', None, checked=False, note='FAILED its check: y')])
        self.assertIn('## Where we lose\n\nNowhere.', text)
        self.assertIn('- ours, wrong at S: FAILED its check: y', text)


if __name__ == '__main__':
    unittest.main()
