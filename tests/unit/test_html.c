/* html and page_svg: whatever a file says stays text, and a figure brings nothing but lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/html.h"
#include "analysis/page_svg.h"
#include "base/memory.h"

#include <string.h>

#define BAD "\xef\xbf\xbd"

static char *written(const char *text) {
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);

    html_text(out, text);
    (void)fclose(out);
    return result;
}

static void test_text(void **state) {
    static const char *const cases[][2] = {
        {"plain text, \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x92", NULL},
        {"", NULL},
        {"<script>alert(\"1\" & '2')</script>",
         "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"},
        {"a\tb\nc", NULL},
        {"a\r\nb", "a \nb"},
        {"\x01 \x1b[31m \x7f", BAD " " BAD "[31m " BAD},
        {"cut \xe2\x82", "cut " BAD BAD},
        {"\xe2\x82<b>", BAD BAD "&lt;b&gt;"}, /* eats no markup behind it */
        {"\xc0\xbc"
         "script",
         BAD BAD "script"},                                 /* '<' in two bytes */
        {"\xe0\x80\xbc", BAD BAD BAD},                      /* in three */
        {"\xed\xa0\x80", BAD BAD BAD},                      /* half of a pair */
        {"\xf4\x90\x80\x80 \xff", BAD BAD BAD BAD " " BAD}, /* beyond Unicode */
        {"\xef\xbf\xbe \xc2\x85", BAD BAD BAD " " BAD BAD}, /* no character; a control */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = written(cases[i][0]);

        assert_string_equal(text, cases[i][1] ? cases[i][1] : cases[i][0]);
    }
}

static void test_put(void **state) {
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    html_put(out, "<b title=\"%s\">%s</b> %d%% %zu %ld %c", "\"<", "a&b", -5, (size_t)7, 8L, '<');
    (void)fclose(out);
    assert_string_equal(text, "<b title=\"&quot;&lt;\">a&amp;b</b> -5% 7 8 &lt;");
}

static void test_escaped(void **state) {
    static const char given[] = "&lt; &#176; &#960; &nbsp; &#0; &#x41; &#55296; & < &amp";
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    html_escaped(out, given, strlen(given));
    (void)fclose(out);
    assert_string_equal(text, "&lt; &#176; &#960; &amp;nbsp; &amp;#0; &amp;#x41; &amp;#55296; "
                              "&amp; &lt; &amp;amp");
}

static void test_address(void **state) {
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    html_address(out, "../a b/100%#?&\".svg");
    (void)fclose(out);
    assert_string_equal(text, "../a%20b/100%25%23%3F%26%22.svg");
}

