#include "run/agenda.h"

/* What one attempt at a visit has left. */
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

struct agenda {
    const struct plan *plan;
    enum scenario_order order;
    size_t n_channels;
    int n_blocks;
    size_t *places;        /* of visits in the plan, by block and position */
    struct traces *traces; /* by place in the plan */
    int *last;             /* by block: the highest attempt, 0 for none */
};

struct agenda *agenda_new(const struct plan *plan, enum scenario_order order) {
    struct agenda *agenda = memory_new(1, sizeof(*agenda));

    *agenda = (struct agenda){.plan = plan, .order = order};
    for (size_t i = 0; i < plan->n_visits; i++)
        if (plan->visits[i].block > agenda->n_blocks)
            agenda->n_blocks = plan->visits[i].block;
    agenda->n_channels = plan->n_visits / (size_t)agenda->n_blocks;
    agenda->places = memory_new(plan->n_visits, sizeof(*agenda->places));
    agenda->traces = memory_new(plan->n_visits, sizeof(*agenda->traces));
    agenda->last = memory_new((size_t)agenda->n_blocks + 1, sizeof(*agenda->last));
    for (size_t i = 0; i < plan->n_visits; i++)
        agenda->places[(size_t)(plan->visits[i].block - 1) * agenda->n_channels +
                       (size_t)(plan->visits[i].position - 1)] = i;
    return agenda;
}

void agenda_free(struct agenda *agenda) {
    for (size_t i = 0; i < agenda->plan->n_visits; i++) {
        for (size_t j = 0; j < agenda->traces[i].n; j++)
            free(agenda->traces[i].list[j].committed);
        free(agenda->traces[i].list);
    }
    free(agenda->traces);
    free(agenda->places);
    free(agenda->last);
    free(agenda);
}

/* ---- what there is ---- */

static struct trace *find_trace(const struct agenda *agenda, size_t place, int attempt) {
    struct traces *traces = &agenda->traces[place];

    for (size_t i = 0; i < traces->n; i++)
        if (traces->list[i].attempt == attempt)
            return &traces->list[i];
    return NULL;
}

static struct trace *make_trace(struct agenda *agenda, size_t place, int attempt) {
    struct trace *trace = find_trace(agenda, place, attempt);
    struct traces *traces = &agenda->traces[place];

    agenda_note_block(agenda, agenda->plan->visits[place].block, attempt);
    if (trace)
        return trace;
    traces->list = memory_resize(traces->list, traces->n + 1, sizeof(*traces->list));
    trace = &traces->list[traces->n++];
    *trace = (struct trace){.attempt = attempt,
                            .committed = memory_new(agenda->plan->n_measurements, sizeof(bool))};
    return trace;
}

void agenda_note_block(struct agenda *agenda, int block, int attempt) {
    if (agenda->last[block] < attempt)
        agenda->last[block] = attempt;
}

void agenda_note_channel(struct agenda *agenda, int block, size_t channel, int attempt) {
    const size_t *places = &agenda->places[(size_t)(block - 1) * agenda->n_channels];

    for (size_t i = 0; i < agenda->n_channels; i++)
        if (agenda->plan->visits[places[i]].channel == channel)
            (void)make_trace(agenda, places[i], attempt);
}

void agenda_note(struct agenda *agenda, int64_t trial, int attempt) {
    (void)make_trace(agenda, (size_t)(trial - 1) / agenda->plan->n_measurements, attempt);
}

bool agenda_commit(struct agenda *agenda, int64_t trial, int attempt, bool failed) {
    size_t n = agenda->plan->n_measurements, place = (size_t)(trial - 1) % n;
    struct trace *trace = make_trace(agenda, (size_t)(trial - 1) / n, attempt);

    if (trace->committed[place])
        return false;
    trace->committed[place] = true;
    trace->n_committed++;
    trace->failed = trace->failed || failed;
    return true;
}

/* ---- what follows from it for a block ---- */

static bool is_whole(const struct agenda *agenda, const struct trace *trace) {
    return trace && trace->n_committed == agenda->plan->n_measurements;
}

