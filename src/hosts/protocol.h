/*
 * protocol - what driver and agents must agree on: how they greet, how often they give a sign of
 * life. The lines themselves: agent.h.
 */
#ifndef BENCH_HOSTS_PROTOCOL_H
#define BENCH_HOSTS_PROTOCOL_H

#include <jansson.h>

#define AGENT_PROTOCOL 3

/* How often either side gives a sign of life, and after how long a silence the driver takes an
 * agent, and an agent the driver, for lost. The driver obeys nobody and waits longer for an agent
 * while another one answers it. */
#define AGENT_BEAT_NS     (INT64_C(2) * 1000000000)
#define AGENT_SILENCE_NS  (INT64_C(10) * 1000000000)
#define DRIVER_SILENCE_NS (INT64_C(30) * 1000000000)

/* The name of the kernel's life that monotonic clocks count from; NULL when it cannot be read, else
 * the caller's. */
char *protocol_boot(void);

/* What an agent of this program greets with. "boot": protocol_boot(). "reached": the address at
 * which ssh's server was reached, "from": the other end of that; both absent without ssh. The
 * caller's. */
json_t *agent_greeting(void);

/* {"monotonic_ns", "realtime_ns"}: this host's clocks. The caller's. */
json_t *agent_clock(void);

#endif
