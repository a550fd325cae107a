#include "run/resumption.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/jsonline.h"
#include "run/journal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define FINGERPRINT_SIZE 65 /* SHA-256 in hexadecimal */
#define MAX_ATTEMPT      1000000
#define MAX_SCENARIO     (64 << 20) /* bytes of a file that was read as one already */

/* ---- what a run promises when it begins: who goes on with it must come to the same ---- */

/* Of a text without the comments that it begins with: they name the program's version. */
static int fingerprint_text(const char *text, char ret[FINGERPRINT_SIZE], struct error *error) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    while (*text == '#') {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    if (EVP_Digest(text, strlen(text), bytes, &size, EVP_sha256(), NULL) != 1)
        return error_set(error, -EIO, "OpenSSL has no SHA-256 here");
    text_hex(ret, bytes, size);
    return 0;
}

/* Every trial in order: its number, block, position, channel, probe and variant. */
static void print_plan(FILE *out, const struct scenario *scenario, const struct plan *plan) {
    for (size_t i = 0; i < plan->n_deployments * plan->n_measurements; i++) {
        const struct planned_deployment *deployment = &plan->deployments[i / plan->n_measurements];
        const size_t place = i % plan->n_measurements;
        const struct channel *channel = &scenario->channels[deployment->channel];
        CLEANUP_FREE char *variant = scenario_variant(channel, &scenario->measurements[place]);

        fprintf(out, "%lld %d %d %s %s%s%s\n", (long long)deployment->trial + (long long)place,
                deployment->block, deployment->position, channel->name,
                scenario->measurements[place].probe, *variant ? " " : "", variant);
    }
}

/* Of the plan or, when it is NULL, of the resolved scenario. */
static int fingerprint(const struct scenario *scenario, const struct plan *plan,
                       char ret[FINGERPRINT_SIZE], struct error *error) {
    CLEANUP_FREE char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return error_errno(error, -errno, "memory");
    if (plan)
        print_plan(out, scenario, plan);
    else
        scenario_write(scenario, out);
    return fclose(out) != 0 ? error_errno(error, -errno, "memory")
                            : fingerprint_text(text, ret, error);
}

int resumption_promise(json_t *environment, const struct scenario *scenario,
                       const struct plan *plan, struct error *error) {
    char of_scenario[FINGERPRINT_SIZE], of_plan[FINGERPRINT_SIZE];
    int r = fingerprint(scenario, NULL, of_scenario, error);

    if (r == 0)
        r = fingerprint(scenario, plan, of_plan, error);
    if (r < 0)
        return r;
    (void)json_object_set_new(environment, "scenario_sha256", json_string(of_scenario));
    (void)json_object_set_new(environment, "plan_sha256", json_string(of_plan));
    return 0;
}

/* Compares what the run promised under this key with what this program comes to. *ret_broken: the
 * promise, where that is something else, or NULL. */
static int compare_promise(const struct resumption *resumption, const char *key,
                           const struct plan *plan, const char **ret_broken, struct error *error) {
    const char *promise = json_string_value(json_object_get(resumption->environment, key));
    char now[FINGERPRINT_SIZE];
    int r;

    if (!promise)
        return error_set(error, -EBADMSG,
                         "%s/environment.json has no %s: the run is of a version that cannot be "
                         "gone on with; start a new one",
                         resumption->folder, key);
    r = fingerprint(resumption->scenario, plan, now, error);
    if (r == 0)
        *ret_broken = text_equal(now, promise) ? NULL : promise;
    return r;
}

static const char *commit_of(const struct resumption *resumption) {
    const char *commit = json_string_value(json_object_get(resumption->environment, "commit"));

    return commit ? commit : "unknown";
}

static int check_scenario(const struct resumption *resumption, const char *path,
                          struct error *error) {
    char written[FINGERPRINT_SIZE];
    CLEANUP_FREE char *text = NULL;
    const char *broken;
    size_t length;
    int r = compare_promise(resumption, "scenario_sha256", NULL, &broken, error);

    if (r < 0 || !broken)
        return r;
    r = file_read(path, MAX_SCENARIO, &text, &length, error);
    if (r == 0)
        r = fingerprint_text(text, written, error);
    if (r < 0)
        return r;
    if (!text_equal(written, broken))
        return error_set(error, -EINVAL,
                         "%s is not the scenario that the run began with (scenario_sha256 in "
                         "environment.json); put it back as it was, or start a new run",
                         path);
    return error_set(error, -EINVAL,
                     "the scenario means something else to this program than to the one that began "
                     "the run (scenario_sha256 in %s/environment.json); go on with commit %s, or "
                     "start a new run",
                     resumption->folder, commit_of(resumption));
}

