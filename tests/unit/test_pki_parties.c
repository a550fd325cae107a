/* The PKI spread over three machines: who has what, what crosses, what is refused and repaired. */
#include "pki_world.h"

#include <signal.h>
#include <sys/wait.h>

static void test_everyone_has_their_own(void **state) {
    struct world *world = *state;
    struct pki_entry *entries;
    size_t n;

    assert_int_equal(ensure(&world->driver), 8);
    assert_int_equal(world->requests, 6);
    assert_int_equal(world->installs, 6);
    assert_files(&world->driver,
                 "lock ca/ca.key ca/ca.crt ca/ca.crl ca/broker.crt ca/client1.crt ca/client2.crt");
    assert_files(&world->a, "parties.lock broker/broker.key broker/broker.csr broker/broker.crt "
                            "broker/ca.crt broker/ca.crl client1/client1.key client1/client1.csr "
                            "client1/client1.crt client1/ca.crt");
    assert_files(&world->b, "parties.lock client2/client2.key client2/client2.csr "
                            "client2/client2.crt client2/ca.crt proof/expired.key "
                            "proof/expired.csr proof/expired.crt proof/revoked.key "
                            "proof/revoked.csr proof/revoked.crt proof/stranger.key "
                            "proof/stranger.csr proof/stranger.crt proof/other-ca.crt");
    assert_mode(&world->a, "", 0700);
    assert_mode(&world->a, "broker", 0700);
    assert_mode(&world->a, "broker/broker.key", 0600);
    assert_mode(&world->b, "proof/stranger.key", 0600);
    assert_complete(world);
    assert_int_equal(count(world->crossed, "-----BEGIN CERTIFICATE REQUEST-----"), 6);
    assert_no_key_crossed(world);
    /* Shown on the CA's side: its own, and its copies. */
    assert_int_equal(pki_list(world->driver.folder, &entries, &n, &world->driver.error), 0);
    assert_int_equal(n, 4);
    assert_string_equal(entries[3].name, "client2");
    pki_list_free(entries, n);
}

/* One question a holder, and not a word more. */
static void test_nothing_to_do(void **state) {
    struct world *world = *state;

    (void)ensure(&world->driver);
    world->requests = world->installs = 0;
    (void)setenv("BENCH_CA_PASSPHRASE", "wrong but not asked for", 1);
    assert_int_equal(ensure(&world->driver), 0);
    assert_int_equal(world->requests, 6);
    assert_int_equal(world->installs, 0);
}

static void test_all_key_types(void **state) {
    struct world *world = *state;
    static const char *const key_types[] = {"rsa:2048", "ed25519"};

    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        world->driver.options.chain.key_type = key_types[i];
        world->a.options.chain.key_type = world->b.options.chain.key_type = key_types[i];
        assert_int_equal(ensure(&world->driver), 8);
        assert_complete(world);
        assert_int_equal(ensure(&world->driver), 0);
    }
    assert_has_not(world->crossed, "PRIVATE KEY");
}

static void test_new_ca(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *broker = NULL, *key = NULL, *ca = NULL, *stranger = NULL;

    (void)ensure(&world->driver);
    broker = content(&world->a, "broker/broker.crt");
    key = content(&world->a, "broker/broker.key");
    ca = content(&world->b, "client2/ca.crt");
    stranger = content(&world->b, "proof/stranger.crt");
    discard(&world->driver, "ca/ca.key");
    assert_int_equal(ensure(&world->driver), 6);
    assert_complete(world);
    CLEANUP_FREE char *new_broker = content(&world->a, "broker/broker.crt");
    CLEANUP_FREE char *new_key = content(&world->a, "broker/broker.key");
    CLEANUP_FREE char *new_ca = content(&world->b, "client2/ca.crt");
    CLEANUP_FREE char *new_stranger = content(&world->b, "proof/stranger.crt");
    assert_string_not_equal(broker, new_broker);
    assert_string_equal(key, new_key);
    assert_string_not_equal(ca, new_ca);
    assert_string_equal(stranger, new_stranger); /* of another CA */
    world->driver.options.force = true;
    assert_int_equal(ensure(&world->driver), 8);
    assert_complete(world);
}

static void test_lost_key(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *old_request = NULL, *client1 = NULL;

    (void)ensure(&world->driver);
    old_request = content(&world->b, "client2/client2.csr");
    client1 = content(&world->a, "client1/client1.crt");
    discard(&world->b, "client2/client2.key");
    world->installs = 0;
    assert_int_equal(ensure(&world->driver), 1);
    assert_int_equal(world->installs, 1);
    CLEANUP_FREE char *new_request = content(&world->b, "client2/client2.csr");
    CLEANUP_FREE char *new_client1 = content(&world->a, "client1/client1.crt");
    assert_string_not_equal(old_request, new_request);
    assert_string_equal(client1, new_client1);
    assert_complete(world);
    assert_no_key_crossed(world);
    assert_int_equal(ensure(&world->driver), 0);
}

