#include "run/show.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "hosts/facts.h"
#include "security/pki.h"

#include <string.h>

static void print_entry(const struct pki_entry *entry) {
    char until[CLOCK_TEXT_SIZE];

    clock_format_utc(entry->not_after_ns, until);
    printf("  %-10s %-10s by %-26s until %.10s  %s\n", entry->name, entry->key_type, entry->issuer,
           until, entry->addresses);
}

int show_certificates(const char *certs, struct error *error) {
    const char *cursor = PKI_KEY_TYPES, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *key_type = strndup(word, length);
        CLEANUP_FREE char *store = pki_store(certs, key_type);
        struct pki_entry *entries = NULL;
        size_t n = 0;
        int r = pki_list(store, &entries, &n, error);

        if (r < 0)
            return r;
        if (n)
            printf("%s\n", store);
        for (size_t i = 0; i < n; i++)
            print_entry(&entries[i]);
        pki_list_free(entries, n);
    }
    return 0;
}

static const struct {
    const char *name, *package, *purpose;
    bool needed;
} programs[] = {
    {"mosquitto", "mosquitto", "the broker under test", true},
    {"gnuplot", "gnuplot-nox", "figures", true},
    {"iperf3", "iperf3", "scripts/compare-peers", false},
    {"stunnel4", "stunnel4", "scripts/compare-peers", false},
    {"mosquitto_pub", "mosquitto-clients", "scripts/compare-peers", false},
};

int show_host(const char *address) {
    json_auto_t *facts = facts_collect(address);
    const char *key;
    json_t *value;
    int missing = 0;

    json_object_foreach(facts, key, value) {
        CLEANUP_FREE char *text = json_is_string(value)
                                      ? text_copy(json_string_value(value))
                                      : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        printf("%-26s %s\n", key, text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        CLEANUP_FREE char *path = NULL;

        if (process_find(&path, programs[i].name, NULL) == 0) {
            printf("%-26s %s\n", programs[i].name, path);
            continue;
        }
        printf("%-26s %s, for %s: apt-get install %s\n", programs[i].name,
               programs[i].needed ? "MISSING" : "not there", programs[i].purpose,
               programs[i].package);
        missing |= programs[i].needed;
    }
    return missing;
}
