// Whether this build has the kernels for the GPU: true in the presets cuda and simt.
#pragma once

namespace cardiograd::kernels {

#if defined(CARDIOGRAD_DEVICE_CODE)
inline constexpr bool kHasDeviceCode = true;
#else
inline constexpr bool kHasDeviceCode = false;
#endif

}  // namespace cardiograd::kernels
