/*
 * readings - what changes on this host while it measures: clock, temperature, throttling, the radio
 * link. They are taken before and after each block. What cannot be read is left out.
 */
#ifndef BENCH_HOSTS_READINGS_H
#define BENCH_HOSTS_READINGS_H

#include "hosts/peek.h"

#include <jansson.h>
#include <stdbool.h>

/* {METRIC: {"value", "unit"}}; "throttled" is the number whose bits model/throttling.h explains.
 * interface: the one that the data takes, NULL or "" when not known. The caller's. */
json_t *readings_collect(struct peek *peek, const char *interface);

/* The number in what `vcgencmd` says: "throttled=0x50005", "temp=48.3'C",
 * "frequency(48)=1500345728"; label is what must stand in front of it, up to '=' or '('. */
bool readings_parse_vcgencmd(const char *text, const char *label, double *ret);

/* ---- the radio link of a wireless interface ----
 *
 * No name or address of a network is looked at. The texts are those of `iw` and of
 * /proc/self/net/wireless, which tell of our own network namespace; what they do not say is absent.
 */

/* {"signal_dbm", "bit_rate_mbit_s" (sending), "rx_bit_rate_mbit_s", "frequency_mhz", "power_save"};
 * NULL when the interface is not wireless. The caller's. */
json_t *wifi_collect(struct peek *peek, const char *interface);

/* Each adds to `wifi` what its text says: `iw dev IF link`, `iw dev IF get power_save`, and the
 * line of the interface in /proc/net/wireless (which adds only what is not there yet). */
void wifi_parse_link(json_t *wifi, const char *text);
void wifi_parse_power_save(json_t *wifi, const char *text);
void wifi_parse_proc(json_t *wifi, const char *text, const char *interface);

#endif
