/* The PKI of a fleet: members on two publishers' hosts, what crosses, what stays, what is refused
 * and repaired. */
#include "pki_world.h"

#include "base/jsonline.h"
#include "model/fleet.h"

#define CLIENTS 301 /* several rounds, on hosts with parts that differ */

/* ---- two publishers' hosts: b is client2's own, a further one is a ---- */

struct fleet {
    struct world *world;
    struct pki_fleet_way way;
    int requests, installs;
    int64_t shown; /* of the members, by the progress */
    /* What a dishonest host or way does with an answer, or with what is given; may be NULL. */
    void (*twist)(json_t *answer);
    void (*mix)(json_t *given);
};

static struct fixture *home(const struct fleet *fleet, size_t part) {
    return part == 0 ? &fleet->world->b : &fleet->world->a;
}

static void note_all(struct fleet *fleet, const json_t *line) {
    CLEANUP_FREE char *text = json_dumps(line, 0);

    note(fleet->world, text);
}

static int request_part(void *context, size_t part, const struct pki_chain *chain,
                        const json_t *question, json_t **ret, struct error *error) {
    struct fleet *fleet = context;
    int r = pki_fleet_request(home(fleet, part)->folder, chain, question, ret, error);

    fleet->requests++;
    if (r == 0)
        note_all(fleet, *ret);
    if (r == 0 && fleet->twist)
        fleet->twist(*ret);
    return r;
}

static int install_part(void *context, size_t part, const struct pki_chain *chain,
                        const json_t *given, struct error *error) {
    struct fleet *fleet = context;
    json_auto_t *mixed = json_deep_copy(given);

    fleet->installs++;
    note_all(fleet, given);
    if (fleet->mix)
        fleet->mix(mixed);
    return pki_fleet_install(home(fleet, part)->folder, chain, mixed, error);
}

static void show(void *context, int64_t done, int64_t clients) {
    struct fleet *fleet = context;

    assert_true(done > fleet->shown && done <= clients);
    fleet->shown = done;
}

static struct fleet fleet_of(struct world *world) {
    return (struct fleet){.world = world, .way = {2, request_part, install_part, show, NULL}};
}

static int try(struct fleet *fleet, int64_t clients, int64_t *ret_issued) {
    struct world *world = fleet->world;

    fleet->way.context = fleet;
    fleet->requests = fleet->installs = 0;
    fleet->shown = 0;
    return pki_fleet_ensure(&world->driver.options, clients, &fleet->way, ret_issued,
                            &world->driver.error);
}

static int64_t ensure_members(struct fleet *fleet, int64_t clients) {
    int64_t issued = -1;

    if (try(fleet, clients, &issued) < 0)
        fail_msg("%s", fleet->world->driver.error.text);
    assert_int_equal(fleet->shown, clients);
    return issued;
}

static char *file_of(int64_t member) {
    return text_format("client2/fleet/m%lld.pem", (long long)member);
}

/* Each host has its part and nothing else; each member a certificate of its own that is right. */
static void assert_members(struct fleet *fleet, int64_t clients) {
    CLEANUP_FREE char *keys = text_copy("");

    for (size_t part = 0; part < 2; part++) {
        struct fleet_part own = fleet_part(clients, 2, part);
        const struct fixture *host = home(fleet, part);

        for (int64_t i = 0; i < clients; i++) {
            CLEANUP_FREE char *file = file_of(i), *path = path_of(host, file);
            CLEANUP_FREE char *name = fleet_member_name("client2", i), *text = NULL, *here = NULL;
            CLEANUP(X509_freep) X509 *leaf = NULL;
            CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
            char common_name[64];

            if (i < own.first || i >= own.first + own.count) {
                assert_int_equal(access(path, F_OK), -1);
                continue;
            }
            text = content(host, file);
            key = pki_parse_key(text, NULL, NULL);
            leaf = certificate(host, file);
            assert_true(key && pki_has_key_type(key, host->options.chain.key_type));
            assert_int_equal(X509_check_private_key(leaf, key), 1);
            (void)X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName,
                                            common_name, sizeof(common_name));
            assert_string_equal(common_name, name);
            assert_int_equal(verify(host, "client2/ca.crt", file, X509_PURPOSE_SSL_CLIENT),
                             X509_V_OK);
            assert_mode(host, file, 0600);
            here = text_format("%.60s", strchr(text, '\n') + 60);
            assert_has_not(keys, here);
            text_append(&keys, "", here);
            assert_has_not(fleet->world->crossed, here);
        }
    }
    assert_has_not(fleet->world->crossed, "PRIVATE KEY");
}

