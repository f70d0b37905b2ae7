#pragma once
// libsystemd's D-Bus, daemon, journal and identity interfaces, and the eventfd that wakes the bus thread.
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
