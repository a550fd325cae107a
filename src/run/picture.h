/*
 * picture - a run on a terminal, drawn over again and again: the latest figure of every channel and
 * probe, and below them the time left and a bar. It follows the size of the terminal: of what does
 * not fit, the part is shown in which the trial at hand is.
 */
#ifndef BENCH_RUN_PICTURE_H
#define BENCH_RUN_PICTURE_H

#include "model/scenario.h"
#include "model/trial.h"

/* The latest trial of a channel with a measurement. */
struct latest {
    enum trial_status status;
    double value; /* NaN: none yet */
};

struct picture_facts {
    const struct scenario *scenario;
    const struct latest *latest; /* channels x measurements */
    size_t channel, measurement; /* at hand */
    size_t done, total, failed;  /* trials; failed: or void */
    const char *time;            /* "1 min 05 s left" */
    const char *doing;           /* "block 2 of 8  tls: path" */
    bool over;
};

struct picture;

/* NULL where stdout cannot be drawn over. While there is one, SIGWINCH is blocked. */
struct picture *picture_new(void);
void picture_free(struct picture *picture); /* leaves what is on the screen */
DEFINE_CLEANUP(struct picture *, picture_free)

/* Whether the terminal has another size than when it was last asked. */
bool picture_resized(struct picture *picture);
/* Takes it off the screen, for lines that stay. */
void picture_erase(struct picture *picture);
/* Draws it in its place. */
void picture_draw(struct picture *picture, const struct picture_facts *facts);

/* A figure with four digits worth reading: "25310", "94.12", "0.4310"; the caller's. */
char *picture_figure(double value);
/* What stands behind it for this probe of a scenario: "Mbit/s", "ms", "/s". */
const char *picture_unit(const struct scenario *scenario, const char *probe);

#define PICTURE_BAR 24
/* "[####----]" of so many characters between the brackets, at most PICTURE_BAR; the caller's. */
char *picture_bar(double share, int width);

#endif
