/*
 * page_parts - within page*.c only: the sections of the page, each written by a function of its
 * own, and what they share.
 */
#ifndef BENCH_ANALYSIS_PAGE_PARTS_H
#define BENCH_ANALYSIS_PAGE_PARTS_H

#include "analysis/html.h"
#include "analysis/page.h"
#include "analysis/table.h"
#include "base/inifile.h"

#include <jansson.h>

struct page {
    const struct analysis *analysis;
    const struct dataset *dataset; /* the analysis' */
    const struct table *table;
    const char *plot_dir;     /* NULL: no figures */
    struct inifile *scenario; /* scenario.ini; NULL: not readable */
    json_t *environment;      /* environment.json; NULL: there is none */
    char *plots;              /* address of the figures, seen from the page; NULL: not known */
};

/* The value of a setting of the run's scenario, "" when it has none. */
const char *page_setting(const struct page *page, const char *section, const char *key);

/* ---- numbers ---- */

/* The number with its exact value; "-" for what is not finite. `shown` is freed. */
void page_number(FILE *out, double value, char *shown);
/* A table cell of that number. */
void page_cell(FILE *out, const char *column, double value, char *shown);
/* Two numbers, "LOW .. HIGH", without an element around them. */
void page_interval(FILE *out, double low, double high, char *shown_low, char *shown_high);

/* ---- tables ---- */

/* A table that scrolls by itself where it is too wide, from its start tag to its head: headers end
 * with NULL; one that begins with '<' is for a column of words. */
void page_table_begin(FILE *out, const char *caption, const char *const *headers);
void page_table_end(FILE *out);

/* " (control: the baseline once more)" behind a channel's name, or nothing. */
void page_control(FILE *out, const struct dataset_channel *channel);
/* A channel's name, what is varied of it in a line of its own. */
void page_channel(FILE *out, const struct dataset_channel *channel);

/* ---- sections ---- */

typedef void page_section(FILE *out, const struct page *page);

page_section page_unsteady; /* page_findings.c */
page_section page_conclusions;
page_section page_validity;
page_section page_throughput; /* page_tables.c */
page_section page_comparisons;
page_section page_ladder;  /* page_ladder.c */
page_section page_energy;  /* page_energy.c */
page_section page_figures; /* page_figures.c */
page_section page_proofs;  /* page_about.c */
page_section page_environment;
page_section page_reproduce; /* page_data.c */
page_section page_data;

/* page.css, a line each, ended by NULL: made by scripts/text-to-c when the program is built. */
extern const char *const page_style[];

#endif