static int check_plan(const struct resumption *resumption, struct error *error) {
    const char *broken;
    int r = compare_promise(resumption, "plan_sha256", resumption->plan, &broken, error);

    if (r < 0 || !broken)
        return r;
    return error_set(error, -EINVAL,
                     "this program plans other trials than the one that began the run, or in "
                     "another order (plan_sha256 in %s/environment.json); go on with commit %s, or "
                     "start a new run",
                     resumption->folder, commit_of(resumption));
}

/* ---- what the tables hold, checked against the plan and entered into its schedule ---- */

/* One table while it is read; the columns of a row's key are its first. */
struct reading {
    struct resumption *resumption;
    struct csv_reader *reader;
    int64_t number, attempt; /* the key of the row at hand; number: of a trial or block */
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

/* The first is a number from 1 to last. */
static int take_key(struct reading *reading, int64_t last) {
    int r = take_number(reading, 0, last, &reading->number);

    return r < 0 ? r : take_number(reading, 1, MAX_ATTEMPT, &reading->attempt);
}

/* trial,attempt,... */
static int take_row_of_trial(struct reading *reading) {
    const struct plan *plan = reading->resumption->plan;
    int r = take_key(reading, (int64_t)(plan->n_deployments * plan->n_measurements));

    if (r == 0)
        schedule_note(reading->resumption->schedule, reading->number, (int)reading->attempt);
    return r;
}

/* block,attempt,... */
static int take_row_of_block(struct reading *reading) {
    int r = take_key(reading, scenario_repetitions(reading->resumption->scenario).largest);

    if (r == 0)
        schedule_note_block(reading->resumption->schedule, (int)reading->number,
                            (int)reading->attempt);
    return r;
}

/* block,attempt,channel,...,variant */
static int take_row_of_channel(struct reading *reading) {
    const struct scenario *scenario = reading->resumption->scenario;
    char **fields = reading->reader->fields;
    int last = (int)reading->reader->columns - 1;
    bool known = false;
    int r = take_row_of_block(reading);

    if (r < 0)
        return r;
    for (size_t i = 0; i < scenario->n_channels; i++) {
        if (!text_equal(scenario->channels[i].name, fields[2]))
            continue;
        known = true;
        if (!text_equal(scenario->channels[i].variant, fields[last]))
            continue;
        schedule_note_channel(reading->resumption->schedule, (int)reading->number, i,
                              (int)reading->attempt);
        return 0;
    }
    return reject(reading, known ? last : 2,
                  known ? "is no variant of this channel" : "is no channel of this run");
}

/* What the plan says of a trial must be what its row says. */
static int check_planned(const struct reading *reading) {
    enum { BLOCK = 2, POSITION, CHANNEL, PROBE, VARIANT };
    const struct scenario *scenario = reading->resumption->scenario;
    const struct plan *plan = reading->resumption->plan;
    size_t trial = (size_t)reading->number - 1;
    const struct planned_deployment *deployment = &plan->deployments[trial / plan->n_measurements];
    const struct channel *channel = &scenario->channels[deployment->channel];
    const struct measurement *measurement = &scenario->measurements[trial % plan->n_measurements];
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
            CLEANUP_FREE char *why = text_format("is not as planned; trial %lld has '%s'",
                                                 (long long)reading->number, planned[i]);

            return reject(reading, i, why);
        }
    return 0;
}

static int take_committed(struct reading *reading) {
    enum { STATUS = 11 };
    const char *word = reading->reader->fields[STATUS];
    enum trial_status status = TRIAL_OK;
    int r = take_row_of_trial(reading);

    if (r == 0)
        r = check_planned(reading);
    if (r < 0)
        return r;
    while (status < TRIAL_N_STATUSES && !text_equal(trial_status_word(status), word))
        status++;
    if (status == TRIAL_N_STATUSES)
        return reject(reading, STATUS, "is none of ok, failed, void, skipped");
    if (!schedule_commit(reading->resumption->schedule, reading->number, (int)reading->attempt,
                         status == TRIAL_FAILED))
        return reject(reading, 0, "stands in the table already, with the same attempt");
    reading->resumption->trials[status]++;
    return 0;
}

static int (*const takers[JOURNAL_N_TABLES])(struct reading *reading) = {
    [JOURNAL_METRICS] = take_row_of_trial,     [JOURNAL_DISTRIBUTIONS] = take_row_of_trial,
    [JOURNAL_INTERVALS] = take_row_of_trial,   [JOURNAL_PROOFS] = take_row_of_channel,
    [JOURNAL_TELEMETRY] = take_row_of_channel, [JOURNAL_BLOCKS] = take_row_of_block,
    [JOURNAL_TRIALS] = take_committed,
};

