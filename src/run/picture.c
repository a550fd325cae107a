#include "run/picture.h"

#include "base/terminal.h"
#include "probes/probe.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LEAST_BAR    8
#define LEAST_CELL   8
#define LEAST_FIGURE 6 /* so that columns seldom become wider */
#define GAP          2
#define MORE_WIDTH   10 /* of "  +12 more" */

struct picture {
    int resized_fd;
    sigset_t before; /* what was blocked */
    struct terminal_size size;
    int *lengths; /* of the lines on the screen that will be drawn over */
    size_t n_lines;
};

struct picture *picture_new(void) {
    struct picture *picture;
    sigset_t resized;

    if (!terminal_obeys(stdout))
        return NULL;
    picture = memory_new(1, sizeof(*picture));
    picture->size = terminal_size(stdout);
    (void)sigemptyset(&resized);
    (void)sigaddset(&resized, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &resized, &picture->before);
    picture->resized_fd = signalfd(-1, &resized, SFD_CLOEXEC | SFD_NONBLOCK);
    return picture;
}

void picture_free(struct picture *picture) {
    memory_close_fdp(&picture->resized_fd);
    (void)sigprocmask(SIG_SETMASK, &picture->before, NULL);
    free(picture->lengths);
    free(picture);
}

bool picture_resized(struct picture *picture) {
    struct signalfd_siginfo taken;

    return picture->resized_fd >= 0 &&
           read(picture->resized_fd, &taken, sizeof(taken)) == sizeof(taken);
}

/* ---- lines ---- */

/* A terminal that became narrower has broken the lines that were longer. */
void picture_erase(struct picture *picture) {
    int columns = terminal_size(stdout).columns, rows = 0;

    for (size_t i = 0; i < picture->n_lines; i++)
        rows += picture->lengths[i] > columns ? (picture->lengths[i] - 1) / columns + 1 : 1;
    if (rows)
        printf("\033[%dA\r\033[J", rows);
    picture->n_lines = 0;
}

/* One line, cut to the width of the terminal. */
static void draw_line(struct picture *picture, const char *text) {
    CLEANUP_FREE char *visible = text_visible(text);
    int length = printf("%.*s", picture->size.columns - 1, visible);

    (void)putchar('\n');
    picture->lengths = memory_room(picture->lengths, picture->n_lines, sizeof(*picture->lengths));
    picture->lengths[picture->n_lines++] = length;
}

/* ---- the latest figures ---- */

const char *picture_unit(const struct scenario *scenario, const char *probe) {
    const char *unit = probe_headline(probe_find(probe), scenario)->unit;

    return strncmp(unit, "1/", 2) == 0 ? unit + 1 : unit;
}

char *picture_figure(double value) {
    int decimals;

    if (!isfinite(value))
        return text_copy("-");
    decimals = value <= 0 ? 0 : 3 - (int)floor(log10(value));
    if (value > 0 && value >= pow(10, 4 - decimals) - 0.5 * pow(10, -decimals))
        decimals--; /* rounds up to one digit more */
    return text_format("%.*f", decimals < 0 ? 0 : decimals > 6 ? 6 : decimals, value);
}

/* What stands in a column's heading below the probe: "30B" of "payload=30B"; the caller's. */
static char *values_of(const struct measurement *measurement) {
    const char *cursor = measurement->variant, *word;
    char *values = text_copy("");
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        const char *value = (const char *)memchr(word, '=', length) + 1;
        CLEANUP_FREE char *one = strndup(value, length - (size_t)(value - word));

        text_append(&values, ",", one);
    }
    return values;
}

/* The unit of all probes; NULL when they differ: then it stands beside each value. */
static const char *common_unit(const struct scenario *scenario) {
    const char *unit = picture_unit(scenario, scenario->measurements[0].probe);

    for (size_t i = 1; i < scenario->n_measurements; i++)
        if (!text_equal(picture_unit(scenario, scenario->measurements[i].probe), unit))
            return NULL;
    return unit;
}

