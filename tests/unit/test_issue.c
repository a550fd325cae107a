/* run/issue with real agents: this very program, whose folder of certificates is that of one host.
 * What an agent says is written to a file beside that folder. */
#include "pki_workshop.h"

#include "hosts/agent.h"
#include "hosts/host.h"
#include "run/run.h"

#include <sys/wait.h>

/* ---- the agent ---- */

/* A child is the agent; we pass on what it says, and keep it. */
static int be_agent(const char *certs) {
    CLEANUP_FREE char *path = text_format("%s.wire", certs);
    CLEANUP(fclosep) FILE *wire = fopen(path, "ae");
    int pipes[2], status = 1;
    char buffer[4096];
    ssize_t n;
    pid_t pid;

    if (!wire || pipe(pipes) < 0)
        return 1;
    pid = fork();
    if (pid == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        _exit(agent_main(certs, certs, workshop_registry()));
    }
    (void)close(pipes[1]);
    while ((n = read(pipes[0], buffer, sizeof(buffer))) > 0) {
        (void)fwrite(buffer, 1, (size_t)n, wire);
        (void)fflush(wire);
        if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
            break;
    }
    (void)waitpid(pid, &status, 0);
    return status != 0;
}

/* ---- the fixture ---- */

struct workplace {
    char *root, *driver, *a, *b;
    struct scenario *scenario;
    struct run_options options;
    struct run run;
    struct error error;
};

static void open_host(struct workplace *site, size_t place, const char *certs) {
    const struct host_options options = {.certs = certs, .cancel_fd = -1};

    if (host_open(&site->run.workers.hosts[place], "local", &options, NULL, &site->error) < 0)
        fail_msg("%s", site->error.text);
    site->run.workers.n_hosts = place + 1;
}

static int set_up(void **state) {
    struct workplace *site = memory_new(1, sizeof(*site));

    site->root = workshop_make();
    site->driver = text_format("%s/driver", site->root);
    site->a = text_format("%s/a", site->root);
    site->b = text_format("%s/b", site->root);
    workshop_put(site->root, "small.ini",
                 "[scenario]\nchannels = login other both ed25519\nprobes = path\n"
                 "[channel.login]\nuse = password\n[channel.other]\nuse = password\n"
                 "[channel.both]\nuse = tls certificate\n"
                 "[channel.ed25519]\nuse = tls\ntls.key_type = ed25519\n");
    if (scenario_load(&site->scenario, workshop_registry(), site->root, "small", NULL, 0,
                      &site->error) < 0)
        fail_msg("%s", site->error.text);
    site->options = (struct run_options){.certs = site->driver, .cancel_fd = -1};
    site->run = (struct run){.options = &site->options,
                             .scenario = site->scenario,
                             .site.address = "127.0.0.1",
                             .secrets = json_array()};
    assert_int_equal(setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1), 0);
    *state = site;
    return 0;
}

static int tear_down(void **state) {
    struct workplace *site = *state;

    for (size_t i = 0; i < site->run.workers.n_hosts; i++)
        host_close(site->run.workers.hosts[i]);
    json_decref(site->run.secrets);
    scenario_free(site->scenario);
    workshop_remove(site->root);
    free(site->driver);
    free(site->a);
    free(site->b);
    free(site);
    return 0;
}

#define SITE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void assert_issued(struct workplace *site) {
    if (issue_channels(&site->run, &site->error) < 0)
        fail_msg("%s", site->error.text);
}

static bool is_there(const struct workplace *site, const char *path) {
    CLEANUP_FREE char *full = text_format("%s/%s", site->root, path);

    return access(full, F_OK) == 0;
}

/* ---- the tests ---- */

static void test_two_hosts(void **state) {
    struct workplace *site = *state;
    static const char *const there[] = {
        "driver/ca/ca.key",      "driver/ed25519/ca/ca.key", "a/broker/broker.key",
        "a/client1/client1.crt", "a/ed25519/broker/ca.crt",  "b/client2/client2.key",
        "b/proof/stranger.crt",  "b/proof/revoked.crt",      "a/broker/ca.crl",
        "driver/ca/ca.crl",      "b/proof/other-ca.crt",     "b/ed25519/proof/expired.crt"};
    static const char *const not_there[] = {"driver/broker", "driver/client1", "driver/client2",
                                            "driver/proof",  "a/ca",           "a/client2",
                                            "a/proof",       "a/lock",         "b/ca",
                                            "b/broker",      "b/client1",      "b/lock"};
    CLEANUP_FREE char *wire_a = NULL, *wire_b = NULL, *key = NULL;

    open_host(site, 0, site->a);
    open_host(site, 1, site->b);
    assert_issued(site);
    for (size_t i = 0; i < ARRAY_SIZE(there); i++)
        if (!is_there(site, there[i]))
            fail_msg("%s is missing", there[i]);
    for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
        if (is_there(site, not_there[i]))
            fail_msg("%s is there", not_there[i]);
    wire_a = workshop_get(site->root, "a.wire");
    wire_b = workshop_get(site->root, "b.wire");
    assert_has(wire_a, "-----BEGIN CERTIFICATE REQUEST-----");
    assert_has(wire_b, "-----BEGIN CERTIFICATE REQUEST-----");
    assert_has_not(wire_a, "PRIVATE KEY");
    assert_has_not(wire_b, "PRIVATE KEY");
    key = workshop_get(site->driver, "ca/ca.key");
    assert_has(key, "-----BEGIN ENCRYPTED PRIVATE KEY-----");
}

