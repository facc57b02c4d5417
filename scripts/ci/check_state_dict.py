#!/usr/bin/env python3
"""Takes a model to PyTorch and back: export --state-dict, load_state_dict(strict=True), save in F32, F16, BF16 and F64, import.

  check_state_dict.py --model MODEL.safetensors [--build build/cpu]

Fails unless PyTorch takes the file whole, and the imported model is byte for byte the exported one where the number type
holds every float (F32, F64), and holds exactly the rounded weights where it does not. Needs torch and safetensors.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench/peers'))
from hc_cnn_tn_torch import HcCnnTn  # noqa: E402


def run(args, program, *options):
    done = subprocess.run([str(args.build / 'apps' / program), *map(str, options)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f'check_state_dict: {program} fails: {done.stderr.strip()}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    args = parser.parse_args()
    with safe_open(args.model, 'pt') as file:
        a = json.loads(file.metadata()['cardiograd'])['architecture']
    net = HcCnnTn(a['classes'], a['features'], a['leads'], a['channels'], a['kernels'], a['encoder_layers'], a['heads'],
                  a['feed_forward'], positions=a.get('positions', True), pool=a.get('pool', 'mean'),
                  feature_width=a['feature_width'], head_width=a['head_width'])
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(args, 'export', '--model', args.model, '--state-dict', folder / 'out.safetensors')
        net.load_state_dict(load_file(folder / 'out.safetensors'), strict=True)
        for name, dtype in (('F32', torch.float32), ('F64', torch.float64), ('F16', torch.float16), ('BF16', torch.bfloat16)):
            state = {key: (tensor if tensor.dtype == torch.int64 else tensor.to(dtype)).contiguous()
                     for key, tensor in net.state_dict().items()}
            save_file(state, folder / f'{name}.safetensors')
            run(args, 'import', '--weights', folder / f'{name}.safetensors', '--like', args.model, '--out', folder / f'{name}.model')
            if name in ('F32', 'F64'):
                same = (folder / f'{name}.model').read_bytes() == args.model.read_bytes()
                what = 'the model, byte for byte' if same else 'another model'
            else:
                back = load_file(folder / f'{name}.model')
                same = all(torch.equal(back[key], tensor.float()) for key, tensor in state.items() if tensor.dtype == dtype)
                what = 'the rounded weights' if same else 'other weights'
            print(f'{name}: {what}')
            faults += not same
    sys.exit(1 if faults else 0)


if __name__ == '__main__':
    main()
