#include "analysis/figure_data.h"

#include "analysis/figure.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

static const struct figure_kind *const kinds[] = {
    &figure_connect,       &figure_cpu,    &figure_distribution, &figure_ladder, &figure_latency,
    &figure_latency_probe, &figure_ratios, &figure_throughput,   &figure_trials,
};

/* Pixels of a picture that is 900 wide, at 13 pixels a line of text; characters are this wide. */
#define PIXELS_CHARACTER 7.4
#define PIXELS_LEGEND    872
#define TITLE_CHARACTERS 110 /* of a panel, in bold */
#define LABEL_CHARACTERS 30  /* of a row's label, before it takes another line */

/* ---- what the figures' modules use ---- */

struct figure_panel *figure_add_panel(struct figure *figure, size_t probe, size_t variant,
                                      char *label, struct figure_axis axis) {
    figure->panels = memory_resize(figure->panels, figure->n_panels + 1, sizeof(*figure->panels));
    figure->panels[figure->n_panels] = (struct figure_panel){probe, variant, label, axis};
    return &figure->panels[figure->n_panels++];
}

void figure_add_entry(struct figure *figure, size_t symbol, char *text) {
    figure->entries =
        memory_resize(figure->entries, figure->n_entries + 1, sizeof(*figure->entries));
    figure->entries[figure->n_entries++] = (struct figure_entry){symbol, text};
}

void figure_add_channels(struct figure *figure, const struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_channels; i++)
        figure_add_entry(figure, i + 1, text_copy(dataset->channels[i].name));
}

char *figure_panel_name(const struct dataset *dataset, size_t probe, size_t variant) {
    return probe == FIGURE_NO_PROBE ? text_copy("") : dataset_rung(dataset, probe, variant);
}

char *figure_metric_label(const struct dataset_probe *probe) {
    CLEANUP_FREE char *words = dataset_words(probe->metric);
    char *label = text_format("%s (%s)", words, probe->unit);

    if (label[0] >= 'a' && label[0] <= 'z')
        label[0] = (char)(label[0] - 'a' + 'A');
    return label;
}

void figure_fit_gutter(struct figure *figure, const char *text) {
    size_t width = figure_width(text);

    figure->gutter = width > figure->gutter ? width : figure->gutter;
}

void figure_fit_label(struct figure *figure, const char *label) {
    size_t lines = figure_lines(label), width = figure_width(label);

    figure->lines = lines > figure->lines ? lines : figure->lines;
    figure->width = width > figure->width ? width : figure->width;
}

static void figure_clear(struct figure *figure) {
    for (size_t i = 0; i < figure->n_panels; i++) {
        free(figure->panels[i].label);
        free(figure->panels[i].axis.tics);
    }
    for (size_t i = 0; i < figure->n_entries; i++)
        free(figure->entries[i].text);
    free(figure->panels);
    free(figure->entries);
    free(figure->why);
    free(figure->note);
}

/* ---- what all figures share ---- */

enum { RUN, CHANNELS, FIGURES, PANELS, LEGEND, N_SHARED };

static const struct {
    const char *name, *header;
} shared[N_SHARED] = {
    [RUN] = {"run.csv", "run,scenario,channels,label_characters,label_lines"},
    [CHANNELS] = {"channels.csv", "channel,name,label,control"},
    [FIGURES] =
        {"figures.csv",
         "figure,panels,entries,legend_lines,lines,label_characters,gutter,note,note_lines,why"},
    [PANELS] = {"panels.csv",
                "figure,panel,title,name,help,help_lines,label,low,high,logarithmic,tics"},
    [LEGEND] = {"legend.csv", "figure,entry,symbol,text,x,line"},
};

static char *row_label(const struct dataset_channel *channel) {
    return figure_wrap(channel->name, LABEL_CHARACTERS);
}

static void put_run(struct figure_file *file, const struct dataset *dataset) {
    size_t width = 0, lines = 1;

    for (size_t i = 0; i < dataset->n_channels; i++) {
        CLEANUP_FREE char *label = row_label(&dataset->channels[i]);

        width = figure_width(label) > width ? figure_width(label) : width;
        lines = figure_lines(label) > lines ? figure_lines(label) : lines;
    }
    figure_put_text(file, dataset->run_name);
    figure_put_text(file, dataset->scenario);
    figure_put_integer(file, (int64_t)dataset->n_channels);
    figure_put_integer(file, (int64_t)width);
    figure_put_integer(file, (int64_t)lines);
    figure_end_row(file);
}

static void put_channels(struct figure_file *file, const struct dataset *dataset) {
    static const char *const controls[] = {
        [DATASET_SUBJECT] = "", [DATASET_SAME] = "same", [DATASET_SLOWED] = "slowed"};

    for (size_t i = 0; i < dataset->n_channels; i++) {
        CLEANUP_FREE char *label = row_label(&dataset->channels[i]);

        figure_put_integer(file, (int64_t)i + 1);
        figure_put_text(file, dataset->channels[i].name);
        figure_put_tic(file, label);
        figure_put_text(file, controls[dataset->channels[i].control]);
        figure_end_row(file);
    }
}

