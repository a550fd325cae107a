#include "run/schedule.h"

/* What one attempt at a deployment has left. */
struct trace {
    int attempt;
    bool *committed; /* by measurement */
    size_t n_committed;
    bool failed; /* one of them */
};

struct traces {
    struct trace *list;
    size_t n;
};

enum block_state { UNTOUCHED, INTERRUPTED, BEGUN, MEASURED };

struct schedule {
    const struct plan *plan;
    enum scenario_order order;
    size_t n_channels;
    int n_blocks;
    size_t *places;        /* of deployments in the plan, by block and position */
    struct traces *traces; /* by place in the plan */
    int *last;             /* by block: the highest attempt, 0 for none */
};

struct schedule *schedule_new(const struct plan *plan, enum scenario_order order) {
    struct schedule *schedule = memory_new(1, sizeof(*schedule));

    *schedule = (struct schedule){.plan = plan, .order = order};
    for (size_t i = 0; i < plan->n_deployments; i++)
        if (plan->deployments[i].block > schedule->n_blocks)
            schedule->n_blocks = plan->deployments[i].block;
    schedule->n_channels = plan->n_deployments / (size_t)schedule->n_blocks;
    schedule->places = memory_new(plan->n_deployments, sizeof(*schedule->places));
    schedule->traces = memory_new(plan->n_deployments, sizeof(*schedule->traces));
    schedule->last = memory_new((size_t)schedule->n_blocks + 1, sizeof(*schedule->last));
    for (size_t i = 0; i < plan->n_deployments; i++)
        schedule->places[(size_t)(plan->deployments[i].block - 1) * schedule->n_channels +
                         (size_t)(plan->deployments[i].position - 1)] = i;
    return schedule;
}

void schedule_free(struct schedule *schedule) {
    for (size_t i = 0; i < schedule->plan->n_deployments; i++) {
        for (size_t j = 0; j < schedule->traces[i].n; j++)
            free(schedule->traces[i].list[j].committed);
        free(schedule->traces[i].list);
    }
    free(schedule->traces);
    free(schedule->places);
    free(schedule->last);
    free(schedule);
}

/* ---- what there is ---- */

static struct trace *find_trace(const struct schedule *schedule, size_t place, int attempt) {
    struct traces *traces = &schedule->traces[place];

    for (size_t i = 0; i < traces->n; i++)
        if (traces->list[i].attempt == attempt)
            return &traces->list[i];
    return NULL;
}

static struct trace *make_trace(struct schedule *schedule, size_t place, int attempt) {
    struct trace *trace = find_trace(schedule, place, attempt);
    struct traces *traces = &schedule->traces[place];

    schedule_note_block(schedule, schedule->plan->deployments[place].block, attempt);
    if (trace)
        return trace;
    traces->list = memory_resize(traces->list, traces->n + 1, sizeof(*traces->list));
    trace = &traces->list[traces->n++];
    *trace = (struct trace){.attempt = attempt,
                            .committed = memory_new(schedule->plan->n_measurements, sizeof(bool))};
    return trace;
}

void schedule_note_block(struct schedule *schedule, int block, int attempt) {
    if (schedule->last[block] < attempt)
        schedule->last[block] = attempt;
}

void schedule_note_channel(struct schedule *schedule, int block, size_t channel, int attempt) {
    const size_t *places = &schedule->places[(size_t)(block - 1) * schedule->n_channels];

    for (size_t i = 0; i < schedule->n_channels; i++)
        if (schedule->plan->deployments[places[i]].channel == channel)
            (void)make_trace(schedule, places[i], attempt);
}

void schedule_note(struct schedule *schedule, int64_t trial, int attempt) {
    (void)make_trace(schedule, (size_t)(trial - 1) / schedule->plan->n_measurements, attempt);
}

bool schedule_commit(struct schedule *schedule, int64_t trial, int attempt, bool failed) {
    size_t n = schedule->plan->n_measurements, place = (size_t)(trial - 1) % n;
    struct trace *trace = make_trace(schedule, (size_t)(trial - 1) / n, attempt);

    if (trace->committed[place])
        return false;
    trace->committed[place] = true;
    trace->n_committed++;
    trace->failed = trace->failed || failed;
    return true;
}

/* ---- what follows from it for a block ---- */

static bool is_whole(const struct schedule *schedule, const struct trace *trace) {
    return trace && trace->n_committed == schedule->plan->n_measurements;
}

