/*
 * plugin - what every broker plugin here has: a version, options, and files that these name. Linked
 * into each module; like them it uses no library of ours.
 */
#ifndef BENCH_PLUGIN_PLUGIN_H
#define BENCH_PLUGIN_PLUGIN_H

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stddef.h>

/* The value of plugin_opt_KEY, "" where there is none. Borrowed. */
const char *plugin_option(const struct mosquitto_opt *options, int count, const char *key);
/* The same for a plugin that has this option and no other: NULL, and a word in the broker's log
 * under the plugin's name, when there is another or none. */
const char *plugin_only_option(const char *plugin, const struct mosquitto_opt *options, int count,
                               const char *key);

/* The first line of a file without its end: 0, a negative errno when it cannot be opened, or
 * -ENODATA when it holds nothing; the line is then empty. */
int plugin_first_line(const char *path, char *ret, size_t size);

#endif
