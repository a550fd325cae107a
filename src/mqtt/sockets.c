#include "mqtt/sockets.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int peer_port(int fd) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);

    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
        return -1;
    return peer.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&peer)->sin_port)
           : peer.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&peer)->sin6_port)
                                        : -1;
}

void sockets_list(struct sockets *ret, int port) {
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    ret->n = 0;
    while (folder && ret->n < SOCKETS_MAX && (entry = readdir(folder))) {
        int fd = atoi(entry->d_name);
        struct stat facts;

        if (entry->d_name[0] == '.' || peer_port(fd) != port || fstat(fd, &facts) < 0)
            continue;
        ret->inodes[ret->n] = facts.st_ino;
        ret->fds[ret->n++] = fd;
    }
    if (folder)
        (void)closedir(folder);
}

int sockets_find_new(const struct sockets *before, int port) {
    struct sockets now;

    sockets_list(&now, port);
    for (size_t i = 0; i < now.n; i++) {
        bool known = false;

        for (size_t j = 0; j < before->n; j++)
            known = known || before->inodes[j] == now.inodes[i];
        if (!known)
            return now.fds[i];
    }
    return -1;
}