/* client2 on a further publisher's host. */
static int request_further(void *context, const struct pki_chain *chain, const char *holder,
                           struct pki_party_files *ret, struct error *error) {
    struct world *world = context;

    world->requests++;
    return pki_party_request(world->a.folder, chain, holder, ret, error);
}

static int install_further(void *context, const struct pki_chain *chain, const char *holder,
                           const char *certificate_pem, const char *authority, const char *revoked,
                           struct error *error) {
    struct world *world = context;

    world->installs++;
    return pki_party_install(world->a.folder, chain, holder, certificate_pem, authority, revoked,
                             error);
}

static unsigned ensure_further(struct world *world) {
    const struct pki_parties parties = {request_further, install_further, world};
    struct pki_options options = world->driver.options;
    unsigned issued = 0;

    options.parties = &parties;
    world->requests = world->installs = 0;
    if (pki_ensure_further(&options, &issued, &world->driver.error) < 0)
        fail_msg("%s", world->driver.error.text);
    return issued;
}

static void set_up_stores(struct fleet *fleet) {
    (void)ensure(&fleet->world->driver);
    (void)ensure_further(fleet->world);
}

/* ---- further hosts ---- */

static void test_further_host(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *copy = NULL, *own = NULL, *other = NULL;

    (void)ensure(&world->driver);
    copy = content(&world->driver, "ca/client2.crt");
    assert_int_equal(ensure_further(world), 1);
    assert_true(world->requests == 1 && world->installs == 1);
    assert_is_good(&world->a, "client2", X509_PURPOSE_SSL_CLIENT);
    own = content(&world->a, "client2/client2.key");
    other = content(&world->b, "client2/client2.key");
    assert_string_not_equal(own, other);
    assert_int_equal(ensure_further(world), 0);
    assert_true(world->requests == 1 && world->installs == 0);
    assert_int_equal(ensure(&world->driver), 0); /* client2's own is what it was */
    {
        CLEANUP_FREE char *now = content(&world->driver, "ca/client2.crt");

        assert_string_equal(now, copy);
    }
    discard(&world->driver, "ca/ca.key"); /* and so there will be another CA */
    assert_int_equal(ensure(&world->driver), 6);
    assert_int_equal(ensure_further(world), 1);
    assert_is_good(&world->a, "client2", X509_PURPOSE_SSL_CLIENT);
    assert_alike(&world->driver, "ca/ca.crt", &world->a, "client2/ca.crt");
}

static void test_no_store(void **state) {
    struct world *world = *state;
    struct fleet fleet = fleet_of(world);
    int64_t issued;

    set_up_stores(&fleet);
    discard(&world->driver, "ca/ca.crt");
    assert_int_equal(try(&fleet, CLIENTS, &issued), -ENOKEY);
    assert_mentions(&world->driver, "/ca: there is no CA any more; run again");
}

/* ---- members ---- */

