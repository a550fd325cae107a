#include "mqtt/library.h"

void mqtt_library_take(struct mqtt_client *client, const char *topic, const void *payload,
                       size_t length, int qos) {
    client->received++;
    if (qos < client->lowest)
        client->lowest = qos;
    if (payload_client_open(client->payload, topic, &payload, &length) && client->on_message)
        client->on_message(client->user, topic, payload, length);
}
