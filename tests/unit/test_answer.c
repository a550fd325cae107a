/* analysis/answer: what a run answers, in lines of plain words. */
#include "run_analysis.h"

#define SCENARIO_OF(channels, probes)                                                              \
    "[scenario]\nname = small\nchannels = " channels "\nprobes = " probes                          \
    "\nrepetitions = 8\nbaseline = plain\n"                                                        \
    "[channel.plain-again]\ncontrol = same\n[channel.plain-slowed]\ncontrol = slowed\n"            \
    "loss = 20%\n"
#define TWO_RUNGS                                                                                  \
    "probe,metric,unit,better,headline,help,rung,sender,receiver\n"                                \
    "lower,throughput,Mbit/s,higher,yes,,1,c.s,b.r\nupper,throughput,Mbit/"                        \
    "s,higher,yes,,2,c.s,b.r\n"
#define RUNGLESS                                                                                   \
    "probe,metric,unit,better,headline,help,rung,sender,receiver\n"                                \
    "delay,throughput,ms,lower,yes,,,c.c,c.c\n"

/* The answer of a run of so many blocks: channel names[i] has values[i] in each, but for noise. */
static struct analysis *run_of(const char *scenario, const char *definitions, const char *probe,
                               const char *const *names, const double *values, int blocks) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= blocks; block++)
        for (int i = 0; names[i]; i++)
            draft_value(&draft, block, names[i], probe,
                        values[i] * (1 + 0.006 * draft_noise(20 * block + i)));
    return draft_analyse(&draft, scenario, definitions, NULL);
}

/* The answer comes first among the findings. */
static void assert_answer(const struct analysis *analysis, size_t n, const char *const *parts) {
    const struct finding *list = analysis->findings->list;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(list[i].kind, FINDING_ANSWER);
        assert_part(list[i].text, parts[i]);
    }
    assert_int_not_equal(list[n].kind, FINDING_ANSWER);
}

static void test_of_the_top_rung(void **state) {
    static const char *const names[] = {"plain", "tls", "password", NULL};
    static const double values[] = {100, 23, 100};
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of(SCENARIO_OF("plain tls password", "lower upper"), TWO_RUNGS,
                                       "upper", names, values, 8);

    (void)state;
    assert_answer(analysis, 2,
                  (const char *const[]){"tls delivers 23.0 % of plain's throughput (95 % CI 2",
                                        "password makes no difference above 2 %."});
}

static void test_controls_are_left_out(void **state) {
    static const char *const names[] = {"plain", "plain-again", "plain-slowed", "psk", NULL};
    static const double values[] = {100, 100, 80, 31.25};
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of(SCENARIO_OF("plain plain-again plain-slowed psk", "upper"),
                                       TWO_RUNGS, "upper", names, values, 8);

    (void)state;
    assert_answer(analysis, 1, (const char *const[]){"psk delivers 31."});
}

static void test_many_channels(void **state) {
    static const char *const names[] = {"plain", "a", "b", "c", "d", "e", "f", "g", NULL};
    static const double values[] = {10, 90, 80, 12, 60, 50, 40, 30};
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of(SCENARIO_OF("plain a b c d e f g", "delay"), RUNGLESS, "delay", names, values, 10);
    const char *answer = analysis->findings->list[0].text;

    (void)state;
    assert_answer(analysis, 1, (const char *const[]){"a takes 9."});
    assert_part(answer, " times plain's throughput (95 % CI ");
    assert_part(answer, "), c 120.0 % (1");
    assert_part(answer, "), 5 others between 3.0");
    assert_part(answer, " times and 8.0");
    assert_no_part(answer, "b 8.");
}

static void test_undecided(void **state) {
    static const char *const names[] = {"plain", "tls", NULL};
    static const double values[] = {100, 23};
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of(SCENARIO_OF("plain tls", "upper"), TWO_RUNGS, "upper", names, values, 3);

    (void)state;
    assert_answer(analysis, 2,
                  (const char *const[]){"No verdict: 3 complete blocks are too few.",
                                        "Undecided, which does not mean equal: tls (95 % CI 2"});
}

static void test_unsteady(void **state) {
    static const char *const names[] = {"plain", "plain-again", "tls", NULL};
    static const double values[] = {100, 60, 23};
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of(SCENARIO_OF("plain plain-again tls", "upper"), TWO_RUNGS, "upper", names, values, 9);

    (void)state;
    assert_answer(analysis, 1,
                  (const char *const[]){"No conclusion: the set-up is too unsteady, a control "
                                        "failed on upper."});
}

static void test_nothing_measured(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    draft_trial(&draft, 1, "plain", "upper", "", "", "failed");
    analysis = draft_analyse(&draft, SCENARIO_OF("plain", "upper"), TWO_RUNGS, NULL);
    assert_answer(analysis, 1, (const char *const[]){"nothing was measured"});
}

/* Eight blocks in which tls takes four times plain's `metric`. */
static struct analysis *four_times(const char *metric, const char *unit, const char *better) {
    CLEANUP_FREE char *definitions = text_format(
        "probe,metric,unit,better,headline,help,rung,sender,receiver\nfleet,%s,%s,%s,yes,,,,\n",
        metric, unit, better);
    CLEANUP_FREE char *names = text_format("broker,mosquitto,%s,%s", metric, unit);
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 8; block++)
        for (int i = 0; i < 2; i++) {
            draft_trial(&draft, block, i ? "tls" : "plain", "fleet", "", "", "ok");
            draft_metric(&draft, names,
                         (i ? 400 : 100) * (1 + 0.006 * draft_noise(20 * block + i)));
        }
    return draft_analyse(&draft, SCENARIO_OF("plain tls", "fleet"), definitions, NULL);
}

static const struct finding *verdict_of(const struct analysis *analysis) {
    for (size_t i = 0; i < analysis->findings->n; i++)
        if (analysis->findings->list[i].kind == FINDING_VERDICT)
            return &analysis->findings->list[i];
    fail_msg("no verdict");
    return NULL;
}

/* What people read of metrics whose names are no words, and of what is no matter of speed. */
static void test_words(void **state) {
    static const struct {
        const char *metric, *unit, *better, *answer, *verdict, *word;
    } cases[] = {
        {"memory_per_connection", "B", "lower", "takes 4.00 times plain's memory per connection (",
         "fleet: tls takes more than plain: memory per connection 3", "more"},
        {"time_99", "s", "lower", "takes 4.00 times plain's time until 99 % are back (",
         "fleet: tls is slower than plain: time until 99 % are back 3", "slower"},
        {"delivered_rate", "1/s", "higher", "delivers 4.00 times plain's messages per second (",
         "fleet: tls is faster than plain: messages per second 3", "faster"},
        {"broker_cpu_per_message", "us", "lower",
         "takes 4.00 times plain's broker CPU per message (",
         "fleet: tls takes more than plain: broker CPU per message 3", "more"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(analysis_freep)
        struct analysis *analysis = four_times(cases[i].metric, cases[i].unit, cases[i].better);

        assert_answer(analysis, 1, (const char *const[]){cases[i].answer});
        assert_part(verdict_of(analysis)->text, cases[i].verdict);
        assert_string_equal(verdict_of(analysis)->verdict, cases[i].word);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_the_top_rung), cmocka_unit_test(test_controls_are_left_out),
        cmocka_unit_test(test_many_channels),   cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_unsteady),        cmocka_unit_test(test_nothing_measured),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
