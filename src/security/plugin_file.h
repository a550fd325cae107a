/*
 * plugin_file - where the broker plugins of this build lie (src/plugin/): beside the program.
 */
#ifndef BENCH_SECURITY_PLUGIN_FILE_H
#define BENCH_SECURITY_PLUGIN_FILE_H

#include "base/error.h"

/* The absolute path of the module made of src/plugin/NAME.c. -ENOENT when it is not there. *ret
 * belongs to the caller. */
int plugin_file(const char *name, char **ret, struct error *error);

#endif
