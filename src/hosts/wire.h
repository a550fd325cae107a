/*
 * wire - the lines between the driver and one agent: what comes on its stdout and stderr, beats in
 * both directions, and the moment from which it is lost.
 *
 * Owned by a host (host.h), and used by host.c alone.
 */
#ifndef BENCH_HOSTS_WIRE_H
#define BENCH_HOSTS_WIRE_H

#include "base/jsonline.h"
#include "base/process.h"

/* That can be attended at once: the hosts of a run. */
#define WIRES_MAX 80

struct wire {
    const char *spec; /* for messages; borrowed */
    int cancel_fd;    /* as host_options has them: */
    void (*relay)(void *context, const char *spec, const char *line);
    void *context;
    struct process agent;
    struct jsonline_reader lines;
    char words[1024]; /* the line on stderr that is not complete yet */
    size_t n_words;
    char *last_words; /* the end of stderr, or of stdout before a greeting; made visible */
    bool watched;
    int64_t heard_ns, beat_ns; /* when the last line came, when our last beat left */
    char *lost;                /* why nothing more can be had of it, or NULL */
};

/* Takes the agent for lost; the first reason stays. */
void wire_lose(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* -EPIPE, and why it is lost. */
int wire_is_lost(const struct wire *wire, struct error *error);

/* Adds a line to its last words. */
void wire_keep_words(struct wire *wire, const char *words);

/* The reference is taken. */
int wire_send(struct wire *wire, json_t *line, struct error *error);

/* The next line that is no beat: 1 and *ret, 0 when more must be read, -EPIPE when nothing will
 * come any more. No word in it has a control character but line ends: those are made visible. */
int wire_take_line(struct wire *wire, json_t **ret);

struct wire_wait {
    int64_t deadline_ns; /* monotonic */
    bool obeying; /* no beat can be expected: an order is being obeyed, which has its own limit */
    int late;     /* how often something was read after the deadline */
};

/* Sends our beat, where the agent is watched and it is time for one. */
void wire_beat(struct wire *wire);
/* Waits for a moment in which something comes on one of them: 0, -ETIMEDOUT or -EINTR. What comes
 * is read; our beats are sent. What was there by the deadline is still read, moment after moment,
 * but no more than pipes and ssh hold: nobody holds us by speaking on. */
int wire_attend(struct wire *const *wires, size_t n, struct wire_wait *wait, struct error *error);

/* Ends the agent: closing its stdin lets it end what it has started, killing it comes only after
 * that. */
void wire_end(struct wire *wire);
/* For an agent that should have ended: its exit status, or -1; *ret_how in words, the caller's. */
int wire_reap(struct wire *wire, char **ret_how);
void wire_clear(struct wire *wire);

#endif
