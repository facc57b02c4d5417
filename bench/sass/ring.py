"""Shared memory of kernels that hold several steps of their operands (kernels/gemm/pipeline.cuh, whose law this is)."""

FEWEST, MOST = 2, 4  # steps
SYSTEM = 1024  # bytes of every block that it cannot use


def ring_stages(multiprocessor, stage, fixed=0, most=MOST):
    """How many buffers of `stage` bytes a block has that needs `fixed` bytes besides, of a multiprocessor's bytes: as many as
    cost none of the blocks, at most three, that fit with two; at most `most`."""
    blocks = min(max(multiprocessor // (SYSTEM + fixed + FEWEST * stage), 1), 3)
    room = multiprocessor // blocks - SYSTEM - fixed
    return min(max(room // stage, FEWEST), MOST, most)


def ring_bytes(multiprocessor, stage, fixed=0, most=MOST):
    return fixed + ring_stages(multiprocessor, stage, fixed, most) * stage
