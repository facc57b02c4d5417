#!/usr/bin/env python3
"""studies_test.py SOURCE BUILD: scripts/studies/experiments.py trains, resumes and leaves alone what is finished; its table and
page (where Python has numpy) have the figures of `evaluate`."""
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
APPS, STUDIES = BUILD / 'apps', SOURCE / 'scripts/studies'
SMALL = 'model = {channels = [4, 8], kernels = [3, 3], heads = 2, feed_forward = 8, encoder_layers = 1}\n'


class StudiesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        subprocess.run([APPS / 'synthesize', '--out', cls.path / 'data', '--records', '80', '--seed', '1'], check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def command(self, name, text, out):
        (self.path / f'{name}.toml').write_text(text)
        return [sys.executable, STUDIES / 'experiments.py', self.path / f'{name}.toml', '--data', self.path / 'data', '--out', out,
                '--apps', APPS, '--device', 'cpu', '--cache', self.path / 'cache', '--jobs', '2']

    def run_list(self, name, text, out):
        return subprocess.run(self.command(name, text, out), capture_output=True, text=True)

    def test_trains_evaluates_and_leaves_alone_what_is_finished(self):
        text = ('[[group]]\nname = "paper"\nseeds = [0, 1]\noptions = "--epochs 1 --batch-size 16"\n' + SMALL +
                '[[group]]\nname = "other"\noptions = "--epochs 1 --batch-size 16"\ntraining = {lr = 0.01}\n' + SMALL)
        out = self.path / 'both'
        first = self.run_list('both', text, out)
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        self.assertEqual(sorted(path.name for path in out.glob('*.csv')),
                         ['other-super-0.csv', 'paper-super-0.csv', 'paper-super-1.csv'])
        self.assertIn('lr = 0.01', (out / 'other-super-0/config.toml').read_text())
        again = self.run_list('both', text, out)
        self.assertEqual((again.returncode, again.stdout), (0, ''))
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: the table and the page were not made')
        made = subprocess.run([sys.executable, STUDIES / 'experiment_table.py', out, '--task', 'super', '--fold', '10', '--base',
                               'paper', '--ensemble', 'all=*', '--draws', '20', '--json', self.path / 'table.json'],
                              capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn('| all (3 runs) |', made.stdout)
        figures = {row['name']: row for row in json.loads((self.path / 'table.json').read_text())}
        subprocess.run([APPS / 'evaluate', '--model', out / 'other-super-0', '--data', self.path / 'data', '--cache',
                        self.path / 'cache', '--draws', '0', '--json', self.path / 'other.json'], check=True, capture_output=True)
        classes = json.loads((self.path / 'other.json').read_text())['classes']
        for name, value in figures['other']['class_auc'].items():
            self.assertTrue(abs(value - classes[name]['auc']) <= 1e-6, (name, value, classes[name]['auc']))
        for kind in ('precision', 'recall', 'f1'):  # With thresholds that the table tunes itself.
            theirs = sum(one[kind] for one in classes.values()) / len(classes)
            self.assertTrue(abs(figures['other'][kind] - theirs) <= 1e-6, (kind, figures['other'][kind], theirs))
        page = subprocess.run([sys.executable, STUDIES / 'paper_page.py', out, '--data', self.path / 'data', '--draws', '20'],
                              capture_output=True, text=True)
        self.assertEqual(page.returncode, 0, page.stderr)
        text = (out / 'paper.html').read_text()
        for words in ('Figure 1', 'Table 2', 'Table 3', 'Figure 3', 'HC-CNN-TN, recipe paper', '0.933'):
            self.assertIn(words, text)

    def test_the_papers_tables_come_from_one_command(self):
        if importlib.util.find_spec('numpy') is None:
            self.skipTest('no numpy: paper.sh was not run')
        command = [(SOURCE / 'scripts/paper.sh').resolve(), '--quick', '--device', 'cpu', '--data', 'data', '--out', 'quick']
        environment = dict(os.environ, APPS=str(APPS.resolve()), PYTHON=sys.executable, XDG_CACHE_HOME=str(self.path / 'home'))
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.path, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        text = (self.path / 'quick/paper.html').read_text()
        for words in ('Synthetic ECGs: no figure here is comparable', 'One epoch of four models', 'one seed', 'no features', ' cores; data'):
            self.assertIn(words, text)

    def test_goes_on_where_it_was_stopped(self):
        text = '[[group]]\nname = "long"\noptions = "--epochs 15 --batch-size 4"\n' + SMALL
        out = self.path / 'long'
        begun = subprocess.Popen(self.command('long', text, out), stdout=subprocess.PIPE, text=True)
        log = out / 'long-super-0/log.csv'
        for _ in range(600):
            if log.exists() and len(log.read_text().splitlines()) > 2:
                break
            time.sleep(0.05)
        begun.send_signal(signal.SIGTERM)
        begun.communicate()
        self.assertEqual(begun.returncode, 1)
        self.assertFalse((out / 'long-super-0.csv').exists())
        done = self.run_list('long', text, out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(log.read_text().splitlines()), 16)
        self.assertIn('--resume', (out / 'long-super-0.log').read_text())

    def test_says_what_is_wrong(self):
        result = self.run_list('wrong', '[[group]]\nname = "a"\nseed = 1\n', self.path / 'wrong')
        self.assertEqual(result.returncode, 1)
        self.assertIn("unknown key 'seed' (known: ", result.stderr)
        self.assertIn('\nhint: ', result.stderr)
        result = self.run_list('failing', '[[group]]\nname = "a"\noptions = "--epochs -1"\n', self.path / 'failing')
        self.assertEqual(result.returncode, 1)
        self.assertIn('a-super-0: failed, see a-super-0.log', result.stdout)
        shell = subprocess.run([SOURCE / 'scripts/paper.sh', '--quik'], capture_output=True, text=True)
        self.assertEqual(shell.returncode, 2)
        self.assertIn("unknown argument '--quik' (known: ", shell.stderr)
        shell = subprocess.run([SOURCE / 'scripts/paper.sh', '--data', self.path / 'data', '--jobs', '0'], capture_output=True, text=True)
        self.assertEqual((shell.returncode, len(shell.stderr.splitlines())), (2, 1))
        self.assertIn("--jobs is '0'", shell.stderr)
        shell = subprocess.run([SOURCE / 'scripts/paper.sh', '--help'], capture_output=True, text=True)
        self.assertEqual(shell.returncode, 0)
        self.assertIn('Usage: scripts/paper.sh', shell.stdout)

    def assert_refused(self, result, words):
        """One line of error, one of hint, nothing else."""
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertRegex(result.stderr, r'\Aerror: .+\nhint: .+\n\Z')
        self.assertIn(words, result.stderr)

    def test_refuses_lists_that_cannot_be_run(self):
        out = self.path / 'refused'
        for text, words in (
                ('', 'has no [[group]]'),
                ('group = []', 'has no [[group]]'),
                ('[group]\nname = "a"', 'group is no list of tables'),
                ('[[group]\n', 'not TOML'),
                ('seeds = [1]\n[[group]]\nname = "a"', "the unknown key 'seeds'"),
                ('[[group]]\nseeds = [0]', 'group 1 has no name'),
                ('[[group]]\nname = 3', 'name is 3'),
                ('[[group]]\nname = "a/b"', "name is 'a/b', expected a text without /"),
                ('[[group]]\nname = "../x"', "name is '../x'"),
                ('[[group]]\nname = ".x"', "name is '.x'"),
                ('[[group]]\nname = "a"\ntasks = "super"', "tasks is 'super', expected a list of at least one text"),
                ('[[group]]\nname = "a"\ntasks = ["../super"]', "a task is '../super'"),
                ('[[group]]\nname = "a"\nseeds = 0', 'seeds is 0, expected a list of at least one integer'),
                ('[[group]]\nname = "a"\nseeds = []', 'seeds is []'),
                ('[[group]]\nname = "a"\nseeds = [true]', 'seeds is [True]'),
                ('[[group]]\nname = "a"\nseeds = [-1]', 'a seed is -1, expected 0 or more'),
                ('[[group]]\nname = "a"\nseeds = [0, 0]', 'names a-super-0 twice'),
                ('[[group]]\nname = "a"\noptions = ["--epochs"]', 'options is '),
                ('[[group]]\nname = "a"\noptions = "--init \'x"', 'No closing quotation'),
                ('[[group]]\nname = "a"\noptions = "--out=x"', '--out is set by the script'),
                ('[[group]]\nname = "a"\noptions = "--val-fold 8"', '--val-fold is set by the script'),
                ('[[group]]\nname = "a"\ndata = 3', 'data is 3, expected a table')):
            with self.subTest(text=text):
                self.assert_refused(self.run_list('refused', text, out), words)
        self.assertFalse(out.exists())
        good = '[[group]]\nname = "a"\n'
        for words, *more in (('--jobs is 0, expected 1 or more', '--jobs', '0'), ('no run of', '--only', 'b*'),
                             ('has no program train', '--apps', '/nowhere'), ('--out ', '--out', '/dev/null')):
            with self.subTest(more=more):
                command = [*self.command('good', good, out), *more]
                self.assert_refused(subprocess.run(command, capture_output=True, text=True), words)
        absent = self.command('absent', good, out)
        (self.path / 'absent.toml').unlink()
        self.assert_refused(subprocess.run(absent, capture_output=True, text=True), 'cannot be read: No such file')

    def test_a_run_is_done_by_one_process_at_a_time(self):
        apps, out = self.path / 'apps', self.path / 'twice'
        apps.mkdir()
        (apps / 'train').write_text('#!/bin/sh\necho $$ > "$(dirname "$0")/pid"\nexec sleep 60\n')
        (apps / 'evaluate').write_text('#!/bin/sh\n')
        for program in apps.iterdir():
            program.chmod(0o755)
        command = [*self.command('twice', '[[group]]\nname = "a"\n', out), '--apps', apps]
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(600):
            if (apps / 'pid').exists() and (apps / 'pid').read_text():
                break
            time.sleep(0.05)
        train = int((apps / 'pid').read_text())
        log = (out / 'a-super-0.log').read_text()
        try:
            for _ in range(2):  # With the first process at work, then killed: its training still is.
                second = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(second.returncode, 1, second.stderr)
                self.assertIn('a-super-0: is being run by another process', second.stdout)
                self.assertEqual((out / 'a-super-0.log').read_text(), log)
                first.kill()
                first.wait()
        finally:
            os.kill(train, signal.SIGKILL)
        (apps / 'train').write_text('#!/bin/sh\nexit 3\n')
        for _ in range(20):  # The system lets go of the lock when it has cleared the killed process away.
            third = subprocess.run(command, capture_output=True, text=True)
            if 'another process' not in third.stdout:
                break
        self.assertIn('a-super-0: failed, see a-super-0.log', third.stdout)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
