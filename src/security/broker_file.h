/*
 * broker_file - what the broker's configuration names: files private to this bring-up, and the
 * plugins of this build (src/plugin/).
 */
#ifndef BENCH_SECURITY_BROKER_FILE_H
#define BENCH_SECURITY_BROKER_FILE_H

#include "security/mechanism.h"

/* Writes a file for the broker's eyes alone into the folder of the bring-up, and the line of the
 * configuration that names it, `key PATH`. */
int broker_file_write(const struct bringup *bringup, FILE *lines, const char *key, const char *name,
                      struct error *error, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Writes the line that loads the module made of src/plugin/NAME.c; its options are to follow.
 * -ENOENT when it does not lie where this build has it, beside the program. */
int broker_file_plugin(FILE *lines, const char *name, struct error *error);

#endif
