#!/usr/bin/env python3
"""release_model_test.py SOURCE BUILD: scripts/release_model.py packs a run so that others can check and use it."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import unittest

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
APPS = BUILD / 'apps'
SMALL = '[model]\nchannels = [4, 8]\nkernels = [3, 3]\nheads = 2\nfeed_forward = 8\nencoder_layers = 1\n'


class ReleaseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = path = pathlib.Path(cls.folder.name)
        (path / 'small.toml').write_text(SMALL)
        for program, *options in (('synthesize', '--out', path / 'data', '--records', '80', '--seed', '1'),
                                  ('train', '--data', path / 'data', '--config', path / 'small.toml', '--epochs', '1', '--batch-size',
                                   '16', '--cache', path / 'cache', '--out', path / 'run')):
            subprocess.run([APPS / program, *options], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def release(self, *options):
        return subprocess.run([sys.executable, SOURCE / 'scripts/release_model.py', self.path / 'run', '--data', self.path / 'data',
                               '--apps', APPS, '--cache', self.path / 'cache', *options], capture_output=True, text=True)

    def test_packs_what_can_be_checked_and_used(self):
        made = self.release('--out', self.path / 'dist', '--name', 'small')
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        with tarfile.open(self.path / 'dist/small.tar.gz') as tar:
            tar.extractall(self.path / 'unpacked', filter='data')
        unpacked = self.path / 'unpacked/small'
        for line in (unpacked / 'SHA256SUMS').read_text().splitlines():
            digest, name = line.split('  ')
            self.assertEqual(digest, hashlib.sha256((unpacked / name).read_bytes()).hexdigest(), name)
        self.assertEqual(sorted(path.name for path in unpacked.iterdir()),
                         ['MODEL.md', 'SHA256SUMS', 'config.toml', 'evaluation.json', 'model.safetensors', 'report'])
        text = (unpacked / 'MODEL.md').read_text()
        figures = json.loads((unpacked / 'evaluation.json').read_text())
        self.assertIn(f'| macro | | {figures["macro"]["auc"]:.3f} [', text)
        self.assertIn('Trained on synthetic ECGs', text)
        config = tomllib.loads((unpacked / 'config.toml').read_text())
        self.assertEqual(config['data']['folder'], 'data')
        self.assertEqual(config['model']['channels'], [4, 8])
        self.assertNotIn(str(self.path), text + json.dumps(figures) + (unpacked / 'config.toml').read_text())
        record = next((self.path / 'data/records100/00000').glob('*.hea')).with_suffix('')
        answer = subprocess.run([APPS / 'predict', '--model', unpacked / 'model.safetensors', '--any-quality', record],
                                capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        again = self.release('--out', self.path / 'dist', '--name', 'small')
        self.assertEqual(again.returncode, 1)
        self.assertIn('is there already', again.stderr)
        self.assertEqual(sorted(path.name for path in (self.path / 'dist').iterdir()), ['small', 'small.tar.gz'])

    def test_a_name_does_not_leave_the_folder(self):
        for name in ('../evil', '.hidden', ''):
            result = self.release('--out', self.path / 'elsewhere', '--name', name)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn('becomes a folder of OUT', result.stderr)
        self.assertFalse((self.path / 'elsewhere').exists())

    def test_says_what_is_missing(self):
        (self.path / 'empty').mkdir()
        result = subprocess.run([sys.executable, SOURCE / 'scripts/release_model.py', self.path / 'empty', '--data', self.path / 'data',
                                 '--out', self.path / 'none'], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn('has no config.toml', result.stderr)
        self.assertFalse((self.path / 'none').exists())


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