static bool is_complete(const struct schedule *schedule, int block, int attempt, bool *failed) {
    const size_t *places = &schedule->places[(size_t)(block - 1) * schedule->n_channels];

    for (size_t i = 0; i < schedule->n_channels; i++) {
        const struct trace *trace = find_trace(schedule, places[i], attempt);

        if (!is_whole(schedule, trace))
            return false;
        *failed = *failed || trace->failed;
    }
    return true;
}

/* How many attempts are complete, and whether one of those has a failed trial. */
static size_t count_complete(const struct schedule *schedule, int block, bool *ret_failed) {
    const struct traces *first =
        &schedule->traces[schedule->places[(size_t)(block - 1) * schedule->n_channels]];
    size_t n = 0;

    *ret_failed = false;
    for (size_t i = 0; i < first->n; i++) {
        bool failed = false;

        if (!is_complete(schedule, block, first->list[i].attempt, &failed))
            continue;
        *ret_failed = *ret_failed || failed;
        n++;
    }
    return n;
}

/* Whether a deployment of the block's last attempt was cut short. */
static bool is_cut(const struct schedule *schedule, int block) {
    const size_t *places = &schedule->places[(size_t)(block - 1) * schedule->n_channels];

    for (size_t i = 0; i < schedule->n_channels; i++) {
        const struct trace *trace = find_trace(schedule, places[i], schedule->last[block]);

        if (trace && !is_whole(schedule, trace))
            return true;
    }
    return false;
}

static enum block_state state_of(const struct schedule *schedule, int block) {
    bool ignored;

    if (!schedule->last[block])
        return UNTOUCHED;
    if (count_complete(schedule, block, &ignored))
        return MEASURED;
    return schedule->order == ORDER_SHUFFLED || is_cut(schedule, block) ? INTERRUPTED : BEGUN;
}

int64_t schedule_measured(const struct schedule *schedule, bool *ret_interrupted) {
    int64_t measured = 0;

    *ret_interrupted = false;
    for (int block = 1; block <= schedule->n_blocks; block++) {
        enum block_state state = state_of(schedule, block);

        measured += state == MEASURED;
        *ret_interrupted = *ret_interrupted || state == INTERRUPTED || state == BEGUN;
    }
    return measured;
}

/* ---- what there is to do ---- */

void schedule_list_clear(struct schedule_list *list) {
    free(list->items);
    *list = (struct schedule_list){NULL, 0};
}

static void add(struct schedule_list *list, const struct planned_deployment *deployment,
                int attempt) {
    list->items[list->n++] = (struct schedule_item){deployment, attempt};
}

/* The attempt that a deployment which is missing goes on with, or 0 when it is not missing. */
static int missing_attempt(const struct schedule *schedule, const enum block_state *states,
                           size_t place) {
    int block = schedule->plan->deployments[place].block;

    if (states[block] == UNTOUCHED)
        return 1;
    return states[block] == BEGUN && !find_trace(schedule, place, schedule->last[block])
               ? schedule->last[block]
               : 0;
}

struct schedule_list schedule_first(const struct schedule *schedule) {
    const struct plan *plan = schedule->plan;
    CLEANUP_FREE enum block_state *states =
        memory_new((size_t)schedule->n_blocks + 1, sizeof(*states));
    struct schedule_list list = {memory_new(plan->n_deployments, sizeof(*list.items)), 0};

    for (int block = 1; block <= schedule->n_blocks; block++)
        states[block] = state_of(schedule, block);
    for (size_t i = 0; i < plan->n_deployments; i++)
        if (states[plan->deployments[i].block] == INTERRUPTED)
            add(&list, &plan->deployments[i], schedule->last[plan->deployments[i].block] + 1);
    for (size_t i = 0; i < plan->n_deployments; i++) {
        int attempt = missing_attempt(schedule, states, i);

        if (attempt)
            add(&list, &plan->deployments[i], attempt);
    }
    return list;
}

struct schedule_list schedule_again(const struct schedule *schedule) {
    const struct plan *plan = schedule->plan;
    CLEANUP_FREE bool *again = memory_new((size_t)schedule->n_blocks + 1, sizeof(*again));
    struct schedule_list list = {memory_new(plan->n_deployments, sizeof(*list.items)), 0};

    for (int block = 1; block <= schedule->n_blocks; block++) {
        bool failed;

        again[block] = count_complete(schedule, block, &failed) == 1 && failed;
    }
    for (size_t i = 0; i < plan->n_deployments; i++)
        if (again[plan->deployments[i].block])
            add(&list, &plan->deployments[i], schedule->last[plan->deployments[i].block] + 1);
    return list;
}
