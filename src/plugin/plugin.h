/*
 * plugin - what every broker plugin here has: a version, a beginning and an end, options, and files
 * that these name. Linked into each module; like them it uses no library of ours.
 */
#ifndef BENCH_PLUGIN_PLUGIN_H
#define BENCH_PLUGIN_PLUGIN_H

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stddef.h>

/* Mosquitto opens all modules in one name space: what were not hidden in each would be the first
 * one's for all. */
#pragma GCC visibility push(hidden)

/* What a module is: each has one. */
struct plugin {
    const char *title; /* in the broker's log */
    int event;         /* MOSQ_EVT_... */
    MOSQ_FUNC_generic_callback on_event;
    size_t own_bytes; /* of what load, on_event and clear are given; zeroed at first */
    /* One of MOSQ_ERR_...; the broker then does not start. */
    int (*load)(void *own, const struct mosquitto_opt *options, int count);
    void (*clear)(void *own); /* also after a load that failed */
};
extern const struct plugin plugin;

/* Tells the broker's log what is wrong with a file or an option; returns MOSQ_ERR_INVAL. */
int plugin_complain(const char *what, const char *why);

/* The value of plugin_opt_KEY, "" where there is none. Borrowed. */
const char *plugin_option(const struct mosquitto_opt *options, int count, const char *key);
/* The same for a plugin that needs this option, and may have `other` (or NULL) and no more: NULL,
 * and a word in the broker's log, when there is one more or the first is missing. */
const char *plugin_only_option(const struct mosquitto_opt *options, int count, const char *key,
                               const char *other);

/* The whole text of a file of less than max_bytes; the caller's. NULL with errno set. */
char *plugin_read_file(const char *path, size_t max_bytes);
/* The first line of a file without its end: 0, a negative errno when it cannot be opened, or
 * -ENODATA when it holds nothing; the line is then empty. */
int plugin_first_line(const char *path, char *ret, size_t size);

#pragma GCC visibility pop

#endif
