/* Certificates of a fleet's members: keys and requests on the hosts where they live, many at a
 * time, and signatures on the CA's side. */
#include "base/clock.h"
#include "base/jsonline.h"
#include "base/parallel.h"
#include "model/fleet.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of which the lines between the hosts stay well below a MiB, also with ML-DSA-87. */
#define BATCH 128
/* An agent that is at it gives no sign of life. */
#define ROUND_NS NS_PER_S

#define CERTIFICATE_BEGINS "-----BEGIN CERTIFICATE-----"

/* ---- a member's file ---- */

static char *folder_of(const char *folder, const struct pki_chain *chain) {
    CLEANUP_FREE char *store = pki_store(folder, chain);

    return text_format("%s/client2/fleet", store);
}

static char *file_of(const char *fleet, int64_t member) {
    return text_format("%s/m%lld.pem", fleet, (long long)member);
}

char *pki_member_file(const char *folder, const struct pki_chain *chain, int64_t member) {
    CLEANUP_FREE char *fleet = folder_of(folder, chain);

    return file_of(fleet, member);
}

/* Not synced, as thousands of them would take minutes: what a power cut has left half is no key, or
 * no certificate, and is made anew. */
static int write_member(const char *path, const char *key, size_t key_length,
                        const char *certificate, struct error *error) {
    CLEANUP_FREE char *fresh = text_format("%s.new", path);
    CLEANUP_FD int fd =
        open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_PRIVATE);
    int r = fd < 0 ? -errno : file_write(fd, key, key_length);

    if (r == 0 && certificate)
        r = file_write(fd, certificate, strlen(certificate));
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        (void)unlink(fresh);
    return r < 0 ? error_errno(error, r, "%s", path) : 0;
}

/* ---- the members' side ---- */

/* What a host is asked, of members in a row. */
struct members {
    char *folder; /* theirs */
    const char *key_type;
    X509 *authority;
    int64_t first, now_s, until_s;
    bool force;
    char **requests;     /* of each, NULL where none is needed */
    const json_t *given; /* what has come for them, [number, certificate] each */
    int lock;
};

static void members_clear(struct members *members) {
    free(members->folder);
    X509_free(members->authority);
    memory_close_fdp(&members->lock);
}

static int members_open(struct members *members, const char *folder, const struct pki_chain *chain,
                        const json_t *told, struct error *error) {
    CLEANUP_FREE char *store = NULL, *client2 = NULL;
    int r = pki_check_chain(chain, error);

    if (r < 0)
        return r;
    store = pki_store(folder, chain);
    client2 = text_format("%s/client2", store);
    members->folder = folder_of(folder, chain);
    members->key_type = chain->key_type;
    members->authority = pki_parse_certificate(jsonline_text(told, "authority", NULL));
    if (!members->authority || X509_check_ca(members->authority) != 1)
        return error_set(error, -EBADMSG, "members: what came is no certificate of a CA");
    r = pki_make_folder(folder, error);
    if (r == 0)
        r = pki_lock(folder, "parties.lock", &members->lock, error);
    if (r == 0)
        r = pki_make_folder(store, error);
    if (r == 0)
        r = pki_make_folder(client2, error);
    return r < 0 ? r : pki_make_folder(members->folder, error);
}

static bool is_named(const X509 *certificate, const char *name) {
    char common_name[64];
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                           common_name, sizeof(common_name));

    return length > 0 && text_equal(common_name, name);
}

/* Whether this member's key and certificate can stay. */
static bool is_usable(const struct members *members, const char *name, const EVP_PKEY *key,
                      X509 *certificate) {
    int64_t from_s, to_s;
    bool usable = key && certificate && !members->force &&
                  pki_has_key_type(key, members->key_type) && is_named(certificate, name) &&
                  pki_times(certificate, &from_s, &to_s) && from_s <= members->now_s &&
                  to_s > members->until_s && X509_check_private_key(certificate, key) == 1 &&
                  pki_is_signed_by(certificate, members->authority);

    ERR_clear_error();
    return usable;
}

