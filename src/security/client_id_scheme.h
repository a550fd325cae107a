/*
 * client_id_scheme - which identifiers belong to a registered client: its own, and those of its
 * sessions beside that (model/client_config.h): "client2-delivery" belongs to "client2". For our
 * broker plugin, which links nothing else of ours.
 */
#ifndef BENCH_SECURITY_CLIENT_ID_SCHEME_H
#define BENCH_SECURITY_CLIENT_ID_SCHEME_H

#include <stdbool.h>
#include <string.h>

#define CLIENT_ID_SESSION_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* Whether id is the registered one, or that, a hyphen and the name of a session. */
static inline bool client_id_belongs(const char *registered, const char *id) {
    size_t length = strlen(registered);

    if (length == 0 || strncmp(id, registered, length) != 0)
        return false;
    id += length;
    return !*id || (*id == '-' && id[1] && !id[1 + strspn(id + 1, CLIENT_ID_SESSION_LETTERS)]);
}

#endif
