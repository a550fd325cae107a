/*
 * guests - who has come to a broker, by its log (Mosquitto's): ours, and whoever was not invited.
 *
 * Ours are clients whose id belongs to client1 or client2 (security/client_id_scheme.h), as members
 * of the fleet do, and
 * connections from the addresses of these: what is refused in a proof has no id; and those from the
 * broker's own host, which tries whether it accepts. All others are uninvited, also those that are
 * turned away. Of one that comes from an address of ours and never
 * says who it is, or that takes an id of ours, nothing is known.
 */
#ifndef BENCH_BROKER_GUESTS_H
#define BENCH_BROKER_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

#define GUESTS_MAX  4096 /* addresses: beyond, nothing is known of others */
#define GUESTS_TEXT 64   /* of an address, its port left out */

/* From where somebody has come. */
struct guests_address {
    char text[GUESTS_TEXT];
    bool ours;       /* a client of ours */
    bool connection; /* a connection, whoever it was */
};

struct guests {
    char *ids[2];   /* of client1 and client2; owned */
    char line[512]; /* of the log, not complete yet; the rest of a longer one is left out */
    size_t length;
    struct guests_address *addresses; /* in the order in which they came; owned */
    size_t n_addresses;
    bool any_ours;
    char own[GUESTS_TEXT]; /* of the broker's host; "": not known */
    char uninvited[256];   /* the first whose id is none of ours: its address and id; or "" */
};

/* The ids are copied. */
void guests_open(struct guests *guests, const char *client1, const char *client2);
void guests_close(struct guests *guests);
/* From where the broker's own host has connected to it, in numbers. */
void guests_own(struct guests *guests, const char *address);
/* Takes in what the log has grown by. */
void guests_read(struct guests *guests, const char *text, size_t length);
/* The first that was not invited since the broker is up, in words, as "192.0.2.7:53202 (client id
 * x)"; the caller's. NULL: nobody, as far as the log tells. */
char *guests_uninvited(const struct guests *guests);

#endif
