// 64 values per thread: with 32 registers they do not fit, with 128 they do. Compiled by the test, not stored.
template <int kThreads>
__device__ void work(float* y, const float* x) {
  float values[64];
  for (int i = 0; i < 64; ++i) values[i] = x[i * kThreads + threadIdx.x];
  for (int i = 0; i < 64; ++i) values[i] = values[i] * values[(i * 7 + 3) % 64] + values[63 - i];  // planted: spill
  for (int i = 0; i < 64; ++i) y[i * kThreads + threadIdx.x] = values[i];
}

__global__ void __launch_bounds__(1024, 2) spilling(float* y, const float* x) {
  work<1024>(y, x);
}
__global__ void __launch_bounds__(256, 1) roomy(float* y, const float* x) {
  work<256>(y, x);
}
