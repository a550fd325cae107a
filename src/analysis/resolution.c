#include "analysis/resolution.h"

#include <math.h>

void resolution_add(struct resolution *resolution, const struct paired *control, bool equivalent) {
    if (!isfinite(control->ci_low) || !isfinite(control->ci_high))
        return;
    resolution->known = true;
    resolution->low = fmin(resolution->low, control->ci_low);
    resolution->high = fmax(resolution->high, control->ci_high);
    resolution->equivalent = resolution->equivalent && equivalent;
}

bool resolution_hides(const struct resolution *resolution, const struct paired *paired) {
    return resolution->known && paired->ci_low <= resolution->high &&
           paired->ci_high >= resolution->low;
}

double resolution_limit(const struct resolution *resolution) {
    return fmax(1 - resolution->low, resolution->high - 1);
}

bool resolution_refutes_loss(const struct paired *paired, double loss) {
    return paired->ci_low > 1 - loss / 2;
}
