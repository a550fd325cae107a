/*
 * sockets - finds the connection of a library that tells nobody its socket: the one of this process
 * that was not there before.
 */
#ifndef BENCH_MQTT_SOCKETS_H
#define BENCH_MQTT_SOCKETS_H

#include <stddef.h>
#include <sys/types.h>

#define SOCKETS_MAX 64

/* Connections to a port, by their numbers in the kernel. */
struct sockets {
    ino_t inodes[SOCKETS_MAX];
    int fds[SOCKETS_MAX];
    size_t n;
};

/* Those of this process now. */
void sockets_list(struct sockets *ret, int port);
/* The descriptor of one that was not there before, or -1. */
int sockets_find_new(const struct sockets *before, int port);

#endif
