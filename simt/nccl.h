// The few NCCL calls that the engine uses, on the host, under nccl.h's names and with its numbers: values that the GPUs
// of several processes send each other. Each process emulates a GPU of its own; the values pass through memory that the
// processes of one machine share.
//
// As with NCCL, the calls between ncclGroupStart() and ncclGroupEnd() are one piece of work in a stream, which a graph
// records with its pointers; it ends when all that it sends and receives has gone through. Buffers must be device
// memory (anything else is a Fault), and a message as long as its receiver expects (otherwise the work ends with an
// Error, where NCCL waits forever). For a process that does not come the work waits, and the host as long as it likes:
// until ncclCommAbort(). What is not emulated is ncclInvalidArgument.
#pragma once

#include <cstddef>

#include "simt/runtime.h"

enum ncclResult_t {
  ncclSuccess = 0,
  ncclUnhandledCudaError = 1,
  ncclSystemError = 2,
  ncclInternalError = 3,
  ncclInvalidArgument = 4,
  ncclInvalidUsage = 5,
  ncclRemoteError = 6,
  ncclInProgress = 7,
};
enum ncclDataType_t { ncclFloat32 = 7 };

typedef struct ncclComm* ncclComm_t;
// The name of a communicator.
struct ncclUniqueId {
  char internal[128];
};

// A few words, never null.
const char* ncclGetErrorString(ncclResult_t result);
// The name by which the processes of one communicator find each other: one of them asks for it and tells the others.
ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
// Returns when all `ranks` processes have called it.
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank);
ncclResult_t ncclCommDestroy(ncclComm_t comm);
// What went wrong in the work of `comm` without a call of this process: ncclRemoteError where another one has ended.
// Work that still waits for that one a moment later ends with an Error, where NCCL waits forever.
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error);
// Work of `comm`, begun or not, ends without having done anything more. From any thread; `comm` may not be used again.
ncclResult_t ncclCommAbort(ncclComm_t comm);
ncclResult_t ncclGroupStart();
ncclResult_t ncclGroupEnd();
ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream);
ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream);
