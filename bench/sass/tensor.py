"""Whether tensor-core kernels are limited by their products or by issuing everything else.

A scheduler issues one warp instruction per clock, whatever it is, and its tensor core takes so many clocks for an HMMA. So
of a loop: warp instructions, per clocks of its HMMA at the published rate. Up to 1 the tensor cores are the limit.
"""
from collections import Counter

from . import flow as flows, launches as launch_tables, mix

RATES = {"tf32 products": "tensor_tf32", "bf16 products": "tensor_bf16"}  # of bench/gpus.toml, per multiprocessor and clock


def products_of(way):
    return sum(way[name] for name in RATES)


def clocks(way, gpus, architecture):
    """Clocks of one scheduler's tensor core for the products of a way."""
    schedulers = gpus.limit(architecture, "issue")
    return sum(way[name] * schedulers / gpus.limit(architecture, rate) for name, rate in RATES.items() if way[name])


def ways(flow, loop, trips):
    """(counts of the shortest way through a loop that makes all products, those of the longest). Loops inside it run as often
    as `trips` says, those that it does not know once."""
    def whole(choose):
        def cost(inner):
            once = flows.best_way(flow, inner, launch_tables.weigh, cost, choose) or Counter()
            return Counter({name: number * (trips.get(inner) or 1) for name, number in once.items()})
        return flows.best_way(flow, loop, launch_tables.weigh, cost, choose)
    return tuple(whole(lambda found, sign=sign: max(found, key=lambda way: (products_of(way), sign * way["all"])))
                 for sign in (-1, 1))


def issue_per_product(flow, gpus, trips=None):
    """Of the loop with most of the arithmetic: {"loop", "hmma", "clocks" of these, "instructions" and "ratio" on both ways};
    None where it has no HMMA or the architecture no published rate."""
    main = mix.main_loop(flow)
    architecture = flow.kernel.architecture
    if main is None or not mix.count_blocks(flow.own_blocks(main))["hmma"]:
        return None
    if any(rate not in gpus.capabilities.get(architecture, {}) for rate in RATES.values()):
        return None
    found = ways(flow, main, trips or {})
    time = clocks(found[1], gpus, architecture)
    instructions = [way["all"] for way in found]
    return {"loop": main.name, "hmma": found[1]["hmma"], "clocks": time, "instructions": instructions,
            "ratio": [round(number / time, 2) for number in instructions]}
