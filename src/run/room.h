/*
 * room - whether the hosts of a run have room for the members of its fleet, before anything is
 * made: descriptors, ports, memory, processes (hosts/room.h), and what would help.
 */
#ifndef BENCH_RUN_ROOM_H
#define BENCH_RUN_ROOM_H

#include "run/site.h"

/* A host, and what of the fleet it has. All borrowed. */
struct room_share {
    const char *spec;
    const char *machine; /* of hosts with the same one memory counts together, and ports where
                          * their network is the same, too */
    bool broker;         /* ours is there */
    bool publisher;      /* members are there */
    bool subscriber;     /* the subscribers to their messages are there, in one process */
    int64_t addresses;   /* that they take turns with */
    const json_t *room;  /* room_collect() */
};

struct room_fleet {
    int64_t clients, subscribers;
    bool tls; /* of a connection, which takes more memory then */
    bool lab; /* its hosts can have more addresses */
};

/* The processes that members are in on a host: one for each of its cores, which several hosts on
 * one machine share, at least one, at most WORKERS_OF_HOST_MAX, and so many that each has two
 * members. */
size_t room_processes(int64_t cores, int64_t members);

/* 0, or -ENOSPC: what is short, where, how many members are possible and what helps. */
int room_check(const struct room_fleet *fleet, const struct room_share *shares, size_t n,
               struct error *error);

/* The same of the scenario's fleet, if it has one, on the hosts of the site. */
int room_check_site(const struct site *site, struct error *error);

#endif
