/* In the place of paho.c where Paho C was not there at build time. */
#include "mqtt/library.h"

const struct mqtt_library *const mqtt_library_paho = NULL;
