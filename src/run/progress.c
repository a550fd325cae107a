#include "run/progress.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "probes/probe.h"
#include "run/picture.h"

#include <math.h>
#include <string.h>

#define REDRAW_NS (200 * NS_PER_MS)
#define STEP_NS   (10 * NS_PER_S)

#define NOTE_INDENT 9 /* "verdicts " */

struct progress {
    const struct scenario *scenario;
    enum verbosity verbosity;
    struct picture *picture;     /* NULL: lines only */
    struct latest *latest;       /* channels x measurements */
    size_t channel, measurement; /* at hand */
    size_t done, total, failed;
    int64_t started_ns, redrawn_ns;
    int64_t planned_ns, measured_ns; /* all trials; those that are over */
    char *doing;
};

char *progress_duration(int64_t ns) {
    int64_t s = (ns + NS_PER_S / 2) / NS_PER_S;

    if (s >= 3600)
        return text_format("%lld h %02lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
    if (s >= 60)
        return text_format("%lld min %02lld s", (long long)(s / 60), (long long)(s % 60));
    return text_format("%lld s", (long long)s);
}

void progress_step(struct progress_step *step, int64_t done, int64_t all) {
    int64_t now_ns = clock_monotonic_ns();
    bool redraws = terminal_obeys(stdout);
    CLEANUP_FREE char *bar = picture_bar(all ? (double)done / (double)all : 1, PICTURE_BAR);
    CLEANUP_FREE char *line =
        text_format("  %s %lld/%lld  %s", bar, (long long)done, (long long)all, step->what);

    if (!step->shown_ns)
        step->shown_ns = redraws ? 1 : now_ns; /* a bar at once */
    if (done < all && now_ns - step->shown_ns < (redraws ? REDRAW_NS : STEP_NS))
        return;
    if (redraws && done < all)
        /* What the terminal breaks in two could not be drawn over. */
        printf("\r\033[K%.*s", terminal_size(stdout).columns - 1, line);
    else if (redraws)
        printf("\r\033[K");
    else if (done < all)
        printf("%lld of %lld %s\n", (long long)done, (long long)all, step->what);
    (void)fflush(stdout);
    step->shown_ns = now_ns;
}

int64_t progress_trial_ns(const struct measurement *measurement) {
    return probe_find(measurement->probe)->planned_ns(measurement->settings);
}

int64_t progress_planned_ns(const struct scenario *scenario, size_t n_deployments) {
    int64_t one_ns = 0;

    for (size_t i = 0; i < scenario->n_measurements; i++)
        one_ns += progress_trial_ns(&scenario->measurements[i]);
    return one_ns * (int64_t)n_deployments;
}

struct progress *progress_new(const struct scenario *scenario, size_t n_deployments,
                              enum verbosity verbosity) {
    struct progress *progress = memory_new(1, sizeof(*progress));
    size_t cells = scenario->n_channels * scenario->n_measurements;

    *progress = (struct progress){.scenario = scenario,
                                  .verbosity = verbosity,
                                  .started_ns = clock_monotonic_ns(),
                                  .doing = text_copy("starting")};
    progress->latest = memory_new(cells, sizeof(*progress->latest));
    for (size_t i = 0; i < cells; i++)
        progress->latest[i].value = NAN;
    progress_expect(progress, n_deployments);
    if (verbosity != QUIET)
        progress->picture = picture_new();
    return progress;
}

/* ---- the picture ---- */

/* "1 min 05 s left", from the pace so far: what a trial takes beyond its measured time, the coming
 * ones take too. Of a number of blocks that is not fixed only the largest is known. */
static char *time_left(const struct progress *progress) {
    int64_t elapsed = clock_monotonic_ns() - progress->started_ns, left;
    double pace = progress->measured_ns ? (double)elapsed / (double)progress->measured_ns : 1.1;
    CLEANUP_FREE char *duration = NULL;

    pace = pace > 3 ? 3 : pace;
    left = (int64_t)(pace * (double)progress->planned_ns) - elapsed;
    duration = progress_duration(left > 0 ? left : 0);
    return text_format("%s%s left",
                       scenario_repetitions(progress->scenario).precision > 0 ? "at most " : "",
                       duration);
}

/* "took 1 min 05 s" */
static char *time_taken(const struct progress *progress) {
    CLEANUP_FREE char *duration = progress_duration(clock_monotonic_ns() - progress->started_ns);

    return text_format("took %s", duration);
}

static void draw(struct progress *progress, bool over) {
    CLEANUP_FREE char *time = over ? time_taken(progress) : time_left(progress);

    picture_draw(progress->picture, &(struct picture_facts){.scenario = progress->scenario,
                                                            .latest = progress->latest,
                                                            .channel = progress->channel,
                                                            .measurement = progress->measurement,
                                                            .done = progress->done,
                                                            .total = progress->total,
                                                            .failed = progress->failed,
                                                            .time = time,
                                                            .doing = progress->doing,
                                                            .over = over});
    progress->redrawn_ns = clock_monotonic_ns();
}

void progress_tick(void *context) {
    struct progress *progress = context;

    if (progress->picture && (picture_resized(progress->picture) ||
                              clock_monotonic_ns() - progress->redrawn_ns >= REDRAW_NS))
        draw(progress, false);
}

void progress_free(struct progress *progress) {
    if (progress->picture) {
        text_replace(&progress->doing, progress->done == progress->total ? "finished" : "ended");
        draw(progress, true);
        picture_free(progress->picture);
    }
    free(progress->latest);
    free(progress->doing);
    free(progress);
}

/* ---- lines that stay ---- */

/* To a user who wants at least that much. */
static void say(struct progress *progress, enum verbosity least, enum style style,
                const char *line) {
    CLEANUP_FREE char *wrapped = NULL;

    if (progress->verbosity < least)
        return;
    if (progress->picture) {
        picture_erase(progress->picture);
        wrapped = terminal_wrap(line, terminal_size(stdout).columns - 1, NOTE_INDENT);
    }
    terminal_print(stdout, style, "%s", wrapped ? wrapped : line);
    (void)putchar('\n');
    if (progress->picture)
        draw(progress, false);
    (void)fflush(stdout);
}

void progress_note(struct progress *progress, const char *format, ...) {
    CLEANUP_FREE char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = text_vformat(format, arguments);
    va_end(arguments);
    say(progress, NORMAL, STYLE_PLAIN, line);
}

void progress_detail(struct progress *progress, enum style style, const char *format, ...) {
    CLEANUP_FREE char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = text_vformat(format, arguments);
    va_end(arguments);
    say(progress, VERBOSE, style, line);
}

void progress_expect(struct progress *progress, size_t n_deployments) {
    const struct scenario *scenario = progress->scenario;

    progress->total = progress->done + n_deployments * scenario->n_measurements;
    progress->planned_ns = progress->measured_ns + progress_planned_ns(scenario, n_deployments);
}

void progress_doing(struct progress *progress, const struct trial_id *id, const char *doing) {
    const struct scenario *scenario = progress->scenario;
    struct repetitions repetitions = scenario_repetitions(scenario);
    CLEANUP_FREE char *label = channel_label(&scenario->channels[id->deployment->channel]);

    free(progress->doing);
    progress->doing = text_format("block %d of %s%d  %s: %s", id->deployment->block,
                                  repetitions.precision > 0 ? "at most " : "",
                                  (int)repetitions.largest, label, doing);
    progress->channel = id->deployment->channel;
    if (id->measurement)
        progress->measurement = (size_t)(id->measurement - scenario->measurements);
    if (progress->picture)
        draw(progress, false);
}

/* Of every trial without a picture, which has the rest; else of those that have a reason. */
static void say_trial(struct progress *progress, const struct trial_id *id,
                      enum trial_status status, const char *result) {
    const struct scenario *scenario = progress->scenario;
    const char *variant = id->measurement->variant;
    CLEANUP_FREE char *channel = channel_label(&scenario->channels[id->deployment->channel]);
    CLEANUP_FREE char *left = time_left(progress);
    CLEANUP_FREE char *total = text_format("%zu", progress->total);
    CLEANUP_FREE char *line = text_format(
        "%*zu/%s  %s%s%s %s%s%s, block %d: %s", (int)strlen(total), progress->done, total,
        progress->picture ? "" : left, progress->picture ? "" : "  ", channel,
        id->measurement->probe, *variant ? " " : "", variant, id->deployment->block, result);
    bool bad = status == TRIAL_FAILED || status == TRIAL_VOID;

    say(progress, bad ? QUIET : NORMAL,
        status == TRIAL_OK ? STYLE_PLAIN : terminal_style_of(trial_status_word(status)), line);
}

void progress_trial(struct progress *progress, const struct trial_id *id,
                    const struct trial_result *result) {
    double value =
        result->bytes < 0 ? result->headline : (double)result->bytes * 8 / 1e6 / result->duration_s;
    size_t measurement = (size_t)(id->measurement - progress->scenario->measurements);
    size_t cell = id->deployment->channel * progress->scenario->n_measurements + measurement;
    CLEANUP_FREE char *figure = picture_figure(value);
    CLEANUP_FREE char *outcome =
        result->status == TRIAL_OK
            ? text_format("%s %s", figure, picture_unit(progress->scenario, id->probe))
            : text_copy(trial_status_word(result->status));
    CLEANUP_FREE char *text = text_format("%s%s%s", outcome, result->reason ? ": " : "",
                                          result->reason ? result->reason : "");

    progress->measured_ns += progress_trial_ns(id->measurement);
    progress->done++;
    progress->failed += result->status == TRIAL_FAILED || result->status == TRIAL_VOID;
    progress->latest[cell] = (struct latest){result->status, value};
    if (result->reason || !progress->picture)
        say_trial(progress, id, result->status, text);
    progress_tick(progress);
}
