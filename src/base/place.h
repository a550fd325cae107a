/*
 * place - where this program belongs: into a clone of its sources, whose build folder it is in, or,
 * installed, into folders that it shares with others, none of which it may write to. Texts are the
 * caller's.
 */
#ifndef BENCH_BASE_PLACE_H
#define BENCH_BASE_PLACE_H

#include <stdbool.h>

/* How it is called where it is installed. */
#define PLACE_NAME "mqtt-security-bench"

bool place_is_installed(void);

/* The folder of scripts/, scenarios/ and what tells of the sources: the clone's (as the launcher
 * says in BENCH_ROOT, else the one that holds the build folder), or that of the installed data. */
char *place_root(void);

/* The folder of results, plots and the user's scenarios: the clone's, or the current one; NULL
 * (errno) when that is gone. */
char *place_home(void);

/* The folder of the PKI: certs/ in the clone, or the user's own of all folders
 * ($XDG_DATA_HOME/mqtt-security-bench/certs). */
char *place_certs(void);

/* Makes the folders above that of an installed program's PKI, but the home itself. What cannot be
 * made is missed, and named, by who writes into it. */
void place_make_data(void);

/* The folder of an installed program's pages. */
const char *place_documents(void);

/* What a user types to start it. */
const char *place_call(void);

#endif