static bool has_variants(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_measurements; i++)
        if (*scenario->measurements[i].variant)
            return true;
    return false;
}

/* "25310", "0.3120 ms", "failed"; the caller's. */
static char *cell_of(const struct latest *latest, const char *unit) {
    CLEANUP_FREE char *figure = NULL;

    if (latest->status != TRIAL_OK)
        return text_copy(trial_status_word(latest->status));
    figure = picture_figure(latest->value);
    if (!unit)
        return text_copy(figure);
    return text_format("%s %-*s", figure, (int)strlen(unit), isnan(latest->value) ? "" : unit);
}

/* Of a list the part that is drawn. */
struct part {
    size_t first, n;
};

struct table {
    const struct picture_facts *facts;
    const char *unit; /* of all values; NULL: it stands beside each */
    int name_width;
    int *widths; /* of all columns, with the gap in front */
    struct part columns, rows;
};

static int width_of(const struct picture_facts *facts, size_t column, bool with_unit) {
    const struct scenario *scenario = facts->scenario;
    const struct measurement *measurement = &scenario->measurements[column];
    const char *unit = with_unit ? picture_unit(scenario, measurement->probe) : NULL;
    CLEANUP_FREE char *values = values_of(measurement);
    size_t least = LEAST_FIGURE + (unit ? 1 + strlen(unit) : 0), width = LEAST_CELL;

    width = strlen(measurement->probe) > width ? strlen(measurement->probe) : width;
    width = strlen(values) > width ? strlen(values) : width;
    width = least > width ? least : width;
    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *cell =
            cell_of(&facts->latest[i * scenario->n_measurements + column], unit);

        width = strlen(cell) > width ? strlen(cell) : width;
    }
    return (int)width + GAP;
}

/* As many columns as there is room for, the one at hand among them. */
static struct part columns_of(const struct table *table, int room) {
    const struct picture_facts *facts = table->facts;
    size_t n = facts->scenario->n_measurements;
    struct part part = {0, 0};
    int used = 0;

    for (size_t i = 0; i < n; i++)
        used += table->widths[i];
    room -= used > room ? MORE_WIDTH : 0;
    used = 0;
    for (size_t i = 0; i < n; i++) {
        if (part.n && used + table->widths[i] > room) {
            if (facts->measurement < i)
                break;
            part = (struct part){i, 0};
            used = 0;
        }
        used += table->widths[i];
        part.n++;
    }
    return part;
}

static struct part rows_of(const struct picture_facts *facts, size_t room) {
    size_t n = facts->scenario->n_channels, first = facts->channel / room * room;

    return (struct part){first, n - first < room ? n - first : room};
}

static char *heading_of(const struct table *table) {
    size_t n = table->facts->scenario->n_channels;
    size_t first = table->rows.first + 1, last = table->rows.first + table->rows.n;
    CLEANUP_FREE char *some = first == last ? text_format(" (%zu of %zu)", first, n)
                                            : text_format(" (%zu-%zu of %zu)", first, last, n);

    return text_format("latest%s%s%s", table->unit ? ", " : "", table->unit ? table->unit : "",
                       table->rows.n < n ? some : "");
}

/* The rows of the table: two of headings, then one for each channel. */
enum row { PROBES, VALUES, FIGURES };

static char *text_of(const struct table *table, enum row row, size_t channel, size_t column) {
    const struct scenario *scenario = table->facts->scenario;
    const struct measurement *measurement = &scenario->measurements[column];

    if (row == PROBES)
        return text_copy(measurement->probe);
    if (row == VALUES)
        return values_of(measurement);
    return cell_of(&table->facts->latest[channel * scenario->n_measurements + column],
                   table->unit ? NULL : picture_unit(scenario, measurement->probe));
}