static int require_file(const char *path, struct error *error) {
    return access(path, F_OK) == 0
               ? 0
               : error_set(error, -ENOENT,
                           "%s is missing: the run's record is not whole, so nobody can go on "
                           "with it",
                           path);
}

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

static int read_table(struct resumption *resumption, enum journal_table which,
                      struct error *error) {
    const struct journal_layout *layout = &journal_layouts[which];
    CLEANUP_FREE char *path = text_format("%s/%s", resumption->folder, layout->name);
    CLEANUP_FREE char *header = csv_header(layout->columns, layout->n_columns), *found = NULL;
    CLEANUP(csv_reader_closep) struct csv_reader *reader = NULL;
    struct reading reading = {.resumption = resumption, .error = error};
    int r = require_file(path, error);

    if (r < 0 || has_no_header(path))
        return r;
    r = csv_reader_open(&reader, path, error);
    if (r < 0)
        return r;
    found = header_of(reader);
    if (!text_equal(found, header))
        return error_set(error, -EBADMSG,
                         "%s:1: the columns are %s; this program writes %s; go on with commit %s, "
                         "which began the run",
                         path, found, header, commit_of(resumption));
    reading.reader = reader;
    while (r >= 0 && (r = csv_reader_next(reader, error)) > 0)
        r = takers[which](&reading);
    return r;
}

int resumption_read_tables(struct resumption *resumption, struct error *error) {
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++)
        r = read_table(resumption, (enum journal_table)i, error);
    return r;
}

/* ---- the whole ---- */

static int read_environment(struct resumption *resumption, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/environment.json", resumption->folder);

    if (access(path, F_OK) < 0)
        return error_set(error, -ENOENT,
                         "%s is missing: %s is no run, or one that never came to its first trial",
                         path, resumption->folder);
    return jsonline_read_file(path, &resumption->environment, error);
}

static int check_files(const struct resumption *resumption, struct error *error) {
    static const char *const names[] = {"scenario.ini", "definitions.csv", "factors.csv"};
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", resumption->folder, names[i]);

        r = require_file(path, error);
    }
    return r;
}

static int load_scenario(struct resumption *resumption, const struct registry *registry,
                         struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", resumption->folder);
    int r = scenario_load(&resumption->scenario, registry, NULL, path, NULL, 0, error);

    if (r == 0)
        r = check_scenario(resumption, path, error);
    if (r < 0)
        return r;
    resumption->plan = plan_new(resumption->scenario);
    resumption->schedule = schedule_new(
        resumption->plan, (enum scenario_order)scenario_own(resumption->scenario)->order);
    return check_plan(resumption, error);
}

int resumption_open(struct resumption **ret, const char *folder, const struct registry *registry,
                    struct error *error) {
    CLEANUP(resumption_closep) struct resumption *resumption = memory_new(1, sizeof(*resumption));
    size_t length = strlen(folder);
    int r;

    while (length > 1 && folder[length - 1] == '/')
        length--;
    resumption->folder = text_format("%.*s", (int)length, folder);
    r = resumption->lock_fd = journal_lock(resumption->folder, error);
    if (r >= 0 && access(resumption->folder, W_OK) < 0)
        return error_errno(error, -errno,
                           "%s: a run goes on in its own folder; go on with a copy, cp -r "
                           "--no-preserve=mode %s COPY",
                           resumption->folder, resumption->folder);
    if (r >= 0)
        r = read_environment(resumption, error);
    if (r == 0)
        r = check_files(resumption, error);
    if (r == 0)
        r = load_scenario(resumption, registry, error);
    if (r == 0)
        r = resumption_read_tables(resumption, error);
    if (r < 0)
        return r;
    *ret = resumption;
    resumption = NULL;
    return 0;
}

void resumption_enter(struct resumption *resumption, json_t *now) {
    json_t *list = json_object_get(resumption->environment, "resumed");

    if (!json_is_array(list)) {
        (void)json_object_set_new(resumption->environment, "resumed", json_array());
        list = json_object_get(resumption->environment, "resumed");
    }
    (void)json_array_append(list, now);
}

void resumption_close(struct resumption *resumption) {
    schedule_freep(&resumption->schedule);
    plan_freep(&resumption->plan);
    scenario_freep(&resumption->scenario);
    json_decref(resumption->environment);
    memory_close_fdp(&resumption->lock_fd);
    free(resumption->folder);
    free(resumption);
}
