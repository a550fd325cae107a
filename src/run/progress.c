#include "run/progress.h"

#include "base/clock.h"
#include "probes/probe.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH 24
#define MIN_WIDTH 40
#define REDRAW_NS (200 * NS_PER_MS)

struct progress {
    const struct scenario *scenario;
    enum verbosity verbosity;
    bool redraws;   /* on a terminal that can be redrawn */
    int drawn;      /* lines on the screen that will be drawn over */
    double *latest; /* channels x measurements, NaN: none yet */
    size_t done, total;
    int64_t started_ns, redrawn_ns;
    int64_t planned_ns, measured_ns; /* all trials; those that are over */
    char *doing;
    int width;
};

char *progress_duration(int64_t ns) {
    int64_t s = (ns + NS_PER_S / 2) / NS_PER_S;

    if (s >= 3600)
        return text_format("%lld h %02lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
    if (s >= 60)
        return text_format("%lld min %02lld s", (long long)(s / 60), (long long)(s % 60));
    return text_format("%lld s", (long long)s);
}

char *progress_figure(double value) {
    int decimals;

    if (!isfinite(value))
        return text_copy("-");
    decimals = value <= 0 ? 0 : 3 - (int)floor(log10(value));
    if (value > 0 && value >= pow(10, 4 - decimals) - 0.5 * pow(10, -decimals))
        decimals--; /* rounds up to one digit more */
    return text_format("%.*f", decimals < 0 ? 0 : decimals > 6 ? 6 : decimals, value);
}

/* Redrawing needs a terminal that understands it and that the picture fits into. */
static bool can_redraw(const struct progress *progress, int *ret_width) {
    const char *terminal = getenv("TERM");
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || !terminal || text_equal(terminal, "dumb") ||
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return false;
    *ret_width = size.ws_col;
    return size.ws_col >= MIN_WIDTH && size.ws_row > progress->scenario->n_channels + 4;
}

#define STEP_NS (10 * NS_PER_S)

static void fill_bar(char bar[BAR_WIDTH + 1], double share) {
    size_t filled = (size_t)(share * BAR_WIDTH);

    for (size_t i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '-';
    bar[BAR_WIDTH] = '\0';
}

void progress_step(struct progress_step *step, int64_t done, int64_t all) {
    int64_t now_ns = clock_monotonic_ns();
    bool redraws = isatty(STDOUT_FILENO);
    char bar[BAR_WIDTH + 1];

    if (!step->shown_ns)
        step->shown_ns = redraws ? 1 : now_ns; /* a bar at once */
    if (done < all && now_ns - step->shown_ns < (redraws ? REDRAW_NS : STEP_NS))
        return;
    fill_bar(bar, all ? (double)done / (double)all : 1);
    if (redraws && done < all)
        printf("\r\033[K  [%s] %lld/%lld  %s", bar, (long long)done, (long long)all, step->what);
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
        progress->latest[i] = NAN;
    progress_expect(progress, n_deployments);
    progress->redraws = verbosity != QUIET && can_redraw(progress, &progress->width);
    return progress;
}

/* ---- the picture that is drawn anew ---- */

static void erase(struct progress *progress) {
    if (progress->drawn)
        printf("\033[%dA\r\033[J", progress->drawn);
    progress->drawn = 0;
}

/* One line, cut to the width of the terminal. */
static void draw_line(struct progress *progress, const char *text) {
    CLEANUP_FREE char *visible = text_visible(text);

    printf("%.*s\n", progress->width - 1, visible);
    progress->drawn++;
}

/* What stands in a column's heading below the probe: "30B" of "payload=30B"; the caller's. */
static char *values_of(const struct measurement *measurement) {
    const char *cursor = measurement->variant, *word;
    char *values = text_copy("");
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        const char *value = (const char *)memchr(word, '=', length) + 1;
        CLEANUP_FREE char *one = strndup(value, length - (size_t)(value - word));

        text_append(&values, ",", one);
    }
    return values;
}

/* The rows of the picture: two of headings, then one for each channel. */
enum row { PROBES, VALUES, FIGURES };

static void draw_row(struct progress *progress, enum row row, const char *name, int name_width,
                     const double *figures) {
    const struct scenario *scenario = progress->scenario;
    CLEANUP_FREE char *line = text_format("  %-*s", name_width, name);

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const char *probe = scenario->measurements[i].probe;
        CLEANUP_FREE char *values = values_of(&scenario->measurements[i]);
        CLEANUP_FREE char *figure = row == FIGURES ? progress_figure(figures[i]) : NULL;
        size_t width = strlen(probe) > strlen(values) ? strlen(probe) : strlen(values);
        CLEANUP_FREE char *cell = text_format("%*s", (int)(width < 8 ? 8 : width) + 2,
                                              row == PROBES   ? probe
                                              : row == VALUES ? values
                                                              : figure);

        text_append(&line, "", cell);
    }
    draw_line(progress, line);
}

static const char *unit_of(const char *probe) {
    return probe_headline(probe_find(probe))->unit;
}

