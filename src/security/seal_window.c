#include "security/seal_window.h"

#include <string.h>

static uint64_t bit(uint64_t counter) {
    return UINT64_C(1) << (counter % 64);
}

/* A ring: a counter's place is that of the one SEAL_WINDOW before it. */
static uint64_t place(uint64_t counter) {
    return counter % SEAL_WINDOW / 64;
}

bool seal_window_has(const struct seal_window *window, uint64_t counter) {
    if (counter >= window->next)
        return false;
    if (window->next - counter > SEAL_WINDOW)
        return true;
    return window->seen[place(counter)] & bit(counter);
}

void seal_window_add(struct seal_window *window, uint64_t counter) {
    if (counter >= window->next) {
        if (counter - window->next >= SEAL_WINDOW)
            memset(window->seen, 0, sizeof(window->seen));
        else
            for (uint64_t i = window->next; i < counter; i++)
                window->seen[place(i)] &= ~bit(i);
        window->next = counter + 1;
    }
    window->seen[place(counter)] |= bit(counter);
}
