/*
 * import - a run that came as an archive, from another machine: unpacked beside the runs that are
 * here, under its own name.
 */
#ifndef BENCH_ANALYSIS_IMPORT_H
#define BENCH_ANALYSIS_IMPORT_H

#include "base/archive.h"

#include <stdbool.h>

/* Unpacks the archive into results_dir (made when it is missing): the run in it may lie at the top,
 * and is then named like the archive, or in a folder, whose name it has. *ret_folder, the caller's,
 * is the folder of the run; *ret_known says that it was there already, with the same trials.csv and
 * metrics.csv, and was left as it is.
 *
 * All of it appears at once or nothing does: it is unpacked into a hidden folder of results_dir,
 * which goes in any case (after a kill: with the next import). -EEXIST: a different run of that
 * name is there; -EBADMSG: no run is in the archive; else as archive_unpack(). */
int import_run(const char *archive, const char *results_dir, const struct archive_limits *limits,
               char **ret_folder, bool *ret_known, struct error *error);

/* "quick-20261122T083000Z" of "/tmp/quick-20261122T083000Z.tar.gz"; the caller's. */
char *import_name(const char *archive);

#endif
