/*
 * token_scheme - what a token is: how a client makes one, and how the broker tells a right one from
 * any other. The reference scheme of the mechanism `token`, and the place for another: replace this
 * header's constants and token_scheme.c, and nothing else (CONTRIBUTING.md shows how).
 *
 * Shared by clients and the broker's plugin: C and libcrypto alone. A token is text without line
 * ends that goes into CONNECT's password; the user name says which scheme it is of. How old a token
 * may be, and that it is good for once, is not the scheme's business but the plugin's
 * (plugin/token.c), which asks here only what a token says.
 *
 * Reference: HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a key that all clients and the broker share,
 * over time, nonce and client id. As text: TIME.NONCE.MAC, with the time in nanoseconds since 1970
 * in decimal digits, the nonce and the code in hexadecimal ones; the code is that of "TIME.NONCE."
 * with the client id behind it, which can be read in one way only.
 */
#ifndef BENCH_SECURITY_TOKEN_SCHEME_H
#define BENCH_SECURITY_TOKEN_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

/* The user name of a client that shows a token. No user of a password file can be called so: the
 * file's names end at a ':'. */
#define TOKEN_USER "token:hmac-sha-256"

/* Room for any token and its final zero; a broker reads no longer one. */
#define TOKEN_TEXT_SIZE 256

#define TOKEN_NONCE_BYTES 16

/* What a right token says of itself; together this is never twice the same. */
struct token_facts {
    int64_t time_ns; /* of its making, since 1970 (UTC), above 0 */
    unsigned char nonce[TOKEN_NONCE_BYTES];
};

/* Makes the token with which client_id gets in once, at about time_ns. 0, or -EIO when there are no
 * random numbers, or no HMAC, to be had. */
int token_make(const char *key, const char *client_id, int64_t time_ns, char ret[TOKEN_TEXT_SIZE]);

/* Whether text is a token for this client, made under this key and not changed since: then what it
 * says is in *ret. Text may be anything at all. */
bool token_read(const char *key, const char *client_id, const char *text, struct token_facts *ret);

#endif
