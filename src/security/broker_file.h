/*
 * broker_file - files that the broker's configuration names: private to this bring-up.
 */
#ifndef BENCH_SECURITY_BROKER_FILE_H
#define BENCH_SECURITY_BROKER_FILE_H

#include "security/mechanism.h"

/* Writes a file for the broker's eyes alone into the folder of the bring-up; the path is the
 * caller's. */
int broker_file_write(const struct bringup *bringup, const char *name, char **ret_path,
                      struct error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