static void draw_row(struct picture *picture, const struct table *table, enum row row,
                     size_t channel, const char *name) {
    const struct picture_facts *facts = table->facts;
    size_t hidden = facts->scenario->n_measurements - table->columns.n;
    bool at_hand = row == FIGURES && channel == facts->channel && !facts->over;
    CLEANUP_FREE char *line =
        text_format("%c %-*.*s", at_hand ? '>' : ' ', table->name_width, table->name_width, name);

    for (size_t i = 0; i < table->columns.n; i++) {
        size_t column = table->columns.first + i;
        CLEANUP_FREE char *text = text_of(table, row, channel, column);
        CLEANUP_FREE char *cell = text_format("%*s", table->widths[column], text);

        text_append(&line, "", cell);
    }
    if (row == PROBES && hidden) {
        CLEANUP_FREE char *more = text_format("  +%zu more", hidden);

        text_append(&line, "", more);
    }
    draw_line(picture, line);
}

/* Names are cut where a figure would have no room beside them. */
static int limit(int width, int least, int most) {
    most = most < least ? least : most;
    return width < most ? width : most;
}

static void draw_table(struct picture *picture, const struct picture_facts *facts) {
    const struct scenario *scenario = facts->scenario;
    bool varied = has_variants(scenario);
    /* Besides: headings, the bar, the cursor. At the end all is left, and scrolls. */
    int room = facts->over ? (int)scenario->n_channels : picture->size.rows - 3 - varied;
    struct table table = {.facts = facts, .unit = common_unit(scenario)};
    CLEANUP_FREE char *heading = NULL;
    size_t name_width;

    if (room < 1)
        return;
    table.rows = rows_of(facts, (size_t)room);
    heading = heading_of(&table);
    name_width = strlen(heading);
    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

        name_width = strlen(label) > name_width ? strlen(label) : name_width;
    }
    table.name_width = (int)name_width;
    table.widths = memory_new(scenario->n_measurements, sizeof(*table.widths));
    for (size_t i = 0; i < scenario->n_measurements; i++)
        table.widths[i] = width_of(facts, i, !table.unit);
    table.name_width = limit(table.name_width, LEAST_CELL,
                             picture->size.columns - 1 - GAP - table.widths[facts->measurement]);
    table.columns = columns_of(&table, picture->size.columns - 1 - GAP - table.name_width);
    draw_row(picture, &table, PROBES, 0, heading);
    if (varied)
        draw_row(picture, &table, VALUES, 0, "");
    for (size_t i = 0; i < table.rows.n; i++) {
        size_t channel = table.rows.first + i;
        CLEANUP_FREE char *label = channel_label(&scenario->channels[channel]);

        draw_row(picture, &table, FIGURES, channel, label);
    }
    free(table.widths);
}

/* ---- the last line ---- */

char *picture_bar(double share, int width) {
    char bar[PICTURE_BAR + 1];
    int filled = (int)(share * width);

    for (int i = 0; i < width; i++)
        bar[i] = i < filled ? '#' : '-';
    bar[width] = '\0';
    return text_format("[%s]", bar);
}

/* The time stands first: a narrow terminal cuts what is behind, after it has had the bar. */
static void draw_bar(struct picture *picture, const struct picture_facts *facts) {
    double share = facts->total ? (double)facts->done / (double)facts->total : 0;
    CLEANUP_FREE char *failed =
        facts->failed ? text_format(", %zu failed", facts->failed) : text_copy("");
    CLEANUP_FREE char *count =
        text_format("%zu/%zu%s  %s", facts->done, facts->total, failed, facts->doing);
    int room = picture->size.columns - 1 - (int)(strlen(facts->time) + strlen(count) + 3 * GAP + 1);
    CLEANUP_FREE char *bar = picture_bar(share, room < 0             ? 0
                                                : room > PICTURE_BAR ? PICTURE_BAR
                                                                     : room);
    CLEANUP_FREE char *line = text_format("  %s  %s%s%s", facts->time, room < LEAST_BAR ? "" : bar,
                                          room < LEAST_BAR ? "" : " ", count);

    draw_line(picture, line);
}

void picture_draw(struct picture *picture, const struct picture_facts *facts) {
    picture_erase(picture);
    picture->size = terminal_size(stdout);
    draw_table(picture, facts);
    draw_bar(picture, facts);
    (void)fflush(stdout);
}