static void draw_figures(struct progress *progress) {
    const struct scenario *scenario = progress->scenario;
    const char *heading = "latest, Mbit/s";
    bool varied = false;
    size_t width;

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        varied = varied || *scenario->measurements[i].variant;
        if (!text_equal(unit_of(scenario->measurements[i].probe), "Mbit/s"))
            heading = "latest";
    }
    width = strlen(heading);
    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

        width = strlen(label) > width ? strlen(label) : width;
    }
    draw_row(progress, PROBES, heading, (int)width, NULL);
    if (varied)
        draw_row(progress, VALUES, "", (int)width, NULL);
    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

        draw_row(progress, FIGURES, label, (int)width,
                 &progress->latest[i * scenario->n_measurements]);
    }
}

/* From the pace so far: what a trial takes beyond its measured time, the coming ones take too. */
static char *time_left(const struct progress *progress) {
    int64_t elapsed = clock_monotonic_ns() - progress->started_ns, left;
    double pace = progress->measured_ns ? (double)elapsed / (double)progress->measured_ns : 1.1;

    pace = pace > 3 ? 3 : pace;
    left = (int64_t)(pace * (double)progress->planned_ns) - elapsed;
    return progress_duration(left > 0 ? left : 0);
}

/* The user may have changed it since the last picture. */
static void follow_width(struct progress *progress) {
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= MIN_WIDTH)
        progress->width = size.ws_col;
}

/* The time left stands first: a narrow terminal cuts what is behind. */
static void draw(struct progress *progress) {
    double share = progress->total ? (double)progress->done / (double)progress->total : 0;
    CLEANUP_FREE char *left = time_left(progress), *last = NULL;
    char bar[BAR_WIDTH + 1];

    fill_bar(bar, share);
    erase(progress);
    follow_width(progress);
    draw_figures(progress);
    last = text_format("  %s left  [%s] %zu/%zu  %s", left, bar, progress->done, progress->total,
                       progress->doing);
    draw_line(progress, last);
    (void)fflush(stdout);
    progress->redrawn_ns = clock_monotonic_ns();
}

void progress_tick(void *context) {
    struct progress *progress = context;

    if (progress->redraws && clock_monotonic_ns() - progress->redrawn_ns >= REDRAW_NS)
        draw(progress);
}

void progress_free(struct progress *progress) {
    if (progress->redraws) {
        text_replace(&progress->doing, progress->done == progress->total ? "finished" : "ended");
        draw(progress);
    }
    free(progress->latest);
    free(progress->doing);
    free(progress);
}

/* ---- lines that stay ---- */

/* To a user who wants at least that much. */
__attribute__((format(printf, 3, 0))) static void
say(struct progress *progress, enum verbosity least, const char *format, va_list arguments) {
    if (progress->verbosity < least)
        return;
    if (progress->redraws)
        erase(progress);
    text_vprint(stdout, format, arguments);
    (void)putchar('\n');
    if (progress->redraws)
        draw(progress);
    (void)fflush(stdout);
}

void progress_note(struct progress *progress, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say(progress, NORMAL, format, arguments);
    va_end(arguments);
}

void progress_detail(struct progress *progress, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say(progress, VERBOSE, format, arguments);
    va_end(arguments);
}

void progress_expect(struct progress *progress, size_t n_deployments) {
    const struct scenario *scenario = progress->scenario;

    progress->total = progress->done + n_deployments * scenario->n_measurements;
    progress->planned_ns = progress->measured_ns + progress_planned_ns(scenario, n_deployments);
}

void progress_doing(struct progress *progress, const struct trial_id *id, const char *doing) {
    struct repetitions repetitions = scenario_repetitions(progress->scenario);
    CLEANUP_FREE char *label =
        channel_label(&progress->scenario->channels[id->deployment->channel]);

    free(progress->doing);
    progress->doing = text_format("block %d of %s%d  %s: %s ", id->deployment->block,
                                  repetitions.precision > 0 ? "at most " : "",
                                  (int)repetitions.largest, label, doing);
    if (progress->redraws)
        draw(progress);
}

void progress_trial(struct progress *progress, const struct trial_id *id,
                    const struct trial_result *result) {
    const struct scenario *scenario = progress->scenario;
    double value =
        result->bytes < 0 ? result->headline : (double)result->bytes * 8 / 1e6 / result->duration_s;
    size_t measurement = (size_t)(id->measurement - scenario->measurements);
    CLEANUP_FREE char *figure = progress_figure(value);
    CLEANUP_FREE char *channel = channel_label(&scenario->channels[id->deployment->channel]);
    const char *variant = id->measurement->variant;
    CLEANUP_FREE char *probe =
        text_format("%s%s%s", id->measurement->probe, *variant ? " " : "", variant);
    int blocks = (int)scenario_repetitions(scenario).largest;

    progress->measured_ns += progress_trial_ns(id->measurement);
    progress->done++;
    if (result->status == TRIAL_OK)
        progress->latest[id->deployment->channel * scenario->n_measurements + measurement] = value;
    if (result->status != TRIAL_OK || result->reason)
        progress_note(progress, "block %d/%d  %-20s %-10s %s: %s", id->deployment->block, blocks,
                      channel, probe, trial_status_word(result->status),
                      result->reason ? result->reason : "");
    else if (!progress->redraws)
        progress_note(progress, "block %d/%d  %-20s %-10s %10s %s", id->deployment->block, blocks,
                      channel, probe, figure, unit_of(id->probe));
    progress_tick(progress);
}
