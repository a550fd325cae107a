#include "hosts/questions.h"

#include "base/jsonline.h"
#include "hosts/busy.h"
#include "hosts/facts.h"
#include "hosts/identity.h"
#include "hosts/protocol.h"
#include "hosts/readings.h"

static json_t *answer_busy(const json_t *order) {
    (void)order;
    return busy_collect("");
}

static json_t *answer_clock(const json_t *order) {
    (void)order;
    return agent_clock();
}

static json_t *answer_facts(const json_t *order) {
    return facts_collect(jsonline_text(order, "address", ""), jsonline_text(order, "source", NULL));
}

static json_t *answer_identity(const json_t *order) {
    return identity_collect(jsonline_text(order, "address", ""));
}

static json_t *answer_readings(const json_t *order) {
    return readings_collect(jsonline_text(order, "interface", NULL));
}

/* Alphabetical. */
static const struct {
    const char *name;
    json_t *(*answer)(const json_t *order);
} questions[] = {
    {"busy", answer_busy},         {"clock", answer_clock},       {"facts", answer_facts},
    {"identity", answer_identity}, {"readings", answer_readings},
};

json_t *questions_answer(const char *name, const json_t *order) {
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
        if (text_equal(questions[i].name, name))
            return questions[i].answer(order);
    return NULL;
}
