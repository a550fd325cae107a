/*
 * room - how much of what many connections take is there on this host: descriptors, ports, memory,
 * processes.
 */
#ifndef BENCH_HOSTS_ROOM_H
#define BENCH_HOSTS_ROOM_H

#include <jansson.h>

/* {"descriptors": that one process may have (the hard limit of RLIMIT_NOFILE);
 *  "ports": among which the kernel chooses for a connection, "ports_taken": those of them that
 * sockets of this network namespace have, but for ended connections; "network": that namespace, a
 * text of its own among those of this machine;
 *  "memory_bytes": that can be had without swapping, also within the control groups above this
 * process;
 *  "processes": that can still be started within these, or the limits of user and kernel;
 *  "cores"}. What cannot be read, or has no limit, is absent. root: "", or what stands before /proc
 * and /sys. The caller's. */
json_t *room_collect(const char *root);

#endif