static void test_everyone_has_their_own(void **state) {
    struct fleet fleet = fleet_of(*state);

    set_up_stores(&fleet);
    assert_int_equal(ensure_members(&fleet, CLIENTS), CLIENTS);
    assert_members(&fleet, CLIENTS);
    assert_int_equal(fleet.requests, fleet.installs);
    /* Nothing to do, and nobody is asked for the passphrase. */
    (void)setenv("BENCH_CA_PASSPHRASE", "wrong but not asked for", 1);
    assert_int_equal(ensure_members(&fleet, CLIENTS), 0);
    assert_int_equal(fleet.installs, 0);
    (void)setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1);
    /* 151 and 150 before, 152 and 151 now: a larger fleet keeps what its hosts have. */
    assert_int_equal(ensure_members(&fleet, CLIENTS + 2), 3);
}

static void test_repairs(void **state) {
    struct fleet fleet = fleet_of(*state);
    const struct fixture *host = &fleet.world->b;
    CLEANUP_FREE char *half = NULL, *other = NULL, *kept = NULL, *now = NULL;

    set_up_stores(&fleet);
    (void)ensure_members(&fleet, 20);
    half = content(host, "client2/fleet/m1.pem");
    half[strlen(half) / 8] = '\0';
    overwrite(host, "client2/fleet/m1.pem", half);
    discard(host, "client2/fleet/m2.pem");
    other = content(host, "client2/fleet/m3.pem");
    overwrite(host, "client2/fleet/m4.pem", other);
    kept = content(host, "client2/fleet/m5.pem");
    *strstr(kept, "-----BEGIN CERTIFICATE") = '\0'; /* killed between key and certificate */
    overwrite(host, "client2/fleet/m5.pem", kept);
    overwrite(host, "client2/fleet/m6.pem", "nonsense\n");
    overwrite(host, "client2/fleet/m7.pem", "");
    assert_int_equal(ensure_members(&fleet, 20), 6);
    now = content(host, "client2/fleet/m5.pem");
    assert_int_equal(strncmp(now, kept, strlen(kept)), 0);
    discard(host, "client2/fleet/m4.pem"); /* which took m3's key */
    (void)ensure_members(&fleet, 20);
    assert_members(&fleet, 20);
}

static void test_renewal(void **state) {
    struct fleet fleet = fleet_of(*state);
    struct pki_options *options = &fleet.world->driver.options;
    CLEANUP_FREE char *before = NULL, *after = NULL;

    set_up_stores(&fleet);
    (void)ensure_members(&fleet, 20);
    before = content(&fleet.world->b, "client2/fleet/m0.pem");
    options->renew_before_ns = 89 * DAY_NS;
    assert_int_equal(ensure_members(&fleet, 20), 0);
    options->validity_ns = 200 * DAY_NS; /* what is good for 90 days does not do any more */
    options->renew_before_ns = 100 * DAY_NS;
    set_up_stores(&fleet);
    assert_int_equal(ensure_members(&fleet, 20), 20);
    assert_int_equal(ensure_members(&fleet, 20), 0);
    after = content(&fleet.world->b, "client2/fleet/m0.pem");
    assert_string_not_equal(before, after);
    *strstr(before, "-----BEGIN CERTIFICATE") = '\0';
    assert_int_equal(strncmp(before, after, strlen(before)), 0); /* the key stays */
    options->force = true;
    assert_int_equal(ensure_members(&fleet, 20), 20);
    assert_members(&fleet, 20);
}

static void test_another_ca(void **state) {
    struct fleet fleet = fleet_of(*state);

    set_up_stores(&fleet);
    (void)ensure_members(&fleet, 20);
    discard(&fleet.world->driver, "ca/ca.key");
    set_up_stores(&fleet);
    assert_int_equal(ensure_members(&fleet, 20), 20);
    assert_members(&fleet, 20);
}

static void test_key_types(void **state) {
    static const char *const key_types[] = {"rsa:2048", "ed25519", "mldsa:44"};
    struct fleet fleet = fleet_of(*state);

    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        struct pki_chain *chain = &fleet.world->driver.options.chain;

        chain->key_type = key_types[i];
        if (has_not(chain))
            continue;
        fleet.world->a.options.chain = fleet.world->b.options.chain = *chain;
        set_up_stores(&fleet);
        assert_int_equal(ensure_members(&fleet, 5), 5);
        assert_members(&fleet, 5);
        assert_int_equal(ensure_members(&fleet, 5), 0);
    }
}

