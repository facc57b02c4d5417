"""What the drills share: a small synthetic data set, a small model, and a run of them that goes well."""
import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile

CONFIG = """[data]
features = "demographics"
filter = "none"
[model]
channels = [4, 8, 8]
kernels = [5, 3, 3]
encoder_layers = 1
heads = 2
feed_forward = 16
feature_width = 4
head_width = 16
[training]
epochs = {epochs}
batch_size = 8
lr = 0.005
[run]
threads = 1
device = "cpu"
"""
MODELS = ('best.safetensors', 'last.safetensors')


class Stage:
    """A folder with data and configuration, removed at the end."""

    def __init__(self, build, epochs):
        self.programs = pathlib.Path(build) / 'apps'
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='drill-'))
        self.data = self.folder / 'data'
        self.config = self.folder / 'small.toml'
        self.config.write_text(CONFIG.format(epochs=epochs))
        self.good('synthesize', '--records', '60', '--min-per-class', '5', '--seed', '1', '--out', self.data)
        self.whole = self.folder / 'whole'
        self.good(*self.train(self.whole))
        self.models = [(self.whole / name).read_bytes() for name in MODELS]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, program, *arguments):
        return [str(self.programs / program), *map(str, arguments)]

    def start(self, program, *arguments, **settings):
        return subprocess.Popen(self.command(program, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, errors='replace', **settings)

    def run(self, program, *arguments, **settings):
        return subprocess.run(self.command(program, *arguments), capture_output=True, text=True, errors='replace',
                              check=False, timeout=600, **settings)

    def good(self, program, *arguments):
        done = self.run(program, *arguments)
        if done.returncode != 0:
            raise SystemExit(f'{program} fails where nothing is wrong: {done.stderr}')
        return done.stdout

    def train(self, out, *more):
        """The arguments of a training, or of its continuation with --resume."""
        return ('train', '--data', self.data, '--config', self.config, '--out', out, '--no-cache', *more)

    def same_models(self, run):
        return [(run / name).read_bytes() for name in MODELS] == self.models


def refused(done):
    """Ended with one error and one hint, not by a signal."""
    return done.returncode in (1, 2) and done.stderr.count('error: ') == 1 and done.stderr.count('hint: ') == 1


def parser(description):
    options = argparse.ArgumentParser(description=description)
    options.add_argument('--build', default='build/cpu', help='build folder; build/cpu')
    options.add_argument('--seed', type=int, default=0)
    return options


def environment(**more):
    return {**os.environ, 'ASAN_OPTIONS': 'verify_asan_link_order=0', **{key: str(value) for key, value in more.items()}}
