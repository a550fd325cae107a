/* model/hostlist: names as Slurm writes them, specifications one behind the other. */
#include "workshop.h"

#include "model/hostlist.h"

/* All names with blanks between them; the caller's. */
static char *joined(const struct hostlist *list) {
    char *text = text_copy("");

    for (size_t i = 0; i < list->n; i++)
        text_append(&text, "|", list->names[i]);
    return text;
}

static void test_names(void **state) {
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"node1", "node1"},
        {"node[1-3]", "node1|node2|node3"},
        {" node1,node3  pi.lan ", "node1|node3|pi.lan"},
        {"pi-[01-03,7]", "pi-01|pi-02|pi-03|pi-7"},
        {"node[9-11]", "node9|node10|node11"},
        {"node[09-11]", "node09|node10|node11"},
        {"[1-2]", "1|2"},
        {"rack[1-2]-node[1-2]x", "rack1-node1x|rack1-node2x|rack2-node1x|rack2-node2x"},
        {"node[1-2],pi-[1]", "node1|node2|pi-1"},
        {"n[000-000]", "n000"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(hostlist_clear) struct hostlist list = {NULL, 0};
        CLEANUP_FREE char *names = NULL;
        struct error error = {""};

        if (hostlist_expand(cases[i].text, &list, &error) < 0)
            fail_msg("'%s': %s", cases[i].text, error.text);
        names = joined(&list);
        assert_string_equal(names, cases[i].names);
    }
}

static void test_no_names(void **state) {
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "names no host"},
        {" , ", "names no host"},
        {"node[1-", "'node[1-' has a '[' without its ']'"},
        {"node[1-2]x[", "'node[1-2]x[' has a '[' without its ']'"},
        {"node]", "'node]' is no host's name"},
        {"node[]", "'node[]': '' is neither a number nor a range"},
        {"node[1,]", "'node[1,]': '' is neither"},
        {"node[a-c]", "'node[a-c]': 'a-c' is neither"},
        {"node[1-2-3]", "'node[1-2-3]': '1-2-3' is neither"},
        {"node[1 2]", "'node[1 2]': '1 2' is neither"},
        {"node[1-2", "'node[1-2' has a '['"},
        {"node[-2]", "'node[-2]': '-2' is neither"},
        {"node[1234567890-1234567891]", "is neither"},
        {"node[8-1]", "'node[8-1]': the range '8-1' runs backwards"},
        {"node1 node[1-2]", "names 'node1' twice"},
        {"node[1-65]", "names too many hosts: a run has 64 at most"},
        {"node[1-999999999]", "names too many hosts: a run has 64 at most"},
        {"n[1-20]-[1-20]", "names too many hosts: a run has 64 at most"},
        {"-w", "'-w' is no host's name"},
        {"node$(id)", "'node$(id)' is no host's name"},
        {"ssh://pi@a", "'ssh://pi@a' is no host's name"},
        {"k\xc3\xb6ln", "is no host's name"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct hostlist list = {NULL, 0};
        struct error error = {""};

        if (hostlist_expand(cases[i].text, &list, &error) != -EINVAL)
            fail_msg("'%s' was taken", cases[i].text);
        assert_has(error.text, cases[i].words);
        assert_null(list.names);
    }
}

static void test_most_names(void **state) {
    CLEANUP(hostlist_clear) struct hostlist list = {NULL, 0};

    (void)state;
    assert_int_equal(hostlist_expand("node[001-064]", &list, NULL), 0);
    assert_int_equal(list.n, 64);
    assert_string_equal(list.names[63], "node064");
}

static bool begins(const char *word) {
    return text_equal(word, "local") || strncmp(word, "exec:", 5) == 0;
}

static void test_specifications(void **state) {
    static const struct {
        const char *text, *hosts;
    } cases[] = {
        {"local", "local"},
        {"exec:srun -n1 -w node1 exec:srun -n1 -w node2",
         "exec:srun -n1 -w node1|exec:srun -n1 -w node2"},
        {"  local  exec:a   b ", "local|exec:a b"},
        {"pi exec:a", "pi|exec:a"}, /* what it is worth is for others to say */
    };
    struct hostlist list = {NULL, 0};
    struct error error = {""};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *hosts = NULL;

        assert_int_equal(hostlist_split(cases[i].text, begins, &list, NULL), 0);
        hosts = joined(&list);
        assert_string_equal(hosts, cases[i].hosts);
        hostlist_clear(&list);
    }
    assert_int_equal(hostlist_split(" ", begins, &list, &error), -EINVAL);
    assert_string_equal(error.text, "names no host");
    assert_int_equal(hostlist_split("exec:a b exec:a b", begins, &list, &error), -EINVAL);
    assert_string_equal(error.text, "names 'exec:a b' twice");
    assert_int_equal(hostlist_split("exec:a exec:b exec:a", begins, &list, &error), -EINVAL);
    assert_null(list.names);
}

static void test_launcher(void **state) {
    CLEANUP(hostlist_clear) struct hostlist list = {NULL, 0};
    CLEANUP_FREE char *hosts = NULL;

    (void)state;
    assert_int_equal(hostlist_expand("n[1-2]", &list, NULL), 0);
    hostlist_launch(&list, "exec:srun -w %h --job-name=%h-%j");
    hosts = joined(&list);
    assert_string_equal(hosts, "exec:srun -w n1 --job-name=n1-%j|exec:srun -w n2 --job-name=n2-%j");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_no_names),
        cmocka_unit_test(test_most_names), cmocka_unit_test(test_specifications),
        cmocka_unit_test(test_launcher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