static int ready_member(void *context, size_t i, struct error *error) {
    struct members *members = context;
    int64_t member = members->first + (int64_t)i;
    CLEANUP_FREE char *path = file_of(members->folder, member);
    CLEANUP_FREE char *name = fleet_member_name("client2", member);
    CLEANUP(pki_secret_freep) char *pem = NULL, *fresh = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP(X509_freep) X509 *certificate = NULL;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    key = pki_parse_key(pem, NULL, NULL);
    certificate = pki_parse_certificate(pem);
    if (is_usable(members, name, key, certificate))
        return 0;
    if (!pki_has_key_type(key, members->key_type)) {
        EVP_PKEY_free(key);
        key = NULL;
        r = pki_make_key(members->key_type, NULL, &key, &fresh, error);
        if (r == 0)
            r = write_member(path, fresh, strlen(fresh), NULL, error);
        if (r < 0)
            return r;
    }
    return pki_make_request(key, name, &members->requests[i], error);
}

int pki_fleet_request(const char *folder, const struct pki_chain *chain, const json_t *question,
                      json_t **ret, struct error *error) {
    CLEANUP(members_clear)
    struct members members = {.first = jsonline_integer(question, "first", 0),
                              .now_s = jsonline_integer(question, "now_s", 0),
                              .until_s = jsonline_integer(question, "until_s", INT64_MAX),
                              .force = json_is_true(json_object_get(question, "force")),
                              .lock = -1};
    int64_t count = jsonline_integer(question, "count", 0);
    char *requests[BATCH] = {NULL};
    size_t done = 0;
    json_t *list;
    int r;

    if (members.first < 0 || count < 1)
        return error_set(error, -EINVAL, "members: none are asked for");
    r = members_open(&members, folder, chain, question, error);
    if (r < 0)
        return r;
    members.requests = requests;
    r = parallel_do(ready_member, &members, count < BATCH ? (size_t)count : BATCH,
                    clock_monotonic_ns() + ROUND_NS, &done, error);
    list = json_array();
    for (size_t i = 0; i < BATCH; i++) {
        if (requests[i])
            (void)json_array_append_new(
                list, json_pack("[I,s]", (json_int_t)(members.first + (int64_t)i), requests[i]));
        free(requests[i]);
    }
    if (r == 0)
        *ret = json_pack("{s:I,s:O}", "next", (json_int_t)(members.first + (int64_t)done),
                         "requests", list);
    json_decref(list);
    return r;
}

/* Keeps it as it was understood, whatever stood around it in the text. */
static int keep_certificate(void *context, size_t i, struct error *error) {
    const struct members *members = context;
    const json_t *given = json_array_get(members->given, i);
    int64_t member = json_integer_value(json_array_get(given, 0));
    const char *text = json_string_value(json_array_get(given, 1));
    CLEANUP_FREE char *path = file_of(members->folder, member);
    CLEANUP_FREE char *name = fleet_member_name("client2", member);
    CLEANUP_FREE char *pure = pki_pure_certificate(text);
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(text);
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    const char *old;
    bool fits;
    int r = member < 0 ? -EINVAL : pki_read(path, &pem, error);

    if (r < 0)
        return r;
    key = pki_parse_key(pem, NULL, NULL);
    fits = certificate && key && X509_check_private_key(certificate, key) == 1 &&
           is_named(certificate, name) && pki_is_signed_by(certificate, members->authority);
    ERR_clear_error();
    if (!fits)
        return error_set(error, -EKEYREJECTED,
                         "%s: what came is no certificate of that CA for %s and its key; run again",
                         path, name);
    old = strstr(pem, CERTIFICATE_BEGINS);
    return write_member(path, pem, old ? (size_t)(old - pem) : strlen(pem), pure, error);
}

int pki_fleet_install(const char *folder, const struct pki_chain *chain, const json_t *given,
                      struct error *error) {
    CLEANUP(members_clear)
    struct members members = {.given = json_object_get(given, "certificates"), .lock = -1};
    int r = members_open(&members, folder, chain, given, error);

    return r < 0 ? r
                 : parallel_do(keep_certificate, &members, json_array_size(members.given),
                               INT64_MAX, NULL, error);
}

/* ---- the CA's side ---- */

struct signing {
    const struct pki_options *options;
    const struct pki_fleet_way *way;
    struct pki_authority ca;
    char *ca_pem;
    int64_t now_s, done, clients, issued;
    const json_t *requests; /* of one answer */
    char **certificates;    /* of these */
};

static void signing_clear(struct signing *signing) {
    pki_authority_clear(&signing->ca);
    free(signing->ca_pem);
}

