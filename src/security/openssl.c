#include "security/openssl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

const char *openssl_reason(void) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "no reason given";
}

int openssl_lacks(struct error *error, const char *what) {
    unsigned major = OPENSSL_version_major(), minor = OPENSSL_version_minor();
    bool old = major < 3 || (major == 3 && minor < 5);

    return error_set(error, -EOPNOTSUPP, "OpenSSL %u.%u has no %s%s", major, minor, what,
                     old ? ": Debian 13 has" : " as it is built or configured here");
}
