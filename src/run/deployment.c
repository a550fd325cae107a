#include "run/deployment.h"

#include "base/clock.h"
#include "run/trial.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int commit(struct runner *runner, const struct trial_id *id,
                  const struct trial_result *result, struct error *error) {
    int r = journal_commit(runner->journal, id, result, error);

    if (r < 0)
        return r;
    (void)schedule_commit(runner->schedule, id->trial, id->attempt, result->status == TRIAL_FAILED);
    runner->outcome->trials[result->status]++;
    progress_trial(runner->progress, id, result, run_trial_planned_ns(id->measurement));
    return 0;
}

/* What fails may pass, a link that is down for a moment: after each channel in a row that did not
 * come up, the next is tried a while later. After the last, nothing will come of the rest either.
 */
static const int64_t pauses_ns[] = {0, 3 * NS_PER_S, 6 * NS_PER_S, 12 * NS_PER_S};

/* A channel that cannot come up fails its trials; but if nothing has ever come up, or nothing does
 * any more, it is the set-up that does not work, and no other channel would fare better. */
static int bring_up(struct runner *runner, const struct trial_id *id, char **ret_failure,
                    struct error *error) {
    size_t committed = 0;
    int r = site_pause(&runner->site, pauses_ns[runner->failures], error);

    if (r == 0)
        r = site_mend(&runner->site, error);
    if (r < 0)
        return r;
    r = bringup_start(runner, id, error);
    if (r == 0)
        runner->failures = 0;
    for (size_t i = 0; i < ARRAY_SIZE(runner->outcome->trials); i++)
        committed += runner->outcome->trials[i];
    if (r == 0 || r == -EINTR || !committed)
        return r;
    if (++runner->failures == ARRAY_SIZE(pauses_ns))
        return error_prefix(error, r, "%zu channels in a row did not come up; the last",
                            runner->failures);
    *ret_failure = text_format("the channel did not come up: %s", error->text);
    return 0;
}

/* Takes the signal, so that what is left to do can talk to the hosts; a second one ends that too.
 */
static void take_interrupt(struct runner *runner) {
    struct signalfd_siginfo taken;

    runner->interrupted = true;
    (void)!read(runner->options->cancel_fd, &taken, sizeof(taken));
}

/* The channel of a deployment: whether it stands, or why it does not. */
struct standing {
    bool up;
    char *failure; /* it did not come up; owned */
};

/* One probe, on a channel that is brought up where it does not stand. */
static int measure(struct runner *runner, const struct trial_id *id, struct standing *channel,
                   struct trial_result *result, struct error *error) {
    int r = 0;

    if (!channel->up) {
        text_replace(&channel->failure, NULL);
        r = bring_up(runner, id, &channel->failure, error);
        channel->up = r == 0 && !channel->failure;
    }
    if (r < 0)
        return r;
    if (channel->up && !runner->broken && !runner->skipped)
        return trial_perform(runner, id, result, error);
    result->status = channel->failure ? TRIAL_FAILED : runner->skipped ? TRIAL_SKIPPED : TRIAL_VOID;
    result->reason = text_copy(channel->failure  ? channel->failure
                               : runner->skipped ? runner->skipped
                                                 : runner->broken);
    return 0;
}

int deployment_run(struct runner *runner, const struct schedule_item *item, struct error *error) {
    const struct scenario *scenario = runner->scenario;
    const struct channel *up = &scenario->channels[item->deployment->channel];
    struct trial_id id = {.attempt = item->attempt,
                          .deployment = item->deployment,
                          .channel = up->name,
                          .channel_variant = up->variant};
    struct standing channel = {false, NULL};
    struct error late;
    int r = 0, end;

    runner->messages.written = 0;
    for (size_t i = 0; i < scenario->n_measurements && r == 0; i++) {
        CLEANUP_FREE char *variant = scenario_variant(up, &scenario->measurements[i]);
        struct trial_result result = {.bytes = -1, .started_realtime_ns = clock_realtime_ns()};

        id.trial = item->deployment->trial + (int64_t)i;
        id.measurement = &scenario->measurements[i];
        id.probe = id.measurement->probe;
        id.variant = variant;
        r = measure(runner, &id, &channel, &result, error);
        if (r == 0 && result.status == TRIAL_FAILED) {
            channel.up = false;
            r = bringup_stop(runner, &id, error);
        }
        if (r == 0)
            r = commit(runner, &id, &result, error);
        trial_result_clear(&result);
    }
    if (r == -EINTR)
        take_interrupt(runner);
    end = bringup_stop(runner, &id, &late);
    free(channel.failure);
    return r < 0 ? r : end < 0 ? error_set(error, end, "%s", late.text) : 0;
}