static int sign_one(void *context, size_t i, struct error *error) {
    struct signing *signing = context;
    const json_t *one = json_array_get(signing->requests, i);
    const char *request = json_string_value(json_array_get(one, 1));
    CLEANUP_FREE char *name =
        fleet_member_name("client2", json_integer_value(json_array_get(one, 0)));
    const struct pki_profile profile = {
        .common_name = name,
        .role = PKI_CLIENT,
        .not_before_s = signing->now_s - DAY_S,
        .not_after_s = signing->now_s + signing->options->validity_ns / NS_PER_S,
    };
    int r = request ? pki_sign_request(&signing->ca, request, &profile, &signing->certificates[i],
                                       error)
                    : error_set(error, -EBADMSG, "no request came");

    return r < 0 ? error_prefix(error, r, "%s", name) : 0;
}

/* Signs what a part of the members has asked for, and hands it back. */
static int sign(struct signing *signing, size_t part, const json_t *requests, struct error *error) {
    size_t n = json_array_size(requests);
    char *certificates[BATCH] = {NULL};
    json_auto_t *given = NULL;
    int r;

    if (n == 0)
        return 0;
    if (n > BATCH)
        return error_set(error, -EBADMSG, "members: more requests came than were asked for");
    r = pki_authority_open_key(signing->options, &signing->ca, error);
    if (r < 0)
        return r;
    signing->requests = requests;
    signing->certificates = certificates;
    r = parallel_do(sign_one, signing, n, INT64_MAX, NULL, error);
    given = json_pack("{s:s,s:[]}", "authority", signing->ca_pem, "certificates");
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(json_object_get(given, "certificates"),
                                    json_pack("[O,s]",
                                              json_array_get(json_array_get(requests, i), 0),
                                              certificates[i] ? certificates[i] : ""));
        free(certificates[i]);
    }
    if (r == 0)
        r = signing->way->install(signing->way->context, part, &signing->options->chain, given,
                                  error);
    if (r == 0)
        signing->issued += (int64_t)n;
    return r;
}

/* Asks for the next members of a part, and gives them what they lack. */
static int ensure_batch(struct signing *signing, size_t part, struct fleet_part *left,
                        struct error *error) {
    const struct pki_fleet_way *way = signing->way;
    const struct pki_options *options = signing->options;
    json_auto_t *answer = NULL;
    json_auto_t *question = json_pack(
        "{s:I,s:I,s:s,s:I,s:I,s:b}", "first", (json_int_t)left->first, "count",
        (json_int_t)left->count, "authority", signing->ca_pem, "now_s", (json_int_t)signing->now_s,
        "until_s", (json_int_t)(signing->now_s + options->renew_before_ns / NS_PER_S), "force",
        options->force);
    int64_t n;
    int r = way->request(way->context, part, &options->chain, question, &answer, error);

    if (r < 0)
        return r;
    n = jsonline_integer(answer, "next", 0) - left->first;
    if (n < 1 || n > left->count)
        return error_set(error, -EBADMSG, "members: an answer about others than were asked for");
    r = sign(signing, part, json_object_get(answer, "requests"), error);
    if (r < 0)
        return r;
    left->first += n;
    left->count -= n;
    signing->done += n;
    if (way->progress)
        way->progress(way->context, signing->done, signing->clients);
    return 0;
}

/* Where no other way was given: the members live here. */

static int request_here(void *context, size_t part, const struct pki_chain *chain,
                        const json_t *question, json_t **ret, struct error *error) {
    (void)part;
    return pki_fleet_request(context, chain, question, ret, error);
}

static int install_here(void *context, size_t part, const struct pki_chain *chain,
                        const json_t *given, struct error *error) {
    (void)part;
    return pki_fleet_install(context, chain, given, error);
}

int pki_fleet_ensure(const struct pki_options *options, int64_t clients,
                     const struct pki_fleet_way *way, int64_t *ret_issued, struct error *error) {
    const struct pki_fleet_way here = {1, request_here, install_here, NULL,
                                       (void *)options->folder};
    CLEANUP(signing_clear)
    struct signing signing = {.options = options,
                              .way = way ? way : &here,
                              .now_s = clock_realtime_ns() / NS_PER_S,
                              .clients = clients};
    CLEANUP_FD int lock = -1;
    int r = pki_lock(options->folder, "lock", &lock, error);

    if (r == 0)
        r = pki_authority_open(options, &signing.ca, error);
    if (r == 0)
        r = pki_certificate_pem(signing.ca.certificate, &signing.ca_pem, error);
    for (size_t part = 0; part < signing.way->n_parts && r == 0; part++) {
        struct fleet_part left = fleet_part(clients, signing.way->n_parts, part);

        while (r == 0 && left.count > 0)
            r = ensure_batch(&signing, part, &left, error);
    }
    if (r == 0)
        *ret_issued = signing.issued;
    return r;
}