/* The driver has its lock while the agent in the same folder obeys. */
static void test_one_host(void **state) {
    struct workplace *site = *state;
    struct fixture store = {.folder = site->driver};

    open_host(site, 0, site->driver);
    assert_issued(site);
    store.options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    check_store(&store);
    store.options.chain.key_type = "ed25519";
    check_store(&store);
}

static void test_secrets_of_a_channel(void **state) {
    struct workplace *site = *state;
    const json_t *login, *other;

    open_host(site, 0, site->a);
    assert_issued(site);
    assert_int_equal(json_array_size(site->run.secrets), site->scenario->n_channels);
    login = json_object_get(json_array_get(site->run.secrets, 0), "password");
    other = json_object_get(json_array_get(site->run.secrets, 1), "password");
    assert_int_equal(json_object_size(login), 1);
    assert_int_equal(json_string_length(json_object_get(login, "login")), 24);
    assert_int_equal(json_string_length(json_object_get(other, "other")), 24);
    assert_int_equal(json_object_size(json_array_get(site->run.secrets, 2)), 0);
}

static void test_failures_are_named(void **state) {
    struct workplace *site = *state;
    int cancel[2];

    open_host(site, 0, site->a);
    open_host(site, 1, site->b);
    assert_int_equal(mkdir(site->b, 0700), 0);
    workshop_put(site->b, "proof", "a file");
    assert_int_equal(issue_channels(&site->run, &site->error), -ENOTDIR);
    assert_has(site->error.text, "channel both: certificate of expired on local: ");
    assert_has(site->error.text, "/b/proof: ");
    assert_int_equal(pipe(cancel), 0);
    assert_int_equal(write(cancel[1], "", 1), 1);
    site->options.cancel_fd = cancel[0];
    assert_int_equal(issue_channels(&site->run, &site->error), -EINTR);
    (void)close(cancel[0]);
    (void)close(cancel[1]);
}

/* What a driver that does not keep to the protocol may ask for. */
static void test_refused_orders(void **state) {
    struct workplace *site = *state;
    struct host *host;
    json_auto_t *answer = NULL;
    json_t *bad[] = {
        json_pack("{s:{s:s},s:s}", "chain", "key_type", "ed25519", "holder", "../x"),
        json_pack("{s:{s:s},s:s}", "chain", "key_type", "../x", "holder", "broker"),
        json_pack("{s:{s:i},s:{}}", "chain", "key_type", 1, "holder"),
        json_pack("{s:{s:s,s:i},s:s}", "chain", "key_type", "ec:P-256", "tokens", 4, "holder",
                  "client1"),
        json_pack("{s:{s:s,s:i},s:s}", "chain", "key_type", "ed25519", "tokens", 1, "holder",
                  "client1"),
        json_pack("{s:{s:s,s:i,s:s},s:s}", "chain", "key_type", "ec:P-256", "tokens", 1, "token",
                  "other", "holder", "client1"),
        json_object(),
    };

    open_host(site, 0, site->a);
    host = site->run.workers.hosts[0];
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(
            host_order(host, "certificate-install", json_deep_copy(bad[i]), NULL, &site->error),
            -EINVAL);
        assert_int_equal(host_order(host, "certificate-request", bad[i], NULL, &site->error),
                         -EINVAL);
    }
    assert_false(is_there(site, "a"));
    assert_int_equal(
        host_order(host, "certificate-request",
                   json_pack("{s:{s:s},s:s}", "chain", "key_type", "ed25519", "holder", "broker"),
                   &answer, &site->error),
        0);
    assert_int_equal(json_object_size(answer), 1); /* nothing is installed yet */
    assert_has(json_string_value(json_object_get(answer, "request")), "CERTIFICATE REQUEST");
    assert_int_equal(host_order(host, "certificate-install",
                                json_pack("{s:{s:s},s:s,s:s}", "chain", "key_type", "ed25519",
                                          "holder", "broker", "certificate", "../x"),
                                NULL, &site->error),
                     -EBADMSG);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        SITE_TEST(test_two_hosts),
        SITE_TEST(test_one_host),
        SITE_TEST(test_secrets_of_a_channel),
        SITE_TEST(test_failures_are_named),
        SITE_TEST(test_refused_orders),
    };

    if (argc == 4 && text_equal(argv[1], "agent"))
        return be_agent(argv[3]);
    return cmocka_run_group_tests_name("issue", tests, NULL, NULL);
}
