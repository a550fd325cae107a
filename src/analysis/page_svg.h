/*
 * page_svg - an SVG file as a part of a page: without prolog, script, or anything that would ask
 * for another file; its ids with a prefix, so that several do not collide; as wide as its place.
 */
#ifndef BENCH_ANALYSIS_PAGE_SVG_H
#define BENCH_ANALYSIS_PAGE_SVG_H

#include "base/error.h"

/* The markup, which belongs to the caller and is well-formed whatever `svg` is; or NULL and
 * `error`, when that is no SVG. Only elements that draw, and <title> and <desc>, are taken over;
 * others are left out with what is in them. `label` is what the picture is called by those who
 * cannot see it. */
char *page_svg(const char *svg, const char *prefix, const char *label, struct error *error);

#endif