/* ---- dishonest hosts, and mixed-up answers ---- */

static void ask_for_another(json_t *answer) {
    json_t *requests = json_object_get(answer, "requests");

    (void)json_array_set_new(json_array_get(requests, 0), 0, json_integer(7));
}

static void skip_all(json_t *answer) {
    (void)json_object_set_new(answer, "next", json_integer(1000000));
}

static void stay(json_t *answer) {
    (void)json_object_set_new(answer, "next", json_integer(0));
}

static void ask_for_too_many(json_t *answer) {
    json_t *requests = json_object_get(answer, "requests");

    for (int i = 0; i < 1000; i++)
        (void)json_array_append(requests, json_array_get(requests, 0));
}

static void ask_for_nothing(json_t *answer) {
    (void)json_array_clear(json_object_get(answer, "requests"));
    (void)json_array_append_new(json_object_get(answer, "requests"), json_null());
}

static void swap(json_t *given) {
    json_t *list = json_object_get(given, "certificates");
    json_t *one = json_array_get(list, 0), *two = json_array_get(list, 1);

    (void)json_array_set(one, 1, json_array_get(two, 1));
}

static void go_elsewhere(json_t *given) {
    json_t *list = json_object_get(given, "certificates");

    (void)json_array_set_new(json_array_get(list, 0), 0, json_integer(-1));
}

static void forget_ca(json_t *given) {
    (void)json_object_set_new(given, "authority", json_string("nonsense"));
}

static void test_refused(void **state) {
    static const struct {
        void (*twist)(json_t *answer);
        void (*mix)(json_t *given);
        const char *words;
    } cases[] = {
        {ask_for_another, NULL, "client2-m7: "},
        {skip_all, NULL, "members: an answer about others than were asked for"},
        {stay, NULL, "members: an answer about others than were asked for"},
        {ask_for_too_many, NULL, "members: more requests came than were asked for"},
        {ask_for_nothing, NULL, "no request came"},
        {NULL, swap, "m0.pem: what came is no certificate of that CA for client2-m0 and its key"},
        {NULL, go_elsewhere, ""},
        {NULL, forget_ca, "members: what came is no certificate of a CA"},
    };
    struct fleet fleet = fleet_of(*state);
    int64_t issued;

    set_up_stores(&fleet);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fleet.twist = cases[i].twist;
        fleet.mix = cases[i].mix;
        assert_true(try(&fleet, 6, &issued) < 0);
        assert_mentions(&fleet.world->driver, cases[i].words);
    }
    fleet.twist = fleet.mix = NULL;
    issued = ensure_members(&fleet, 6); /* what was right among the wrong may have stayed */
    assert_true(issued >= 1 && issued <= 6);
    assert_members(&fleet, 6);
}

/* Where no other way is given, all live in the driver's folder. */
static void test_here(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *path = NULL;
    int64_t issued = 0;

    (void)ensure(fixture);
    assert_int_equal(pki_fleet_ensure(&fixture->options, 10, NULL, &issued, &fixture->error), 0);
    assert_int_equal(issued, 10);
    path = pki_member_file(fixture->folder, &fixture->options.chain, 9);
    assert_int_equal(access(path, R_OK), 0);
    assert_verified(fixture, "client2/fleet/m9.pem", X509_PURPOSE_SSL_CLIENT);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(test_further_host),
        WORLD_TEST(test_no_store),
        WORLD_TEST(test_everyone_has_their_own),
        WORLD_TEST(test_repairs),
        WORLD_TEST(test_renewal),
        WORLD_TEST(test_another_ca),
        WORLD_TEST(test_key_types),
        WORLD_TEST(test_refused),
        PKI_TEST(test_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
