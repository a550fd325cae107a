/*
 * questions - the orders that only ask what a host is and sees, whatever its agent is doing. They
 * cannot fail: what the host does not know is absent from the answer.
 *
 *   clock                        its clocks, see protocol.h
 *   facts     address, source?   see facts.h; source: of the other host's packets to address
 *   identity  address            see identity.h
 *   readings  interface?         see readings.h
 */
#ifndef BENCH_HOSTS_QUESTIONS_H
#define BENCH_HOSTS_QUESTIONS_H

#include <jansson.h>

/* The answer to an order, the caller's; NULL when it is none of these. */
json_t *questions_answer(const char *name, const json_t *order);

#endif
