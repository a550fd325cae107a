#include "run/enough.h"

#include <math.h>

int enough_ask(struct enough *enough, const char *folder, struct error *error) {
    struct repetitions repetitions = scenario_repetitions(enough->scenario);
    bool reached, interrupted;
    int64_t measured = schedule_measured(enough->schedule, &interrupted);
    double widest;
    int r;

    if (!repetitions.precision || !enough->question.ask || interrupted ||
        measured < repetitions.smallest)
        return 0;
    r = enough->question.ask(enough->question.context, folder, &reached, &widest, error);
    if (r < 0)
        return error_prefix(error, r, "whether %lld blocks are enough", (long long)measured);
    enough->asked = true;
    enough->reached = reached;
    enough->widest = widest;
    return 0;
}

void enough_tell(const struct enough *enough, struct progress *progress) {
    double wanted = scenario_repetitions(enough->scenario).precision * 100;
    double widest = enough->widest * 100;
    bool interrupted;
    long long measured = schedule_measured(enough->schedule, &interrupted);

    if (!enough->asked)
        return;
    if (enough->reached)
        progress_note(progress,
                      "enough   every interval is narrower than %.7g %% after %lld blocks (widest "
                      "%.3g %%)",
                      wanted, measured, widest);
    else if (isfinite(widest))
        progress_note(progress,
                      "limit    after %lld blocks the widest interval is %.3g %%, not narrower "
                      "than %.7g %%",
                      measured, widest, wanted);
    else
        progress_note(progress,
                      "limit    after %lld blocks some channel has too few values for an interval "
                      "that counts",
                      measured);
}
