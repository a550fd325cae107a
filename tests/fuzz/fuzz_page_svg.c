/* analysis/page_svg: any file is taken over or refused; what was taken over is a drawing again,
 * asks for nothing and runs nothing. */
#include "fuzz.h"

#include "analysis/page_svg.h"

static void check_part(const char *svg, const char *part) {
    FUZZ_CHECK(!strcasestr(svg, part), "'%s' in %s", part, svg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* '<' stands nowhere but where an element begins. */
    static const char *const never[] = {"<script", "<style", "<foreignObject", "<a ", "<!", "<?"};
    CLEANUP_FREE char *text = fuzz_text((struct fuzz_part){(const char *)data, size});
    CLEANUP_FREE char *svg = page_svg(text, "p-", "label", NULL), *again = NULL;

    if (!svg)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        check_part(svg, never[i]);
    again = page_svg(svg, "", "label", NULL);
    FUZZ_CHECK(again, "refused when it is read again: %s", svg);
    FUZZ_CHECK(text_equal(svg, again), "another one the second time:\n%s\n%s", svg, again);
    return 0;
}
