/*
 * paho_tls - TLS as a client_config asks for it, in a library that takes file names and a list of
 * ciphers only, and tells nothing of what was negotiated.
 *
 * Paho C uses the same OpenSSL in the same process. OpenSSL tells of each context and connection
 * that is made (CRYPTO_get_ex_new_index(3)) and of the steps of a handshake
 * (SSL_CTX_set_info_callback(3)): at its start the connection is made as asked for, at its end what
 * came of it is read. A login is watched at a time.
 */
#ifndef BENCH_MQTT_PAHO_TLS_H
#define BENCH_MQTT_PAHO_TLS_H

#include "model/client_config.h"
#include "model/trial.h"

#include <MQTTAsync.h>

/* Of one client. */
struct paho_tls {
    MQTTAsync_SSLOptions options;
    char *psk_identity, *psk_key;
    struct tls_session session;
};

/* Fills in the options; their texts are borrowed from config. */
void paho_tls_open(struct paho_tls *tls, const struct client_config *config);
void paho_tls_close(struct paho_tls *tls);

/* Around a login of the library's: what it negotiates is made as config asks. The end is -EIO when
 * no handshake was seen, or it could not be made as asked; else tls->session is known. */
int paho_tls_begin(const struct client_config *config, struct error *error);
int paho_tls_end(struct paho_tls *tls, struct error *error);

#endif
