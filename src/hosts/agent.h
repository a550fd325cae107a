/*
 * agent - `bench agent`: obeys the driver, on whichever host it runs. JSON lines on stdin and
 * stdout.
 *
 * It greets with {"protocol": 3, "version": ..., "sources": ...}, behind an empty line, because a
 * shell may have left a line unfinished. Then:
 *   order   {"id": 7, "order": "broker-up", ...}   answered by {"id": 7, "ok": {...}} or
 *           {"id": 7, "error": text, "code": negative errno}; without an id there is no answer
 *   event   {"worker": 3, "line": {...}}           what a worker says
 *           {"worker": 3, "ended": "exit status 0"}
 *           {"broker": "ended", "why": text, "log": text}
 *           {"beat": 5}
 * The orders are the rows of a table in agent.c.
 *
 * The end of stdin ends the agent, its workers and its broker; so does, once the order "beat" has
 * been heard, that nothing is heard for DRIVER_SILENCE_NS: a network may go away without a word.
 */
#ifndef BENCH_HOSTS_AGENT_H
#define BENCH_HOSTS_AGENT_H

#include "model/setting.h"

/* The whole life of an agent that keeps its certificates below `certs` and has the scripts of the
 * same sources in `scripts`; returns the exit status. */
int agent_main(const char *certs, const char *scripts, const struct registry *registry);

#endif
