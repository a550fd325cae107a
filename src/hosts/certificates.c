#include "hosts/certificates.h"

#include "base/jsonline.h"
#include "security/pki.h"

int certificates_request(const char *certs, const json_t *order, json_t **ret,
                         struct error *error) {
    CLEANUP(pki_party_files_clear) struct pki_party_files files = {.request = NULL};
    int r = pki_party_request(certs, jsonline_text(order, "key_type", ""),
                              jsonline_text(order, "holder", ""), &files, error);

    if (r < 0)
        return r;
    *ret = json_pack("{s:s,s:s*,s:s*,s:s*}", "request", files.request, "certificate",
                     files.certificate, "authority", files.authority, "revoked", files.revoked);
    return 0;
}

int certificates_install(const char *certs, const json_t *order, struct error *error) {
    return pki_party_install(
        certs, jsonline_text(order, "key_type", ""), jsonline_text(order, "holder", ""),
        jsonline_text(order, "certificate", NULL), jsonline_text(order, "authority", NULL),
        jsonline_text(order, "revoked", NULL), error);
}
