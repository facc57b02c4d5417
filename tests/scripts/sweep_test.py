#!/usr/bin/env python3
"""sweep_test.py SOURCE BUILD: scripts/sweep.py writes jobs that run by themselves, as a Slurm array would start them, and gathers."""
import importlib.util
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
APPS, SWEEP = BUILD / 'apps', SOURCE / 'scripts/sweep.py'


class SweepTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        subprocess.run([APPS / 'synthesize', '--out', cls.path / 'data', '--records', '120', '--seed', '1'], check=True,
                       stdout=subprocess.DEVNULL)
        (cls.path / 'small.toml').write_text('[model]\nchannels = [4, 8]\nkernels = [3, 3]\nheads = 2\nfeed_forward = 8\n'
                                             'encoder_layers = 1\n')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def sweep(self, *arguments):
        return subprocess.run([sys.executable, SWEEP, *map(str, arguments)], capture_output=True, text=True)

    def write(self, out, *arguments):
        done = self.sweep('write', out, '--data', self.path / 'data', '--apps', APPS, '--cache', self.path / 'cache', '--options',
                          '--epochs 1 --batch-size 16 --threads 1', *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return (out / 'jobs.txt').read_text().splitlines()

    def test_jobs_of_an_array_train_one_run_each(self):
        out = self.path / 'seeds'
        jobs = self.write(out, '--seeds', '0', '1', '--models', 'fcn_wang', '--recipes', 'paper')
        self.assertEqual(len(jobs), 2)
        for number in (1, 2):
            done = subprocess.run(['sh', out / 'array.sh'], env={'SLURM_ARRAY_TASK_ID': str(number), 'PATH': '/usr/bin:/bin'},
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(len(list(out.glob('*.csv'))), number)
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: nothing was gathered')
        table = self.sweep('gather', out, '--draws', '20', '--page', out / 'page.html')
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn('| fcn_wang-paper | 2 |', table.stdout)
        self.assertIn('fcn_wang-paper-super-1', (out / 'page.html').read_text())

    def test_cross_validation_answers_every_record_once(self):
        out = self.path / 'folds'
        jobs = self.write(out, '--cross-validate', '--models', 'fcn_wang')
        self.assertEqual(len(jobs), 10)
        self.assertIn('val_fold = 10, test_fold = 1', (out / 'sweep.toml').read_text())
        for job in jobs[:2]:
            self.assertEqual(subprocess.run(shlex.split(job), capture_output=True).returncode, 0, job)
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: nothing was gathered')
        self.assertIn('| 2 of 10 | | | | | not finished |', self.sweep('gather', out).stdout)
        command = shlex.split(jobs[0])
        whole = subprocess.run([*command[:command.index('--only')], '--jobs', '2'], capture_output=True, text=True)
        self.assertEqual(whole.returncode, 0, whole.stdout + whole.stderr)
        folds = [line.split(',')[1] for line in (out / 'fcn_wang-paper-fold3-super-0.csv').read_text().splitlines()[1:]]
        self.assertEqual(set(folds), {'2', '3'})
        table = self.sweep('gather', out, '--draws', '20')
        self.assertRegex(table.stdout, r'\| fcn_wang-paper \| super \| 1 \| 10 \| 1[12]\d \| 0\.\d+ ')

    def test_says_what_is_wrong(self):
        empty = self.path / 'empty'
        empty.mkdir()
        result = self.sweep('gather', empty)
        self.assertEqual(result.returncode, 1)
        self.assertIn('has no finished run', result.stderr)
        result = self.sweep('write', self.path / 'x', '--data', empty)
        self.assertEqual(result.returncode, 1)
        self.assertIn('has no ptbxl_database.csv', result.stderr)
        self.assertFalse((self.path / 'x').exists())


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