static bool is_complete(const struct agenda *agenda, int block, int attempt, bool *failed) {
    const size_t *places = &agenda->places[(size_t)(block - 1) * agenda->n_channels];

    for (size_t i = 0; i < agenda->n_channels; i++) {
        const struct trace *trace = find_trace(agenda, places[i], attempt);

        if (!is_whole(agenda, trace))
            return false;
        *failed = *failed || trace->failed;
    }
    return true;
}

/* How many attempts are complete, and whether one of those has a failed trial. */
static size_t count_complete(const struct agenda *agenda, int block, bool *ret_failed) {
    const struct traces *first =
        &agenda->traces[agenda->places[(size_t)(block - 1) * agenda->n_channels]];
    size_t n = 0;

    *ret_failed = false;
    for (size_t i = 0; i < first->n; i++) {
        bool failed = false;

        if (!is_complete(agenda, block, first->list[i].attempt, &failed))
            continue;
        *ret_failed = *ret_failed || failed;
        n++;
    }
    return n;
}

/* Whether a visit of the block's last attempt was cut short. */
static bool is_cut(const struct agenda *agenda, int block) {
    const size_t *places = &agenda->places[(size_t)(block - 1) * agenda->n_channels];

    for (size_t i = 0; i < agenda->n_channels; i++) {
        const struct trace *trace = find_trace(agenda, places[i], agenda->last[block]);

        if (trace && !is_whole(agenda, trace))
            return true;
    }
    return false;
}

static enum block_state state_of(const struct agenda *agenda, int block) {
    bool ignored;

    if (!agenda->last[block])
        return UNTOUCHED;
    if (count_complete(agenda, block, &ignored))
        return MEASURED;
    return agenda->order == ORDER_SHUFFLED || is_cut(agenda, block) ? INTERRUPTED : BEGUN;
}

int64_t agenda_measured(const struct agenda *agenda, bool *ret_interrupted) {
    int64_t measured = 0;

    *ret_interrupted = false;
    for (int block = 1; block <= agenda->n_blocks; block++) {
        enum block_state state = state_of(agenda, block);

        measured += state == MEASURED;
        *ret_interrupted = *ret_interrupted || state == INTERRUPTED || state == BEGUN;
    }
    return measured;
}

/* ---- what there is to do ---- */

static void add(struct agenda_list *list, const struct visit *visit, int attempt) {
    list->items[list->n++] = (struct agenda_item){visit, attempt};
}

/* The attempt that a visit which is missing goes on with, or 0 when it is not missing. */
static int missing_attempt(const struct agenda *agenda, const enum block_state *states,
                           size_t place) {
    int block = agenda->plan->visits[place].block;

    if (states[block] == UNTOUCHED)
        return 1;
    return states[block] == BEGUN && !find_trace(agenda, place, agenda->last[block])
               ? agenda->last[block]
               : 0;
}

struct agenda_list agenda_first(const struct agenda *agenda) {
    const struct plan *plan = agenda->plan;
    CLEANUP_FREE enum block_state *states =
        memory_new((size_t)agenda->n_blocks + 1, sizeof(*states));
    struct agenda_list list = {memory_new(plan->n_visits, sizeof(*list.items)), 0};

    for (int block = 1; block <= agenda->n_blocks; block++)
        states[block] = state_of(agenda, block);
    for (size_t i = 0; i < plan->n_visits; i++)
        if (states[plan->visits[i].block] == INTERRUPTED)
            add(&list, &plan->visits[i], agenda->last[plan->visits[i].block] + 1);
    for (size_t i = 0; i < plan->n_visits; i++) {
        int attempt = missing_attempt(agenda, states, i);

        if (attempt)
            add(&list, &plan->visits[i], attempt);
    }
    return list;
}

struct agenda_list agenda_again(const struct agenda *agenda) {
    const struct plan *plan = agenda->plan;
    CLEANUP_FREE bool *again = memory_new((size_t)agenda->n_blocks + 1, sizeof(*again));
    struct agenda_list list = {memory_new(plan->n_visits, sizeof(*list.items)), 0};

    for (int block = 1; block <= agenda->n_blocks; block++) {
        bool failed;

        again[block] = count_complete(agenda, block, &failed) == 1 && failed;
    }
    for (size_t i = 0; i < plan->n_visits; i++)
        if (again[plan->visits[i].block])
            add(&list, &plan->visits[i], agenda->last[plan->visits[i].block] + 1);
    return list;
}
