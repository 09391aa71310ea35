"""The calls of the CUDA driver across a real C boundary: handles of 64 bits, pointers, sizes.

A small library with the driver's prototypes, compiled here, works on host memory; its handles do
not fit into 32 bits, as those of a driver do not.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
import subprocess
import threading

import numpy as np
import pytest

from bharnet_ros.errors import EngineError
from bharnet_ros.inference.cuda import Cuda
from bharnet_ros.inference.driver import load_driver

SOURCE = r"""
#include <stdlib.h>
#include <string.h>
typedef int CUresult; typedef int CUdevice; typedef unsigned long long CUdeviceptr;
typedef struct s *CUcontext, *CUstream, *CUgraph, *CUgraphExec;
#define CONTEXT ((CUcontext)0x7f0012345678ULL)
#define STREAM ((CUstream)0x7f00abcdef10ULL)
#define GRAPH ((CUgraph)0x7f00deadbee0ULL)
#define EXEC ((CUgraphExec)0x7f00cafebab0ULL)
enum { BAD = 1, MEMORY = 2 };
static struct { void *to; const void *from; size_t size; } work[64];
static int queued, capturing, recorded; static _Thread_local CUcontext current;
int live;
static CUresult add(void *to, const void *from, size_t size) {
    if (current != CONTEXT) return 201;
    work[queued].to = to; work[queued].from = from; work[queued++].size = size; return 0;
}
CUresult cuInit(unsigned int flags) { return flags; }
CUresult cuDriverGetVersion(int *v) { *v = 13000; return 0; }
CUresult cuDeviceGetCount(int *n) { *n = 1; return 0; }
CUresult cuDeviceGet(CUdevice *d, int i) { *d = i; return 0; }
CUresult cuDeviceGetName(char *n, int size, CUdevice d) { strncpy(n, "Host", size); return d; }
CUresult cuDeviceTotalMem_v2(size_t *m, CUdevice d) { *m = (size_t)1 << 36; return d; }
CUresult cuDeviceGetAttribute(int *v, int a, CUdevice d) { *v = a; return d; }
CUresult cuGetErrorName(CUresult code, const char **n) { *n = "CUDA_ERROR_TEST"; return 0; }
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { *c = CONTEXT; live++; return d; }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) { live--; return d; }
CUresult cuCtxSetCurrent(CUcontext c) { current = c; return c == CONTEXT ? 0 : BAD; }
CUresult cuMemGetInfo_v2(size_t *f, size_t *t) {
    *f = (size_t)5 << 33; *t = (size_t)1 << 36; return 0;
}
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t size) {
    if (size > ((size_t)1 << 33)) return MEMORY;
    *p = (CUdeviceptr)malloc(size); live++; return 0;
}
CUresult cuMemFree_v2(CUdeviceptr p) { free((void *)p); live--; return 0; }
CUresult cuMemHostAlloc(void **p, size_t size, unsigned int f) {
    *p = malloc(size); live++; return f;
}
CUresult cuMemFreeHost(void *p) { free(p); live--; return 0; }
CUresult cuStreamCreate(CUstream *s, unsigned int f) {
    *s = STREAM; live++; return f == 1 ? 0 : BAD;
}
CUresult cuStreamDestroy_v2(CUstream s) { live--; return s == STREAM ? 0 : BAD; }
CUresult cuStreamSynchronize(CUstream s) {
    for (int i = 0; i < queued; i++) memcpy(work[i].to, work[i].from, work[i].size);
    queued = 0; return s == STREAM ? 0 : BAD;
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *h, size_t n, CUstream s) {
    return s == STREAM ? add((void *)d, h, n) : BAD;
}
CUresult cuMemcpyDtoHAsync_v2(void *h, CUdeviceptr d, size_t n, CUstream s) {
    return s == STREAM ? add(h, (void *)d, n) : BAD;
}
CUresult cuStreamBeginCapture_v2(CUstream s, int mode) {
    capturing = 1; return mode == 1 ? 0 : BAD;
}
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
    *g = GRAPH; recorded = queued; queued = 0; capturing = 0; live++; return 0;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *e, CUgraph g, unsigned long long f) {
    *e = EXEC; live++; return g == GRAPH && f == 0 ? 0 : BAD;
}
CUresult cuGraphLaunch(CUgraphExec e, CUstream s) {
    queued = recorded; return e == EXEC && s == STREAM ? 0 : BAD;
}
CUresult cuGraphExecDestroy(CUgraphExec e) { live--; return e == EXEC ? 0 : BAD; }
CUresult cuGraphDestroy(CUgraph g) { live--; return g == GRAPH ? 0 : BAD; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("driver")
    source, target = folder / "cuda.c", folder / "libcuda.so.1"
    source.write_text(SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", target, source], check=True)
    return ctypes.CDLL(str(target))


def test_copies_and_graphs_reach_the_right_memory(library: ctypes.CDLL) -> None:
    driver = load_driver(lambda name: library)
    assert driver.cuda_version == "13.0"
    assert driver.gpus[0].name == "Host"
    cuda = Cuda(driver)
    assert cuda.free_bytes() == 5 << 33
    assert cuda.stream == 0x7F00ABCDEF10
    device = cuda.allocate(64, "a test")
    sent, received = cuda.allocate_pinned(64, "a test"), cuda.allocate_pinned(64, "a test")
    sent[:], received[:] = np.arange(64), 0
    cuda.copy_in(device, sent, 64)
    cuda.copy_out(received, device, 32)
    cuda.synchronize()
    assert received.tolist() == [*range(32), *[0] * 32]

    def work() -> None:
        cuda.copy_in(device, sent, 64)
        cuda.copy_out(received, device, 64)

    graph = cuda.capture(work)
    sent[:] = 7
    cuda.launch(graph)
    cuda.synchronize()
    assert (received == 7).all()

    failed: list[EngineError] = []

    def elsewhere() -> None:
        try:
            cuda.copy_in(device, sent, 64)
        except EngineError as error:
            failed.append(error)
        cuda.activate()
        cuda.copy_in(device, sent, 64)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(failed) == 1, "the GPU is current in the thread that made it current, only"
    cuda.close()
    assert ctypes.c_int.in_dll(library, "live").value == 0


def test_memory_beyond_32_bits_is_asked_for_and_refused(library: ctypes.CDLL) -> None:
    cuda = Cuda(load_driver(lambda name: library))
    with pytest.raises(EngineError, match=r"no 8\.59 GB .*\(42\.9 GB of GPU memory are free\)"):
        cuda.allocate((1 << 33) + 1, "a test")
    del cuda  # nobody closed it: it frees itself
    gc.collect()  # from Python 3.13 on the error's traceback holds it for a while
    assert ctypes.c_int.in_dll(library, "live").value == 0
