/*
 * pki_world - for the unit tests of the PKI: three folders as three machines, the CA's, that of the
 * broker and client1, that of client2. All that passes between them is written down, and the way
 * can be cut.
 */
#ifndef BENCH_TESTS_PKI_WORLD_H
#define BENCH_TESTS_PKI_WORLD_H

#include "pki_workshop.h"

/* ---- the fixture ---- */

struct world {
    char *root;
    struct fixture driver, a, b;
    struct pki_parties parties;
    char *crossed; /* every text, one after the other */
    int requests, installs;
    int fail_at;          /* the step at which the way is cut; 0: never */
    bool answer_is_lost;  /* ... after the holder's work, not before */
    const char *imposter; /* a request that is told instead of client1's; may be NULL */
};

static inline struct fixture *home_of(struct world *world, const char *holder) {
    return text_has_word("broker client1", holder) ? &world->a : &world->b;
}

static inline void note(struct world *world, const char *text) {
    char *all = text_format("%s%s\n", world->crossed, text ? text : "");

    free(world->crossed);
    world->crossed = all;
}

static inline bool is_cut(const struct world *world) {
    return world->fail_at && world->requests + world->installs == world->fail_at;
}

static inline int request(void *context, const struct pki_chain *chain, const char *holder,
                          struct pki_party_files *ret, struct error *error) {
    struct world *world = context;
    CLEANUP(pki_party_files_clear) struct pki_party_files files = {.request = NULL};
    int r;

    world->requests++;
    if (is_cut(world) && !world->answer_is_lost)
        return error_set(error, -EPIPE, "cut");
    r = pki_party_request(home_of(world, holder)->folder, chain, holder, &files, error);
    if (r < 0)
        return r;
    note(world, files.request);
    note(world, files.certificate);
    note(world, files.authority);
    note(world, files.revoked);
    if (is_cut(world))
        return error_set(error, -EPIPE, "cut");
    if (world->imposter && text_equal(holder, "client1"))
        text_replace(&files.request, world->imposter);
    *ret = files;
    files = (struct pki_party_files){.request = NULL};
    return 0;
}

static inline int install(void *context, const struct pki_chain *chain, const char *holder,
                          const char *certificate_pem, const char *authority, const char *revoked,
                          struct error *error) {
    struct world *world = context;
    int r;

    world->installs++;
    if (is_cut(world) && !world->answer_is_lost)
        return error_set(error, -EPIPE, "cut");
    note(world, certificate_pem);
    note(world, authority);
    note(world, revoked);
    r = pki_party_install(home_of(world, holder)->folder, chain, holder, certificate_pem, authority,
                          revoked, error);
    return r == 0 && is_cut(world) ? error_set(error, -EPIPE, "cut") : r;
}

DEFINE_CLEANUP(FILE *, pclose)

static inline int start_world(void **state) {
    struct world *world = memory_new(1, sizeof(*world));

    world->root = workshop_make();
    world->crossed = text_copy("");
    world->driver.folder = text_format("%s/driver", world->root);
    world->a.folder = text_format("%s/a", world->root);
    world->b.folder = text_format("%s/b", world->root);
    world->parties = (struct pki_parties){request, install, world};
    world->driver.source.folder = world->driver.folder;
    world->driver.options = (struct pki_options){.folder = world->driver.folder,
                                                 .chain = {.key_type = PKI_DEFAULT_KEY_TYPE},
                                                 .validity_ns = 90 * DAY_NS,
                                                 .renew_before_ns = 9 * DAY_NS,
                                                 .addresses = "192.0.2.7",
                                                 .passphrase = pki_passphrase,
                                                 .context = &world->driver.source,
                                                 .parties = &world->parties};
    world->a.options.chain.key_type = world->b.options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    assert_int_equal(setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1), 0);
    *state = world;
    return 0;
}

static inline int finish_world(void **state) {
    struct world *world = *state;

    workshop_remove(world->root);
    free(world->driver.folder);
    free(world->a.folder);
    free(world->b.folder);
    free(world->crossed);
    free(world);
    return 0;
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, start_world, finish_world)

