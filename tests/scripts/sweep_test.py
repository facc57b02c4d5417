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
        done = self.sweep('write', out, '--data', self.path / 'data', '--apps', APPS, '--cache', self.path / 'cache',
                          '--options', '--epochs 1 --batch-size 16 --threads 1', *arguments)
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
        table = self.sweep('gather', out, '--draws', '20', '--page', out / 'page.html', '--force')
        self.assertEqual(table.returncode, 0, table.stderr)

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

    def assert_refused(self, words, *arguments):
        """One line of error, one of hint, nothing else."""
        result = self.sweep(*arguments)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertRegex(result.stderr, r'\Aerror: .+\nhint: .+\n\Z')
        self.assertIn(words, result.stderr)

    def test_write_refuses_what_train_would(self):
        out = self.path / 'refused'
        place = ['write', out, '--data', self.path / 'data']
        for words, *more in (('--seeds has 0 twice', '--seeds', '0', '1', '0'),
                             ('--tasks has sub twice', '--tasks', 'sub', 'sub'),
                             ('--recipes has best twice', '--recipes', 'best', 'best'),
                             ('--models has s4 twice', '--models', 's4', 's4'),
                             ("--recipe is 'nosuch', expected paper", '--recipes', 'paper', 'nosuch'),
                             ("--recipe is '../x'", '--recipes', '../x'),
                             ("--model is 'nosuch', expected hc_cnn_tn", '--models', 'nosuch'),
                             ('--task own without --labels', '--tasks', 'super', 'own'),
                             ('--seed is -1, expected 0', '--seeds', '0', '-1'),
                             ('unknown option --epochz', '--options', '--epochz 1'),
                             ('does not train', '--options=--help'),
                             ('No closing quotation', '--options', "--init 'x"),
                             ('--out is set by the script', '--options', '--out x'),
                             ('--seed is set by the script', '--options=--seed=3'),
                             ('/nowhere has no program train', '--apps', '/nowhere')):
            with self.subTest(more=more):
                self.assert_refused(words, *place, '--apps', APPS, *more)
        self.assertFalse(out.exists())
        self.assert_refused('/dev/null', 'write', '/dev/null', '--data', self.path / 'data', '--apps', APPS)

    def predictions(self, out, name, folds=(9, 10), shift=0):
        """A file as of `evaluate --predictions`: twelve records in each fold, two classes."""
        rows = ['ecg_id,fold,probability_A,probability_B,label_A,label_B']
        for fold in folds:
            for record in range(12):
                p = ((record * 5 + shift * 7 + fold) % 12 + 0.5) / 12
                rows.append(f'{fold * 100 + record},{fold},{p},{1 - p},{record % 2},{record // 2 % 2}')
        (out / f'{name}.csv').write_text('\n'.join(rows) + '\n')

    def test_a_second_list_keeps_what_has_begun_and_mixes_nothing(self):
        out = self.path / 'again'
        self.write(out, '--seeds', '0', '1')
        self.write(out, '--seeds', '1', '--options=--epochs 2')  # Nothing has begun.
        self.write(out, '--seeds', '0')
        (out / 'paper-super-0').mkdir()
        place = ['write', out, '--data', self.path / 'data', '--apps', APPS]
        self.assert_refused("paper-super-0, made with the options '--recipe paper --model hc_cnn_tn --epochs 1 ",
                            *place, '--options', '--epochs 7')
        self.assertEqual(len(self.write(out, '--seeds', '1', '2', '--recipes', 'paper', 'best')), 5)
        jobs = self.write(out, '--cross-validate')
        self.assertEqual(len(jobs), 11)
        self.assertIn('--only paper-super-0', ''.join(jobs))

    def test_names_of_folders_are_quoted(self):
        out = self.path / "blank 'quote'"
        data = self.path / 'the data'
        data.symlink_to(self.path / 'data')
        done = self.sweep('write', out, '--data', data, '--apps', APPS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((out / 'array.sh').exists())
        self.assertIn('#SBATCH cannot hold the name', done.stdout)
        lines = [line for line in done.stdout.splitlines() if line.startswith('  ') and '#SBATCH' not in line]
        commands = list(map(shlex.split, lines))
        self.assertEqual(commands[0][:-2], shlex.split((out / 'jobs.txt').read_text())[:-2])
        self.assertEqual(commands[0][commands[0].index('--out') + 1], str(out.resolve()))
        self.assertEqual(commands[1][-1], str(out / 'jobs.txt'))
        self.assertEqual(commands[2][1:], ['gather', str(out)])

    def test_gathers_what_the_list_names_and_the_mean_of_seeds(self):
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: nothing was gathered')
        out = self.path / 'gathered'
        self.write(out, '--seeds', '0', '1')
        for seed in (0, 1):
            self.predictions(out, f'paper-super-{seed}', shift=seed)
        self.write(out, '--seeds', '0', '1', '--cross-validate')
        (out / 'mine.csv').write_text('x\n1\n')
        self.predictions(out, 'other-super-0')
        for fold in range(1, 11):
            for seed in (0, 1):
                self.predictions(out, f'paper-fold{fold}-super-{seed}', (fold - 1 or 10, fold), seed)
        done = self.sweep('gather', out, '--draws', '5')
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split(' | ')[0] for line in done.stdout.splitlines() if line.startswith(('| paper', '| other'))]
        self.assertEqual(rows, ['| paper', '| paper'])
        self.assertIn('| paper | super | 2 | 10 | 120 |', done.stdout)
        done = self.sweep('gather', out, '--draws', '5', '--ensemble')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('| paper, mean of 2 | 1 |', done.stdout)
        self.assertIn('| paper, mean of 2 | super | 1 | 10 | 120 |', done.stdout)
        (out / 'page.html').write_text('old')
        self.assert_refused('page.html exists', 'gather', out, '--page', out / 'page.html')
        self.assert_refused('--draws is 0', 'gather', out, '--draws', '0')
        (out / 'paper-super-1.csv').write_text('')
        self.assert_refused('paper-super-1.csv: no predictions', 'gather', out)

    def test_the_mean_has_the_figures_of_the_mean_probabilities(self):
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: nothing was gathered')
        sys.path.insert(0, str(SOURCE / 'scripts/studies'))
        import experiment_table as table
        out = self.path / 'mean'
        self.write(out, '--seeds', '0', '1')
        for seed in (0, 1):
            self.predictions(out, f'paper-super-{seed}', shift=seed)
        first, second = (table.Run(out / f'paper-super-{seed}.csv') for seed in (0, 1))
        auc = table.macro_auc((first.probabilities[10] + second.probabilities[10]) / 2, first.labels[10])
        done = self.sweep('gather', out, '--draws', '5', '--ensemble')
        row = next(line for line in done.stdout.splitlines() if ', mean of 2 ' in line)
        self.assertIn(f'| {auc:.4f} [', row)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
