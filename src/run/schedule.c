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

/* What was interrupted is measured again whole, what was begun goes on with the same attempt;
 * FAILED: measured, but its only complete attempt has a failed trial. */
enum block_state { UNTOUCHED, INTERRUPTED, BEGUN, FAILED, MEASURED };

struct schedule {
    const struct plan *plan;
    enum scenario_order order;
    size_t n_channels;
    int n_blocks;
    size_t *places;        /* of deployments in the plan, by block and position */
    struct traces *traces; /* by place in the plan */
    int *last;             /* by block: the highest attempt, 0 for none */
};

/* The places of a block's deployments, n_channels of them. */
static size_t *places_of(const struct schedule *schedule, int block) {
    return &schedule->places[(size_t)(block - 1) * schedule->n_channels];
}

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
        places_of(schedule, plan->deployments[i].block)[plan->deployments[i].position - 1] = i;
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
    traces->list = memory_room(traces->list, traces->n, sizeof(*traces->list));
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
    const size_t *places = places_of(schedule, block);

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

/* How many deployments of a block were begun in an attempt, and how many of those are whole. */
struct tally {
    size_t begun, whole;
    bool failed; /* a trial of them */
};

static struct tally tally_of(const struct schedule *schedule, int block, int attempt) {
    const size_t *places = places_of(schedule, block);
    struct tally tally = {0};

    for (size_t i = 0; i < schedule->n_channels; i++) {
        const struct trace *trace = find_trace(schedule, places[i], attempt);

        if (!trace)
            continue;
        tally.begun++;
        tally.whole += trace->n_committed == schedule->plan->n_measurements;
        tally.failed = tally.failed || trace->failed;
    }
    return tally;
}

static enum block_state state_of(const struct schedule *schedule, int block) {
    const struct traces *first = &schedule->traces[*places_of(schedule, block)];
    struct tally tally = tally_of(schedule, block, schedule->last[block]);
    bool cut = tally.begun > tally.whole;
    size_t n_complete = 0, n_failed = 0;

    if (!schedule->last[block])
        return UNTOUCHED;
    for (size_t i = 0; i < first->n; i++) {
        tally = tally_of(schedule, block, first->list[i].attempt);
        if (tally.whole < schedule->n_channels)
            continue;
        n_complete++;
        n_failed += tally.failed;
    }
    if (n_complete)
        return n_complete == 1 && n_failed ? FAILED : MEASURED;
    return schedule->order == ORDER_SHUFFLED || cut ? INTERRUPTED : BEGUN;
}

int64_t schedule_measured(const struct schedule *schedule, bool *ret_interrupted) {
    int64_t measured = 0;

    *ret_interrupted = false;
    for (int block = 1; block <= schedule->n_blocks; block++) {
        enum block_state state = state_of(schedule, block);

        measured += state >= FAILED;
        *ret_interrupted = *ret_interrupted || state == INTERRUPTED || state == BEGUN;
    }
    return measured;
}

/* ---- what there is to do ---- */

void schedule_list_clear(struct schedule_list *list) {
    free(list->items);
    *list = (struct schedule_list){NULL, 0};
}

/* By block, from 1; the caller's. */
static enum block_state *all_states(const struct schedule *schedule) {
    enum block_state *states = memory_new((size_t)schedule->n_blocks + 1, sizeof(*states));

    for (int block = 1; block <= schedule->n_blocks; block++)
        states[block] = state_of(schedule, block);
    return states;
}

/* The blocks in that state, whole, as a new attempt; there is room for every deployment. */
static struct schedule_list list_blocks(const struct schedule *schedule,
                                        const enum block_state *states, enum block_state wanted) {
    const struct plan *plan = schedule->plan;
    struct schedule_list list = {memory_new(plan->n_deployments, sizeof(*list.items)), 0};

    for (size_t i = 0; i < plan->n_deployments; i++) {
        int block = plan->deployments[i].block;

        if (states[block] == wanted)
            list.items[list.n++] =
                (struct schedule_item){&plan->deployments[i], schedule->last[block] + 1};
    }
    return list;
}

struct schedule_list schedule_first(const struct schedule *schedule) {
    const struct plan *plan = schedule->plan;
    CLEANUP_FREE enum block_state *states = all_states(schedule);
    struct schedule_list list = list_blocks(schedule, states, INTERRUPTED);

    for (size_t i = 0; i < plan->n_deployments; i++) {
        int block = plan->deployments[i].block, last = schedule->last[block];

        if (states[block] == UNTOUCHED)
            list.items[list.n++] = (struct schedule_item){&plan->deployments[i], 1};
        else if (states[block] == BEGUN && !find_trace(schedule, i, last))
            list.items[list.n++] = (struct schedule_item){&plan->deployments[i], last};
    }
    return list;
}

struct schedule_list schedule_again(const struct schedule *schedule) {
    CLEANUP_FREE enum block_state *states = all_states(schedule);

    return list_blocks(schedule, states, FAILED);
}
