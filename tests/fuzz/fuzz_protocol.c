/* base/jsonline and what hosts make of its lines: the pieces in which lines come do not matter; an
 * object is the same when it is sent on; channels, settings and client configurations in it are
 * taken or refused, and the same when they are sent on. The first byte says how large pieces are.
 */
#include "fuzz.h"

#include "../registry.h"
#include "base/jsonline.h"

#include <errno.h>
#include <fcntl.h>

/* ---- one line ---- */

static void check_sending(const json_t *object) {
    static struct fuzz_file file;
    CLEANUP(jsonline_clearp) struct jsonline_reader reader;
    json_auto_t *again = NULL;

    if (!file.fd)
        file = fuzz_file_make();
    fuzz_file_put(&file, "", 0);
    (void)lseek(file.fd, 0, SEEK_SET);
    FUZZ_CHECK(jsonline_send(file.fd, json_deep_copy(object), NULL) == 0, "send");
    (void)lseek(file.fd, 0, SEEK_SET);
    jsonline_init(&reader, file.fd);
    while (jsonline_next(&reader, &again, NULL) == 0)
        FUZZ_CHECK(jsonline_fill(&reader, NULL) > 0, "half a line was sent");
    FUZZ_CHECK(json_equal(object, again), "another object was sent");
}

/* A block of settings, or NULL: the same when it has travelled. */
static void *check_block(const struct setting_group *group, const json_t *values) {
    json_auto_t *object = NULL, *second = NULL;
    void *block = NULL, *again = NULL;
    struct error error = {""};

    if (setting_block_from_json(group, values, &block, &error) < 0) {
        FUZZ_CHECK(!block && *error.text, "%s", group->name);
        return NULL;
    }
    object = setting_block_to_json(group, block);
    FUZZ_CHECK(setting_block_from_json(group, object, &again, &error) == 0, "%s", error.text);
    second = setting_block_to_json(group, again);
    FUZZ_CHECK(json_equal(object, second), "%s: another block arrived", group->name);
    setting_block_free(group, again);
    return block;
}

static void check_client(const struct client_config *config) {
    json_auto_t *object = setting_block_to_json(&client_config_group, config);
    struct client_config *again = check_block(&client_config_group, object);

    FUZZ_CHECK(again, "a client_config of our own was refused");
    client_config_free(again);
}

static void check_parties(const struct channel *channel, const json_t *line) {
    static const struct fleet_plan few = {.clients = 3};
    const json_t *told = json_object_get(line, "fleet");
    void *fleet = NULL;
    bool known = told && setting_block_from_json(&fleet_group, told, &fleet, NULL) == 0;
    struct bringup bringup = {.channel = channel,
                              .certs = "/certs",
                              .folder = "/nowhere",
                              .secrets = json_object_get(line, "secrets"),
                              .fleet = known ? fleet : &few};
    const struct mechanism *mechanism;
    size_t cursor = 0;

    for (int party = PARTY_BROKER; party <= PARTY_CLIENT2; party++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            mechanism_client_config(&bringup, (enum party)party, jsonline_text(line, "address", ""),
                                    jsonline_integer(line, "port", 0) & 0xffff);

        check_client(config);
        while (party == PARTY_CLIENT2 && (mechanism = mechanism_next(channel, &cursor)))
            for (size_t i = 0; i < mechanism->n_proofs; i++)
                if (mechanism->proofs[i].alter &&
                    (!mechanism->proofs[i].applies || mechanism->proofs[i].applies(channel)))
                    mechanism->proofs[i].alter(config, &bringup);
    }
    if (known)
        setting_block_free(&fleet_group, fleet);
}

static void check_channel(const json_t *line) {
    json_auto_t *object = NULL, *second = NULL;
    struct channel channel, again;
    struct error error = {""};

    if (channel_from_json(&channel, workshop_registry(), json_object_get(line, "channel"), &error) <
        0) {
        FUZZ_CHECK(*error.text, "no reason");
        return;
    }
    object = channel_to_json(&channel);
    FUZZ_CHECK(channel_from_json(&again, workshop_registry(), object, &error) == 0, "%s",
               error.text);
    second = channel_to_json(&again);
    FUZZ_CHECK(json_equal(object, second), "another channel arrived");
    channel_clear(&again);
    if (channel_check(&channel, &error) == 0)
        check_parties(&channel, line);
    channel_clear(&channel);
}

static void check_line(const json_t *line) {
    const struct registry *registry = workshop_registry();
    struct worker_context worker = {.params = line, .registry = registry};
    struct client_config *client = NULL;
    void *settings = NULL;

    check_sending(line);
    check_channel(line);
    (void)role_find(jsonline_text(line, "role", ""));
    for (size_t i = 0; i < registry->n_groups; i++)
        setting_block_free(registry->groups[i],
                           check_block(registry->groups[i], json_object_get(line, "settings")));
    if (role_client(&worker, &client, NULL) == 0)
        check_client(client);
    client_config_free(client);
    for (size_t i = 0; i < n_probes; i++, settings = NULL)
        if (setting_block_from_json(probes[i]->group, json_object_get(line, "settings"), &settings,
                                    NULL) == 0)
            setting_block_free(probes[i]->group, settings);
}

/* ---- a stream of lines ---- */

struct tally {
    size_t objects, errors;
    json_t *last;
};

static void take(struct jsonline_reader *reader, struct tally *tally) {
    struct error error;
    json_t *line = NULL;
    int r;

    while ((r = jsonline_next(reader, &line, &error)) != 0) {
        FUZZ_CHECK(r == 1 || r == -EBADMSG, "%d", r);
        tally->errors += r < 0;
        if (r < 0)
            continue;
        tally->objects++;
        json_decref(tally->last);
        tally->last = line;
    }
}

static struct tally read_in_pieces(const uint8_t *data, size_t size, size_t piece, bool check) {
    CLEANUP(jsonline_clearp) struct jsonline_reader reader;
    struct tally tally = {0, 0, NULL};
    int ends[2];

    FUZZ_CHECK(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    jsonline_init(&reader, ends[0]);
    for (size_t done = 0; done < size; done += piece) {
        size_t length = size - done < piece ? size - done : piece, before = tally.objects;

        FUZZ_CHECK(write(ends[1], data + done, length) == (ssize_t)length, "write");
        FUZZ_CHECK(jsonline_fill(&reader, NULL) == (int)length, "fill");
        take(&reader, &tally);
        if (check && tally.objects > before)
            check_line(tally.last);
    }
    (void)close(ends[1]);
    FUZZ_CHECK(jsonline_fill(&reader, NULL) == 0, "the end");
    (void)close(ends[0]);
    return tally;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tally pieces, whole;

    if (size < 2)
        return 0;
    pieces = read_in_pieces(data + 1, size - 1, (size_t)1 << (data[0] % 14), true);
    whole = read_in_pieces(data + 1, size - 1, 16384, false);
    FUZZ_CHECK(pieces.objects == whole.objects && pieces.errors == whole.errors, "%zu, %zu",
               pieces.objects, whole.objects);
    FUZZ_CHECK(!whole.last || json_equal(pieces.last, whole.last), "another last object");
    json_decref(pieces.last);
    json_decref(whole.last);
    return 0;
}