/* A file that holds a key besides what it should is not told, and is put right. */
static void test_key_in_another_file(void **state) {
    struct world *world = *state;
    static const char *const paths[] = {"client1/client1.csr", "client1/client1.crt",
                                        "client1/ca.crt"};
    CLEANUP_FREE char *key = NULL;

    (void)ensure(&world->driver);
    key = content(&world->a, "client1/client1.key");
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        CLEANUP_FREE char *text = content(&world->a, paths[i]);
        CLEANUP_FREE char *both = text_format("%s%s", text, key);

        overwrite(&world->a, paths[i], both);
        (void)ensure(&world->driver);
        CLEANUP_FREE char *now = content(&world->a, paths[i]);
        assert_has_not(now, "PRIVATE KEY");
        assert_no_key_crossed(world);
        assert_complete(world);
    }
}

static void test_refused_requests(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *of_client2 = NULL, *rsa = NULL;
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    unsigned issued;

    (void)ensure(&world->driver);
    of_client2 = content(&world->b, "client2/client2.csr");
    assert_int_equal(pki_make_key("rsa:2048", NULL, &key, &key_pem, NULL), 0);
    assert_int_equal(pki_make_request(key, "client1", &rsa, NULL), 0);
    const char *const imposters[] = {"garbage", "", of_client2, rsa};

    for (size_t i = 0; i < ARRAY_SIZE(imposters); i++) {
        world->imposter = imposters[i];
        assert_int_equal(pki_ensure(&world->driver.options, &issued, &world->driver.error),
                         -EBADMSG);
        assert_mentions(&world->driver, "client1: what came is no certificate request");
    }
    world->imposter = NULL;
    assert_int_equal(ensure(&world->driver), 0);
    assert_complete(world);
}

static int give(struct world *world, const char *holder, const char *certificate_pem,
                const char *authority, const char *revoked) {
    return pki_party_install(home_of(world, holder)->folder, &world->driver.options.chain, holder,
                             certificate_pem, authority, revoked, &world->a.error);
}

static void test_refused_certificates(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *client1 = NULL, *client2 = NULL, *expired = NULL, *ca = NULL, *other = NULL;

    (void)ensure(&world->driver);
    client1 = content(&world->a, "client1/client1.crt");
    client2 = content(&world->b, "client2/client2.crt");
    expired = content(&world->b, "proof/expired.crt");
    ca = content(&world->a, "client1/ca.crt");
    other = content(&world->b, "proof/other-ca.crt");
    assert_int_equal(give(world, "client1", client2, ca, NULL), -EKEYREJECTED);
    assert_mentions(&world->a, "client1/client1.key: the certificate that came is for another key");
    assert_int_equal(give(world, "client1", client1, other, NULL), -EKEYREJECTED);
    assert_mentions(&world->a, "not signed by the CA that came with it");
    assert_int_equal(give(world, "client1", client1, client1, NULL), -EKEYREJECTED);
    assert_int_equal(give(world, "client1", client1, "garbage", NULL), -EKEYREJECTED);
    assert_int_equal(give(world, "client1", "garbage", ca, NULL), -EBADMSG);
    assert_int_equal(give(world, "client1", NULL, ca, NULL), -EBADMSG);
    assert_int_equal(give(world, "expired", expired, ca, NULL), -EINVAL);
    assert_complete(world); /* nothing was touched */
    discard(&world->a, "client1/client1.crt");
    assert_int_equal(give(world, "client1", client1, NULL, NULL), 0);
    assert_complete(world);
    discard(&world->a, "client1/client1.key");
    assert_int_equal(give(world, "client1", client1, ca, NULL), -ENOKEY);
    assert_mentions(&world->a, "client1/client1.key: there is no key");
}

static void test_refused_lists(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *broker = NULL, *client1 = NULL, *ca = NULL, *list = NULL, *foreign = NULL;

    (void)ensure(&world->driver);
    broker = content(&world->a, "broker/broker.crt");
    client1 = content(&world->a, "client1/client1.crt");
    ca = content(&world->a, "broker/ca.crt");
    list = content(&world->a, "broker/ca.crl");
    world->driver.options.chain.key_type = world->a.options.chain.key_type = "ed25519";
    (void)ensure(&world->driver);
    foreign = content(&world->a, "broker/ca.crl");
    world->driver.options.chain.key_type = world->a.options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    assert_int_equal(give(world, "broker", broker, ca, foreign), -EKEYREJECTED);
    assert_mentions(&world->a, "broker/ca.crl: the list of revoked certificates that came is not");
    assert_int_equal(give(world, "broker", broker, ca, "garbage"), -EKEYREJECTED);
    assert_int_equal(give(world, "broker", broker, NULL, list), -EKEYREJECTED);
    assert_int_equal(give(world, "client1", client1, ca, list), -EINVAL);
    assert_mentions(&world->a, "client1 keeps no list of revoked certificates");
    assert_complete(world); /* nothing was touched */
    assert_int_equal(give(world, "broker", broker, ca, list), 0);
}

