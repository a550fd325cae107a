#include "run/history.h"

#include "base/csv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAX_ATTEMPT 1000000

/* One table while it is read; the columns of a row's key are its first. */
struct reading {
    const struct scenario *scenario;
    const struct plan *plan;
    struct schedule *schedule;
    struct history *history;
    struct csv_reader *reader; /* NULL where there is no row */
    struct error *error;
};

static int reject(const struct reading *reading, int column, const char *why) {
    return error_set(reading->error, -EBADMSG, "%s:%zu: %s: '%s' %s", reading->reader->path,
                     reading->reader->line, reading->reader->names[column],
                     reading->reader->fields[column], why);
}

static int take_number(const struct reading *reading, int column, int64_t max, int64_t *ret) {
    const char *field = reading->reader->fields[column];
    size_t length = strlen(field);
    int64_t value;

    if (!length || length > 18 || strspn(field, "0123456789") != length)
        return reject(reading, column, "is not a whole number");
    value = strtoll(field, NULL, 10);
    if (value < 1 || value > max)
        return reject(reading, column, "is not in the plan of this run");
    *ret = value;
    return 0;
}

/* ---- the kinds of rows ---- */

/* trial,attempt,... */
static int take_trial_key(const struct reading *reading, int64_t *ret_trial, int64_t *ret_attempt) {
    const struct plan *plan = reading->plan;
    int r =
        take_number(reading, 0, (int64_t)(plan->n_deployments * plan->n_measurements), ret_trial);

    if (r == 0)
        r = take_number(reading, 1, MAX_ATTEMPT, ret_attempt);
    if (r == 0)
        schedule_note(reading->schedule, *ret_trial, (int)*ret_attempt);
    return r;
}

static int take_row_of_trial(const struct reading *reading) {
    int64_t trial, attempt;

    return take_trial_key(reading, &trial, &attempt);
}

/* block,attempt,... */
static int take_block_key(const struct reading *reading, int64_t *ret_block, int64_t *ret_attempt) {
    int r = take_number(reading, 0, scenario_repetitions(reading->scenario).largest, ret_block);

    if (r == 0)
        r = take_number(reading, 1, MAX_ATTEMPT, ret_attempt);
    if (r == 0)
        schedule_note_block(reading->schedule, (int)*ret_block, (int)*ret_attempt);
    return r;
}

static int take_row_of_block(const struct reading *reading) {
    int64_t block, attempt;

    return take_block_key(reading, &block, &attempt);
}

/* block,attempt,channel,...,variant */
static int take_row_of_channel(const struct reading *reading) {
    const struct scenario *scenario = reading->scenario;
    char **fields = reading->reader->fields;
    int last = (int)reading->reader->columns - 1;
    bool known = false;
    size_t channel;
    int64_t block, attempt;
    int r = take_block_key(reading, &block, &attempt);

    for (channel = 0; channel < scenario->n_channels; channel++) {
        if (!text_equal(scenario->channels[channel].name, fields[2]))
            continue;
        known = true;
        if (text_equal(scenario->channels[channel].variant, fields[last]))
            break;
    }
    if (r == 0 && channel == scenario->n_channels)
        r = reject(reading, known ? last : 2,
                   known ? "is no variant of this channel" : "is no channel of this run");
    if (r == 0)
        schedule_note_channel(reading->schedule, (int)block, channel, (int)attempt);
    return r;
}

/* What the plan says of a trial must be what its row says. */
static int check_planned(const struct reading *reading, int64_t trial) {
    enum { BLOCK = 2, POSITION, CHANNEL, PROBE, VARIANT };
    size_t place = (size_t)(trial - 1) / reading->plan->n_measurements;
    const struct planned_deployment *deployment = &reading->plan->deployments[place];
    const struct channel *channel = &reading->scenario->channels[deployment->channel];
    const struct measurement *measurement =
        &reading->scenario->measurements[(size_t)(trial - 1) % reading->plan->n_measurements];
    CLEANUP_FREE char *variant = scenario_variant(channel, measurement);
    CLEANUP_FREE char *block = text_format("%d", deployment->block);
    CLEANUP_FREE char *position = text_format("%d", deployment->position);
    const char *planned[] = {
        [BLOCK] = block,           [POSITION] = position,
        [CHANNEL] = channel->name, [PROBE] = measurement->probe,
        [VARIANT] = variant,
    };

    for (int i = BLOCK; i <= VARIANT; i++)
        if (!text_equal(reading->reader->fields[i], planned[i])) {
            CLEANUP_FREE char *why =
                text_format("is not as planned; trial %lld has '%s'", (long long)trial, planned[i]);

            return reject(reading, i, why);
        }
    return 0;
}

