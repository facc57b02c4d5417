"""Golden values of optimizers, gradient clipping and learning-rate schedules from PyTorch.

Usage: optim.py [OUT.json]      (default: tests/engine/golden/optim.json)

"optimizers": cases {name, algorithm, learning_rate, betas, eps, weight_decay, parameters: [step][tensor][values] with
step 0 the initial ones, gradients: [step][tensor][values] as given to each step, learning_rates: [step]}, in double
precision.
"clip_grad_norm": cases {max_norm, gradients, total_norm, clipped}.
"cosine_annealing": cases {learning_rate, epochs, minimum, learning_rates: of epoch 0 ... epochs}.
"one_cycle": cases {max_learning_rate, total_steps, learning_rates, beta1s: in force at step 0 ... total_steps - 1},
cosine, PyTorch's defaults (pct_start 0.3, div_factor 25, final_div_factor 1e4, momentum 0.85 to 0.95).
"""
import argparse
import json
import pathlib

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = [(7,), (5, 3), (1,)]


def values(tensors):
    return [t.detach().double().flatten().tolist() for t in tensors]


def random_tensors(rng, scale):
    """Multiples of 1/1024: float32 holds them exactly."""
    return [torch.tensor(np.round(rng.normal(size=s) * scale * 1024) / 1024) for s in SHAPES]


def optimizer_case(name, make, steps=10, scheduler=None, **settings):
    rng = np.random.default_rng(3)
    params = [p.requires_grad_() for p in random_tensors(rng, 1.0)]
    optimizer = make(params, **settings)
    schedule = scheduler(optimizer) if scheduler else None
    out = {'name': name, 'algorithm': type(optimizer).__name__.lower(), 'learning_rate': optimizer.defaults['lr'],
           'betas': optimizer.defaults['betas'], 'eps': optimizer.defaults['eps'],
           'weight_decay': optimizer.defaults['weight_decay'], 'parameters': [values(params)], 'gradients': [],
           'learning_rates': []}
    for step in range(steps):
        # From large to tiny, and a tensor that goes without gradient signal for a while.
        grads = random_tensors(rng, 10.0 ** (1 - step % 4))
        if step < 3:
            grads[2].zero_()
        for p, g in zip(params, grads):
            p.grad = g.clone()
        out['gradients'].append(values(grads))
        out['learning_rates'].append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        if schedule:
            schedule.step()
        out['parameters'].append(values(params))
    return out


def clip_case(max_norm, scale):
    params = [p.requires_grad_() for p in random_tensors(np.random.default_rng(5), 1.0)]
    grads = random_tensors(np.random.default_rng(6), scale)
    for p, g in zip(params, grads):
        p.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm)
    return {'max_norm': max_norm, 'gradients': values(grads), 'total_norm': norm.item(),
            'clipped': values([p.grad for p in params])}


def one_cycle_case(max_lr, total_steps):
    param = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([param], lr=max_lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps=total_steps)
    lrs, betas = [], []
    for step in range(total_steps):
        lrs.append(optimizer.param_groups[0]['lr'])
        betas.append(optimizer.param_groups[0]['betas'][0])
        optimizer.step()
        if step + 1 < total_steps:
            schedule.step()
    return {'max_learning_rate': max_lr, 'total_steps': total_steps, 'learning_rates': lrs, 'beta1s': betas}


def cosine_case(lr, epochs, minimum):
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, eta_min=minimum)
    lrs = [optimizer.param_groups[0]['lr']]
    for _ in range(epochs):
        optimizer.step()
        schedule.step()
        lrs.append(optimizer.param_groups[0]['lr'])
    return {'learning_rate': lr, 'epochs': epochs, 'minimum': minimum, 'learning_rates': lrs}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/engine/golden/optim.json', type=pathlib.Path)
    out = parser.parse_args().out
    adam, adamw = torch.optim.Adam, torch.optim.AdamW
    golden = {
        'optimizers': [
            optimizer_case('adam, defaults of the paper', adam, lr=3e-4),
            optimizer_case('adam, weight decay', adam, lr=1e-2, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
            optimizer_case('adamw', adamw, lr=1e-3, weight_decay=0.01),
            optimizer_case('adamw, cosine per step', adamw, lr=1e-2, betas=(0.9, 0.99), weight_decay=0.1,
                           scheduler=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10)),
        ],
        'clip_grad_norm': [clip_case(0.25, 1.0), clip_case(1.0, 10.0), clip_case(100.0, 1.0), clip_case(0.25, 0.0)],
        'cosine_annealing': [cosine_case(3e-4, 15, 0.0), cosine_case(1e-2, 15, 1e-4)],
        'one_cycle': [one_cycle_case(1e-2, 30), one_cycle_case(3e-4, 17)],
    }
    out.write_text(json.dumps(golden, separators=(',', ':')).replace('{"name"', '\n{"name"') + '\n')
    print(f'{out}: {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