/* They come from another host: none may lead elsewhere. */
static void test_refused_names(void **state) {
    struct world *world = *state;
    static const char *const holders[] = {
        "../x", "..", "", NULL, "ca", "proof", "client3", "broker/../client1", "/etc", "broker "};
    static const char *const key_types[] = {"../x", "..", "", NULL, "rsa-2048", "rsa:1024", "/etc"};
    struct pki_party_files files;
    struct error *error = &world->a.error;

    assert_int_equal(mkdir(world->a.folder, 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        assert_int_equal(pki_party_request(world->a.folder,
                                           &(struct pki_chain){.key_type = "ed25519"}, holders[i],
                                           &files, error),
                         -EINVAL);
        assert_int_equal(pki_party_install(world->a.folder,
                                           &(struct pki_chain){.key_type = "ed25519"}, holders[i],
                                           "x", NULL, NULL, error),
                         -EINVAL);
        assert_mentions(&world->a, "is nobody who holds a certificate");
    }
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        assert_int_equal(pki_party_request(world->a.folder,
                                           &(struct pki_chain){.key_type = key_types[i]}, "broker",
                                           &files, error),
                         -EINVAL);
        assert_mentions(&world->a, "is none of: ec:P-256");
    }
    assert_int_equal(rmdir(world->a.folder), 0); /* still empty */
    assert_int_equal(pki_party_request("/nonexistent/certs",
                                       &(struct pki_chain){.key_type = "ed25519"}, "broker", &files,
                                       &world->a.error),
                     -ENOENT);
}

/* The way is cut at any step, before or after the holder's work: the next run mends it. */
static void test_cut_anywhere(void **state) {
    struct world *world = *state;

    for (int i = 0; i < 24; i++) {
        unsigned issued;

        if (i) /* else everything is made for the first time */
            discard(&world->driver, "ca/ca.crt");
        world->driver.options.force = true;
        world->requests = world->installs = 0;
        world->fail_at = i / 2 + 1;
        world->answer_is_lost = i % 2;
        assert_int_equal(pki_ensure(&world->driver.options, &issued, &world->driver.error), -EPIPE);
        assert_string_equal(world->driver.error.text, "cut");
        world->driver.options.force = false;
        world->fail_at = 0;
        (void)ensure(&world->driver);
        assert_complete(world);
        assert_int_equal(ensure(&world->driver), 0);
    }
    assert_no_key_crossed(world);
}

static void test_killed_anywhere(void **state) {
    struct world *world = *state;

    for (int i = 0; i < 24; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        world->driver.options.force = true;
        if (pid == 0)
            _exit(pki_ensure(&world->driver.options, &(unsigned){0}, NULL) != 0);
        clock_sleep_until(clock_monotonic_ns() + i * NS_PER_MS / 2);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        world->driver.options.force = false;
        if (i % 6 < 5) /* these start from what the one before left */
            continue;
        (void)ensure(&world->driver);
        assert_int_equal(ensure(&world->driver), 0);
        assert_complete(world);
    }
}

/* Drivers on different machines may ask at the same time: all are told of the same key. */
static void test_asked_at_once(void **state) {
    struct world *world = *state;
    pid_t pids[6];
    int status;

    assert_int_equal(mkdir(world->b.folder, 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        struct pki_party_files files;
        CLEANUP_FREE char *name = text_format("told.%zu", i);

        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            if (pki_party_request(world->b.folder, &(struct pki_chain){.key_type = "ec:P-256"},
                                  "client2", &files, NULL) < 0)
                _exit(1);
            workshop_put(world->b.folder, name, files.request);
            _exit(0);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        CLEANUP_FREE char *name = text_format("told.%zu", i);

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        assert_same(&world->b, "client2/client2.csr", name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_everyone_has_their_own),
        WORLD_TEST(test_nothing_to_do),
        WORLD_TEST(test_all_key_types),
        WORLD_TEST(test_new_ca),
        WORLD_TEST(test_lost_key),
        WORLD_TEST(test_key_in_another_file),
        WORLD_TEST(test_refused_requests),
        WORLD_TEST(test_refused_certificates),
        WORLD_TEST(test_refused_lists),
        WORLD_TEST(test_refused_names),
        WORLD_TEST(test_cut_anywhere),
        WORLD_TEST(test_killed_anywhere),
        WORLD_TEST(test_asked_at_once),
    };

    return cmocka_run_group_tests_name("pki_parties", tests, NULL, NULL);
}