/* ---- what must hold ---- */

/* Every one of the blank-separated files is there, and nothing else. */
static inline void assert_files(const struct fixture *host, const char *files) {
    CLEANUP_FREE char *command = text_format("cd '%s' && find . -type f | wc -l", host->folder);
    CLEANUP(pclosep) FILE *pipe = popen(command, "re");
    const char *word;
    size_t length;
    int n = 0, found = -1;

    while ((word = text_next_word(&files, &length))) {
        CLEANUP_FREE char *path = text_format("%s/%.*s", host->folder, (int)length, word);

        if (access(path, F_OK) < 0)
            fail_msg("%s is missing", path);
        n++;
    }
    assert_int_equal(fscanf(pipe, "%d", &found), 1);
    assert_int_equal(found, n);
}

static inline size_t count(const char *text, const char *part) {
    size_t n = 0;

    while ((text = strstr(text, part))) {
        text += strlen(part);
        n++;
    }
    return n;
}

/* No key crossed: neither as such nor a line of one. */
static inline void assert_no_key_crossed(const struct world *world) {
    static const char *const of_a[] = {"broker/broker.key", "client1/client1.key"};
    static const char *const of_b[] = {"client2/client2.key", "proof/expired.key",
                                       "proof/revoked.key", "proof/stranger.key"};

    assert_has_not(world->crossed, "PRIVATE KEY");
    for (size_t i = 0; i < ARRAY_SIZE(of_a) + ARRAY_SIZE(of_b); i++) {
        bool is_of_a = i < ARRAY_SIZE(of_a);
        CLEANUP_FREE char *key = content(is_of_a ? &world->a : &world->b,
                                         is_of_a ? of_a[i] : of_b[i - ARRAY_SIZE(of_a)]);
        char *line = strchr(key, '\n') + 1;

        line = strchr(line, '\n') + 1; /* the first one is of the type alone */
        line[strcspn(line, "\n")] = '\0';
        assert_true(strlen(line) > 20);
        assert_has_not(world->crossed, line);
    }
}

static inline void assert_is_good(const struct fixture *host, const char *party, int purpose) {
    CLEANUP_FREE char *ca = text_format("%s/ca.crt", party);
    CLEANUP_FREE char *leaf = text_format("%s/%s.crt", party, party);

    assert_int_equal(verify(host, ca, leaf, purpose), X509_V_OK);
}

static inline void assert_alike(const struct fixture *one, const char *path,
                                const struct fixture *other, const char *other_path) {
    CLEANUP_FREE char *first = content(one, path);
    CLEANUP_FREE char *second = content(other, other_path);

    assert_string_equal(first, second);
}

static inline void assert_complete(const struct world *world) {
    assert_is_good(&world->a, "broker", X509_PURPOSE_SSL_SERVER);
    assert_is_good(&world->a, "client1", X509_PURPOSE_SSL_CLIENT);
    assert_is_good(&world->b, "client2", X509_PURPOSE_SSL_CLIENT);
    assert_int_equal(
        verify(&world->b, "proof/other-ca.crt", "proof/stranger.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_OK);
    assert_int_equal(
        verify(&world->b, "client2/ca.crt", "proof/expired.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_ERR_CERT_HAS_EXPIRED);
    assert_alike(&world->driver, "ca/ca.crl", &world->a, "broker/ca.crl");
    assert_alike(&world->driver, "ca/ca.crt", &world->a, "broker/ca.crt");
    assert_alike(&world->driver, "ca/ca.crt", &world->a, "client1/ca.crt");
    assert_alike(&world->driver, "ca/ca.crt", &world->b, "client2/ca.crt");
    assert_alike(&world->driver, "ca/broker.crt", &world->a, "broker/broker.crt");
    assert_alike(&world->driver, "ca/client1.crt", &world->a, "client1/client1.crt");
    assert_alike(&world->driver, "ca/client2.crt", &world->b, "client2/client2.crt");
}

#endif
