#pragma once
// What Swift's Glibc module leaves out: mallopt(3), malloc_trim(3).
#include <malloc.h>

// Swift's runtime asks this hook where to run a task that names no executor (swift/Runtime/Concurrency.h of the Swift
// sources; nil means libdispatch's pool). It is Swift's calling convention, which C can say and Swift cannot.
typedef struct fleet_job fleet_job;
typedef __attribute__((swiftcall)) void (*fleet_enqueue_original)(fleet_job *);
typedef __attribute__((swiftcall)) void (*fleet_enqueue_hook)(fleet_job *, fleet_enqueue_original);
extern fleet_enqueue_hook swift_task_enqueueGlobal_hook;

// OneThread.swift defines it.
void fleet_enqueue(fleet_job *job);

static __attribute__((swiftcall)) void fleet_enqueue_here(fleet_job *job, fleet_enqueue_original original) {
    (void)original;
    fleet_enqueue(job);
}

static inline void fleet_install_enqueue_hook(void) { swift_task_enqueueGlobal_hook = fleet_enqueue_here; }
