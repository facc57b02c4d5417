// Faults that bench/sass_report must find, each on the line that says so, and beside each a twin without it.
#include <cstdint>

__global__ void uncoalesced(float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i * 8] = 1.0F;  // planted: uncoalesced access
}

__global__ void coalesced(float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = 1.0F;
}

__global__ void scalar(float* y) {
  float* mine = y + 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  mine[0] = 1.0F, mine[1] = 2.0F, mine[2] = 3.0F, mine[3] = 4.0F;  // planted: scalar access
}

__global__ void vector(float4* y) {
  y[blockIdx.x * blockDim.x + threadIdx.x] = {1.0F, 2.0F, 3.0F, 4.0F};
}

__global__ void division64(int* y, std::int64_t n, std::int64_t d) {
  int sum = 0;
#pragma unroll 1
  for (std::int64_t i = 0; i < n; ++i)
    sum += static_cast<int>(i / d);  // planted: 64-bit division in a loop, which a function does
  y[threadIdx.x] = sum;
}

__global__ void division32(int* y, int n, int d) {
  int sum = 0;
#pragma unroll 1
  for (int i = 0; i < n; ++i) sum += i / d;
  y[threadIdx.x] = sum;
}

// Two rows of sixteen products, unrolled by the compiler's choice: nested loops.
__global__ void nested(float* y, const float* x, int rows, int columns) {
  float sum = 0.0F;
#pragma unroll 1
  for (int row = 0; row < rows; ++row)
#pragma unroll 4
    for (int column = 0; column < columns; ++column) sum += x[row] * x[column];
  y[threadIdx.x] = sum;
}

__global__ void tensor(float* y, const unsigned* a, const unsigned* b, int n) {
  float c[4] = {};
#pragma unroll 1
  for (int i = 0; i < n; ++i)
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  y[threadIdx.x] = c[0] + c[1] + c[2] + c[3];
}