static void put_panels(struct figure_file *file, const char *name, const struct figure *figure,
                       const struct dataset *dataset) {
    for (size_t i = 0; i < figure->n_panels; i++) {
        const struct figure_panel *panel = &figure->panels[i];
        CLEANUP_FREE char *name_of_panel = figure_panel_name(dataset, panel->probe, panel->variant);
        CLEANUP_FREE char *title = figure_shorten(name_of_panel, TITLE_CHARACTERS);
        bool again = i > 0 && panel->probe == figure->panels[i - 1].probe;
        CLEANUP_FREE char *help = figure_wrap(
            again || panel->probe == FIGURE_NO_PROBE ? "" : dataset->probes[panel->probe].help,
            120);

        figure_put_text(file, name);
        figure_put_integer(file, (int64_t)i + 1);
        figure_put_plain(file, title);
        figure_put_text(file, name_of_panel);
        figure_put_text(file, help);
        figure_put_integer(file, *help ? (int64_t)figure_lines(help) : 0);
        figure_put_text(file, panel->label);
        figure_put_real(file, panel->axis.low);
        figure_put_real(file, panel->axis.high);
        figure_put_integer(file, panel->axis.logarithmic);
        figure_put_text(file, panel->axis.tics);
        figure_end_row(file);
    }
}

/* Entries one behind the other, in as many lines as they need. Returns how many. */
static size_t put_legend(struct figure_file *file, const char *name, const struct figure *figure) {
    size_t line = 1;
    double x = 0;

    for (size_t i = 0; i < figure->n_entries; i++) {
        const struct figure_entry *entry = &figure->entries[i];
        double width = 52 + PIXELS_CHARACTER * (double)figure_width(entry->text);

        if (x > 0 && x + width > PIXELS_LEGEND) {
            line++;
            x = 0;
        }
        figure_put_text(file, name);
        figure_put_integer(file, (int64_t)i + 1);
        figure_put_integer(file, (int64_t)entry->symbol);
        figure_put_text(file, entry->text);
        figure_put_real(file, x);
        figure_put_integer(file, (int64_t)line);
        figure_end_row(file);
        x += width;
    }
    return figure->n_entries ? line : 0;
}

static void put_figure(struct figure_file files[N_SHARED], const char *name,
                       const struct figure *figure, const struct dataset *dataset) {
    CLEANUP_FREE char *note = figure->note ? figure_wrap(figure->note, 135) : NULL;
    size_t legend_lines = put_legend(&files[LEGEND], name, figure);

    put_panels(&files[PANELS], name, figure, dataset);
    figure_put_text(&files[FIGURES], name);
    figure_put_integer(&files[FIGURES], (int64_t)figure->n_panels);
    figure_put_integer(&files[FIGURES], (int64_t)figure->n_entries);
    figure_put_integer(&files[FIGURES], (int64_t)legend_lines);
    figure_put_integer(&files[FIGURES], figure->lines ? (int64_t)figure->lines : 1);
    figure_put_integer(&files[FIGURES], (int64_t)figure->width);
    figure_put_integer(&files[FIGURES], (int64_t)figure->gutter);
    figure_put_text(&files[FIGURES], note);
    figure_put_integer(&files[FIGURES], note ? (int64_t)figure_lines(note) : 0);
    figure_put_text(&files[FIGURES], figure->why);
    figure_end_row(&files[FIGURES]);
}

/* ---- all of it ---- */

static int make_folder(const char *path, struct error *error) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", path);
    return 0;
}

static int write_all(struct figure_file files[N_SHARED], const struct figure_sources *sources,
                     struct error *error) {
    put_run(&files[RUN], sources->dataset);
    put_channels(&files[CHANNELS], sources->dataset);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct figure figure = {.note = NULL};
        int r = kinds[i]->make(&figure, sources, error);

        if (r == 0)
            put_figure(files, kinds[i]->name, &figure, sources->dataset);
        figure_clear(&figure);
        if (r < 0)
            return r;
    }
    return 0;
}

int figure_data_write(const struct analysis *analysis, const char *plot_dir, struct error *error) {
    CLEANUP_FREE char *folder = text_format("%s/data", plot_dir);
    struct figure_sources sources = {
        .dataset = analysis->dataset,
        .cells = analysis->cells,
        .summary = analysis->summary,
        .comparisons = analysis->comparisons,
        .ladder = analysis->ladder,
        .folder = folder,
    };
    struct figure_file files[N_SHARED] = {{.path = NULL}};
    int r = make_folder(plot_dir, error);

    if (r == 0)
        r = make_folder(folder, error);
    for (size_t i = 0; i < N_SHARED && r == 0; i++)
        r = figure_file_open(&files[i], folder, shared[i].name, shared[i].header, error);
    if (r == 0)
        r = write_all(files, &sources, error);
    for (size_t i = 0; i < N_SHARED; i++) {
        int closed = figure_file_close(&files[i], r < 0 ? NULL : error);

        r = r < 0 ? r : closed;
    }
    return r;
}
