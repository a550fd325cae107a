#include "security/tls_broker.h"

#include "security/tls_algorithms.h"

void tls_broker_lines(const struct tls_config *tls, FILE *lines) {
    fprintf(lines, "tls_version %s\n", tls->min_version == TLS_1_3 ? "tlsv1.3" : "tlsv1.2");
    if (*tls->ciphers)
        fprintf(lines, "ciphers %s\n", tls->ciphers);
    if (*tls->suites)
        fprintf(lines, "ciphers_tls1.3 %s\n", tls->suites);
}

void tls_broker_openssl(const struct tls_config *tls, FILE *lines) {
    fprintf(lines, "MaxProtocol = %s\n", tls_algorithms_version_name(tls->max_version));
    if (*tls->groups)
        fprintf(lines, "Groups = %s\n", tls->groups);
    if (!tls->tickets) /* the second for TLS 1.3: the first makes its tickets stand for a cache */
        fprintf(lines, "Options = -SessionTicket\nNumTickets = 0\n");
}
