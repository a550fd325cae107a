#include "run/show.h"

#include "base/clock.h"
#include "base/memory.h"
#include "security/pki.h"

#include <stdio.h>
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
