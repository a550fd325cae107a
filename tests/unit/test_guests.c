/* broker/guests: who is ours and who is not, by lines of Mosquitto's log. */
#include "broker/guests.h"

#include "workshop.h"

#define STAMP "2026-11-28T17:36:23: "
#define COME  STAMP "New connection from "
#define IN    STAMP "New client connected from "
#define OURS                                                                                       \
    COME "192.0.2.1:40000 on port 1883.\n" IN "192.0.2.1:40000 as client1 (p2, c1, k60).\n" COME   \
         "192.0.2.2:40001 on port 1883.\n" IN                                                      \
         "192.0.2.2:40001 as client2-delivery (p5, c1, k60, u'User1').\n"

static const struct {
    const char *log, *uninvited; /* NULL: nobody */
} cases[] = {
    {"", NULL},
    {COME "192.0.2.9:1 on port 1883.\n", NULL}, /* of whom nothing is known yet */
    {OURS, NULL},
    {OURS COME "192.0.2.2:1 on port 1883.\n", NULL}, /* a proof's that was refused */
    {OURS STAMP "Client client1 disconnected.\n", NULL},
    {OURS COME "192.0.2.9:5 on port 1883.\n", "192.0.2.9 (no client id)"},
    {COME "192.0.2.9:5 on port 1883.\n" OURS, "192.0.2.9 (no client id)"},
    {OURS IN "192.0.2.9:5 as auto-0 (p2, c1, k60).\n", "192.0.2.9:5 (client id auto-0)"},
    {OURS IN "192.0.2.1:6 as mosq (p2, c1, k60).\n" IN "192.0.2.9:5 as x (p2, c1, k60).\n",
     "192.0.2.1:6 (client id mosq)"},
    {OURS IN "fd00::9:5 as client11 (p2, c1, k60).\n", "fd00::9:5 (client id client11)"},
    {IN "fd00::9:5 as client1-x (p2, c1, k60).\n" COME "fd00::9:77 on port 1883.\n", NULL},
    {OURS IN "192.0.2.3:5 as client2-m17 (p2, c1, k60).\n" COME "192.0.2.3:77 on port 1883.\n",
     NULL},
    {OURS IN "192.0.2.3:5 as client2-m (p2, c1, k60, u'client2-m').\n", NULL},
    {OURS IN "192.0.2.3:5 as client3-m1 (p2, c1, k60).\n", "192.0.2.3:5 (client id client3-m1)"},
    {OURS STAMP "Client x: New client connected from 1:1 as y (p2, c1, k60).\n", NULL},
};

/* However the log is cut into pieces. */
static void test_logs(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (size_t piece = 1; piece < 200; piece += 33) {
            CLEANUP_FREE char *uninvited = NULL;
            struct guests guests;
            size_t length = strlen(cases[i].log);

            guests_open(&guests, "client1", "client2");
            for (size_t at = 0; at < length; at += piece)
                guests_read(&guests, cases[i].log + at, length - at < piece ? length - at : piece);
            uninvited = guests_uninvited(&guests);
            guests_close(&guests);
            if (!cases[i].uninvited)
                assert_null(uninvited);
            else if (!uninvited || strcmp(uninvited, cases[i].uninvited) != 0)
                fail_msg("case %zu: %s", i, uninvited ? uninvited : "nobody");
        }
}

/* In a lab, or between machines, none of our clients comes from where the broker is. */
static void test_own(void **state) {
    static const char *const log = COME "192.0.2.5:9 on port 1883.\n" OURS;

    (void)state;
    for (int known = 0; known < 2; known++) {
        CLEANUP_FREE char *uninvited = NULL;
        struct guests guests;

        guests_open(&guests, "client1", "client2");
        if (known)
            guests_own(&guests, "192.0.2.5");
        guests_read(&guests, log, strlen(log));
        uninvited = guests_uninvited(&guests);
        guests_close(&guests);
        assert_true(known ? !uninvited : text_equal(uninvited, "192.0.2.5 (no client id)"));
    }
}

/* Lines of any length, addresses of any number: the first is kept, nothing else is written to. */
static void test_many(void **state) {
    CLEANUP_FREE char *long_line = memory_new(5001, 1), *uninvited = NULL;
    struct guests guests;

    (void)state;
    guests_open(&guests, "client1", "client2");
    memset(long_line, 'x', 5000);
    guests_read(&guests, long_line, 5000);
    guests_read(&guests, "\n" OURS, strlen("\n" OURS));
    for (int i = 0; i < 100; i++) {
        CLEANUP_FREE char *line = text_format(COME "10.0.0.%d:1 on port 1.\n", i);

        guests_read(&guests, line, strlen(line));
    }
    uninvited = guests_uninvited(&guests);
    assert_string_equal(uninvited, "10.0.0.0 (no client id)");
    guests_close(&guests);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