static int take_committed(const struct reading *reading) {
    enum { STATUS = 11 };
    const char *word = reading->reader->fields[STATUS];
    int64_t trial, attempt;
    enum trial_status status = TRIAL_OK;
    int r = take_trial_key(reading, &trial, &attempt);

    if (r == 0)
        r = check_planned(reading, trial);
    if (r < 0)
        return r;
    while (status < TRIAL_SKIPPED && !text_equal(trial_status_word(status), word))
        status++;
    if (!text_equal(trial_status_word(status), word))
        return reject(reading, STATUS, "is none of ok, failed, void, skipped");
    if (!schedule_commit(reading->schedule, trial, (int)attempt, status == TRIAL_FAILED))
        return reject(reading, 0, "stands in the table already, with the same attempt");
    reading->history->trials[status]++;
    return 0;
}

/* ---- the tables ---- */

static int (*const takers[JOURNAL_N_TABLES])(const struct reading *reading) = {
    [JOURNAL_METRICS] = take_row_of_trial,     [JOURNAL_DISTRIBUTIONS] = take_row_of_trial,
    [JOURNAL_INTERVALS] = take_row_of_trial,   [JOURNAL_PROOFS] = take_row_of_channel,
    [JOURNAL_TELEMETRY] = take_row_of_channel, [JOURNAL_BLOCKS] = take_row_of_block,
    [JOURNAL_TRIALS] = take_committed,
};

/* The first line, as text: its fields have no quotes. */
static char *header_of(const struct csv_reader *reader) {
    char *header = text_copy(reader->names[0]);

    for (size_t i = 1; i < reader->columns; i++)
        text_append(&header, ",", reader->names[i]);
    return header;
}

/* Whether the file ends within its first line: its header was never written to the end. */
static bool has_no_header(const char *path) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    int c = EOF;

    while (file && (c = fgetc(file)) != EOF && c != '\n')
        ;
    return file && c == EOF;
}

/* reading->reader is the caller's also after a failure; it is NULL where there is no row. */
static int open_table(struct reading *reading, const char *path, const char *header) {
    CLEANUP_FREE char *found = NULL;
    int r;

    if (access(path, F_OK) < 0)
        return error_set(
            reading->error, -ENOENT,
            "%s is missing: the run's record is not whole, so nobody can go on with it", path);
    if (has_no_header(path))
        return 0;
    r = csv_reader_open(&reading->reader, path, reading->error);
    if (r < 0)
        return r;
    found = header_of(reading->reader);
    if (!text_equal(found, header))
        return error_set(reading->error, -EBADMSG,
                         "%s:1: the columns are %s; this program writes %s", path, found, header);
    return 0;
}

static int read_table(struct reading *reading, const char *folder, enum journal_table which) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, journal_layouts[which].name);
    CLEANUP_FREE char *header =
        csv_header(journal_layouts[which].columns, journal_layouts[which].n_columns);
    int r = open_table(reading, path, header);

    while (r >= 0 && reading->reader && (r = csv_reader_next(reading->reader, reading->error)) > 0)
        r = takers[which](reading);
    csv_reader_closep(&reading->reader);
    return r;
}

int history_read(struct history *ret, const char *folder, const struct scenario *scenario,
                 const struct plan *plan, struct schedule *schedule, struct error *error) {
    struct history history = {{0}};
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++) {
        struct reading reading = {scenario, plan, schedule, &history, NULL, error};

        r = read_table(&reading, folder, (enum journal_table)i);
    }
    if (r == 0)
        *ret = history;
    return r;
}
