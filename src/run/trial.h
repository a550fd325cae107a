/*
 * trial - performs one probe on the channel that is up, and writes its rows.
 */
#ifndef BENCH_RUN_TRIAL_H
#define BENCH_RUN_TRIAL_H

#include "run/run.h"

/* Measures the deployment's trial at hand, and fills result; what goes wrong with the trial is
 * result's status and reason. Only -EINTR and what makes the run impossible are errors. Its rows
 * wait for journal_commit(). */
int trial_run(const struct deployment *deployment, struct trial_result *result,
              struct error *error);

#endif
