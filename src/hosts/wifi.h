/*
 * wifi - the radio link of a wireless interface: signal, bit rates, power save. No name or address
 * of a network is looked at.
 *
 * The texts are those of `iw` and of /proc/self/net/wireless, which tell of our own network
 * namespace; what they do not say is absent.
 */
#ifndef BENCH_HOSTS_WIFI_H
#define BENCH_HOSTS_WIFI_H

#include <jansson.h>

/* {"signal_dbm", "bit_rate_mbit_s" (sending), "rx_bit_rate_mbit_s", "frequency_mhz", "power_save"};
 * NULL when the interface is not wireless. The caller's. */
json_t *wifi_collect(const char *interface);

/* Each adds to `wifi` what its text says: `iw dev IF link`, `iw dev IF get power_save`, and the
 * line of the interface in /proc/net/wireless (which adds only what is not there yet). */
void wifi_parse_link(json_t *wifi, const char *text);
void wifi_parse_power_save(json_t *wifi, const char *text);
void wifi_parse_proc(json_t *wifi, const char *text, const char *interface);

#endif