/* The vectors of RFC 4648, section 10. */
static void test_base64(void **state) {
    static const char *const cases[][2] = {
        {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *given = text_copy(cases[i][0]), *text = NULL;
        FILE *in = fmemopen(given, strlen(given), "r"), *out;
        size_t size;

        out = open_memstream(&text, &size);
        html_base64(out, in);
        (void)fclose(in);
        (void)fclose(out);
        assert_string_equal(text, cases[i][1]);
    }
}

/* ---- figures ---- */

#define ROOT                                                                                       \
    "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "      \
    "width=\"100%\" role=\"img\" aria-label=\"bars &amp; &quot;dots&quot;\" "
#define BOX "viewBox=\"0 0 9 5\""

static void assert_svg(const char *given, const char *expected) {
    struct error error = {""};
    CLEANUP_FREE char *svg = page_svg(given, "f-", "bars & \"dots\"", &error);

    if (!svg)
        fail_msg("%s: %s", given, error.text);
    assert_string_equal(svg, expected);
}

static void test_svg_frame(void **state) {
    (void)state;
    assert_svg("<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"x\" \"y\">\n<!-- <b> -->\n"
               "<svg \n width=\"900\" height='420'\n viewBox=\"0 0 9 5\"\n xmlns=\"z\" "
               "xmlns:xlink=\"z\" id=\"a\" onload=\"x()\" font-size=\"13\"\n>\n<g/></svg>\n",
               ROOT BOX " font-size=\"13\">\n<g/></svg>");
    assert_svg("<svg a></svg>", ROOT "viewBox=\"0 0 900 420\"></svg>");
    assert_svg("<svg width=\"900px\" height=\"420\"><g></g></svg>",
               ROOT "viewBox=\"0 0 900 420\"><g></g></svg>");
}

/* What a browser reads as an action or as a request, in whichever letters it is written. */
static void test_svg_disguises(void **state) {
    (void)state;
    assert_svg("<svg STYLE=\"position: fixed\" ONLOAD=\"x()\" viewBox=\"0 0 9 5\"><g "
               "onClick=\"x()\" Class=\"a\"/></svg>",
               ROOT BOX "><g/></svg>");
    assert_svg("<svg viewBox=\"0 0 9 5\"><image HREF=\"http://a/b\" Xlink:Href=\"//a\"/></svg>",
               ROOT BOX "><image/></svg>");
    assert_svg("<svg viewBox=\"0 0 9 5\"><g fill=\"url&#40;http://a/b)\" "
               "style=\"mask: ur&#108;(http://a)\"/></svg>",
               ROOT BOX "><g/></svg>");
    assert_svg("<svg viewBox=\"0 0 9 5\"><g style=\"cursor: image-set('http://a' 1x)\" "
               "fill=\"rgb( 85, 85, 85)\" transform=\"translate(1,2)\"/></svg>",
               ROOT BOX "><g fill=\"rgb( 85, 85, 85)\" transform=\"translate(1,2)\"/></svg>");
}

static void test_svg_ids(void **state) {
    (void)state;
    assert_svg("<svg viewBox=\"0 0 9 5\"><path id='p' fill=\"url(#q)\"/><use xlink:href='#p'/>"
               "<use href=\"#p\"/><g style=\"fill: url( '#q' ) ; a: url(#r)\"/></svg>",
               ROOT BOX "><path id=\"f-p\" fill=\"url(#f-q)\"/><use xlink:href=\"#f-p\"/>"
                        "<use href=\"#f-p\"/><g style=\"fill: url( &#39;#f-q&#39; ) ; "
                        "a: url(#f-r)\"/></svg>");
}

static void test_svg_brings_nothing(void **state) {
    (void)state;
    assert_svg(
        "<svg viewBox=\"0 0 9 5\"><script>if (a < b) x()</script><script href=\"x\"/>"
        "<style>@import 'x'</style><foreignObject><p>x</p></foreignObject>"
        "<g onclick=\"x()\" class=\"alert\" fill=\"URL(http://x)\" style=\"f\\69ll: x\" "
        "foo:bar=\"1\" a=\"1\" a=\"2\"><image href=\"http://x/\"/><use href=\"x.svg#y\"/></g>"
        "<a href=\"javascript:x()\"><text>t</text></a></svg>",
        ROOT BOX "><g a=\"1\"><image/><use/></g></svg>");
}

static void test_svg_titles(void **state) {
    (void)state;
    assert_svg("<svg viewBox=\"0 0 9 5\"><title>Gnuplot</title><g><title>gnuplot_plot_1</title>"
               "<title>path, plain &amp; \xff</title><text>a &lt; b</text></g></svg>",
               ROOT BOX "><g><title>path, plain &amp; " BAD "</title><text>a &lt; b</text></g>"
                        "</svg>");
}

static void test_svg_is_none(void **state) {
    static const char *const cases[] = {
        "",
        "words",
        "<html></html>",
        "<svg>",
        "<svg",
        "<svg a=\"",
        "<svg><g></svg></g>",
        "<svg></svg></svg>",
        "<svg></svg><svg></svg>",
        "<svg><script>",
        "<svg><!-- ",
        "<svg><g <g></g></g></svg>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};

        if (page_svg(cases[i], "f-", "x", &error))
            fail_msg("taken for an SVG: %s", cases[i]);
        assert_true(*error.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_svg_frame),
        cmocka_unit_test(test_svg_disguises),
        cmocka_unit_test(test_svg_ids),
        cmocka_unit_test(test_svg_brings_nothing),
        cmocka_unit_test(test_svg_titles),
        cmocka_unit_test(test_svg_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
