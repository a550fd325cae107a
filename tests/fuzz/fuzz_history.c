/* run/resumption: what a power cut or anybody has left of a run's tables is read or refused; then
 * it is known what is still to be measured. Parts of the input, below the tables' headers:
 * trials.csv, metrics.csv, intervals.csv, proofs.csv, telemetry.csv, blocks.csv, distributions.csv.
 */
#include "fuzz.h"

#include "../registry.h"
#include "run/journal.h"
#include "run/resumption.h"

static const enum journal_table tables[] = {
    JOURNAL_TRIALS,    JOURNAL_METRICS, JOURNAL_INTERVALS,    JOURNAL_PROOFS,
    JOURNAL_TELEMETRY, JOURNAL_BLOCKS,  JOURNAL_DISTRIBUTIONS};
static const char *names[ARRAY_SIZE(tables)];
static struct fuzz_folder run;

/* The same run in both orders. */
static struct plan *plans[2];
static struct scenario *scenarios[2];

static void tidy_up(void) {
    fuzz_folder_remove(&run);
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        plan_free(plans[i]);
        scenario_free(scenarios[i]);
    }
}

static void set_up(void) {
    static const char text[] = "[scenario]\nname = fuzz\nchannels = plain password\n"
                               "probes = path transport\nrepetitions = 2\n";
    struct fuzz_file file = fuzz_file_make();
    struct error error;

    fuzz_file_put(&file, text, strlen(text));
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        struct scenario_override order = {"--set", "scenario.order", i ? "sequential" : "shuffled"};

        FUZZ_CHECK(scenario_load(&scenarios[i], workshop_registry(), FUZZ_SCENARIOS, file.path,
                                 &order, 1, &error) == 0,
                   "%s", error.text);
        plans[i] = plan_new(scenarios[i]);
    }
    (void)close(file.fd);
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        names[i] = journal_layouts[tables[i]].name;
    fuzz_folder_make(&run, names, ARRAY_SIZE(names));
    (void)atexit(tidy_up);
}

static void put_tables(struct fuzz_part rest) {
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        CLEANUP_FREE char *rows = fuzz_text(fuzz_next(&rest));
        const struct journal_layout *layout = &journal_layouts[tables[i]];
        CLEANUP_FREE char *header = csv_header(layout->columns, layout->n_columns);
        CLEANUP_FREE char *text = text_format("%s\n%s", header, rows);

        fuzz_folder_put(&run, i, text, strlen(text));
    }
}

/* Every deployment once at the most, as an attempt that a table can hold. */
static void check_items(struct schedule_list list, const struct plan *plan) {
    CLEANUP_FREE bool *seen = memory_new(plan->n_deployments, sizeof(bool));

    for (size_t i = 0; i < list.n; i++) {
        size_t deployment = (size_t)(list.items[i].deployment - plan->deployments);

        FUZZ_CHECK(deployment < plan->n_deployments && !seen[deployment], "%zu", deployment);
        FUZZ_CHECK(list.items[i].attempt >= 1, "%d", list.items[i].attempt);
        seen[deployment] = true;
    }
    free(list.items);
}

static void resume(struct scenario *scenario, struct plan *plan, enum scenario_order order) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_new(plan, order);
    struct resumption resumption = {
        .folder = run.path, .scenario = scenario, .plan = plan, .schedule = schedule};
    struct error error = {""};
    int r = resumption_read_tables(&resumption, &error);

    FUZZ_CHECK((r == 0) == !*error.text, "%d: '%s'", r, error.text);
    if (r < 0)
        return;
    check_items(schedule_first(schedule), plan);
    check_items(schedule_again(schedule), plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!plans[0])
        set_up();
    put_tables((struct fuzz_part){(const char *)data, size});
    resume(scenarios[0], plans[0], ORDER_SHUFFLED);
    resume(scenarios[1], plans[1], ORDER_SEQUENTIAL);
    return 0;
}
