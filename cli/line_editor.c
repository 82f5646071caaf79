/*
 * line_editor.c -- reads lines from a terminal.
 *
 * Ctrl-C is always a SIGINT, which the thread of cancel.c takes; at the prompt it writes a byte to
 * wake_fd. Waiting for a key therefore waits for both, with libedit through a reader of our own.
 */
#include "line_editor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Wait until the terminal can be read; false when a SIGINT came first. */
static bool wait_for_key(int wake_fd)
{
    char bytes[64];
    struct pollfd wait[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = wake_fd, .events = POLLIN}};
    while (poll(wait, 2, -1) < 0 && errno == EINTR)
        ;
    if (!wait[1].revents)
        return true;
    while (read(wake_fd, bytes, sizeof bytes) > 0)
        ;
    return false;
}

#ifdef YODA_LIBEDIT

#include <histedit.h>
#include <wchar.h>

#define HISTORY_LINES 2000
#define CONTROL_D 4

struct line_editor {
    EditLine *edit;
    History *history;
    struct text_buffer history_path; /* empty: nowhere to keep it */
    const char *prompt;
    int wake_fd;
    bool given_up;
};

/* Create each missing directory of the path, readable by its owner only. */
static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void find_history(struct text_buffer *path)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        text_buffer_printf(path, "%s/yoda/history", state);
    else if (home && home[0] == '/')
        text_buffer_printf(path, "%s/.local/state/yoda/history", home);
    else
        return;
    make_directories(path->data);
}

static char *current_prompt(EditLine *edit)
{
    struct line_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt;
}

/*
 * libedit's reader: one character, 1; the end, an error or a SIGINT, 0.
 *
 * libedit makes the terminal raw only after it wrote the prompt. A Ctrl-D typed before that waits in
 * the kernel as an end-of-file mark, which is read as a NUL once the terminal is raw; and a NUL means
 * "quote the next key" to libedit, which binds the terminal's unset special characters.
 */
static int read_character(EditLine *edit, wchar_t *out)
{
    struct line_editor *editor = NULL;
    mbstate_t state = {0};
    char byte;
    el_get(edit, EL_CLIENTDATA, &editor);
    for (;;) {
        if (!wait_for_key(editor->wake_fd)) {
            editor->given_up = true;
            return 0;
        }
        ssize_t size = read(STDIN_FILENO, &byte, 1);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return 0;
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == 0)
            *out = CONTROL_D;
        if (used <= 1)
            return 1;
        if (used == (size_t)-1) /* ill-formed: drop it and go on */
            state = (mbstate_t){0};
    }
}

static void set_up(struct line_editor *editor)
{
    HistEvent event;
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, current_prompt);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_GETCFN, read_character);
    el_source(editor->edit, NULL);
    el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    history(editor->history, &event, H_SETUNIQUE, 1);
    if (editor->history_path.size > 0)
        history(editor->history, &event, H_LOAD, editor->history_path.data);
    el_set(editor->edit, EL_HIST, history, editor->history);
}

struct line_editor *line_editor_create(int wake_fd)
{
    struct line_editor *editor = text_buffer_array(NULL, 1, sizeof *editor);
    *editor = (struct line_editor){.edit = el_init("yoda", stdin, stdout, stderr),
                                   .history = history_init(),
                                   .wake_fd = wake_fd};
    if (!editor->edit || !editor->history) {
        fputs("yoda: the terminal cannot be set up for editing\n", stderr);
        exit(1);
    }
    find_history(&editor->history_path);
    set_up(editor);
    return editor;
}

void line_editor_destroy(struct line_editor *editor)
{
    HistEvent event;
    if (!editor)
        return;
    if (editor->history_path.size > 0) {
        mode_t before = umask(077);
        history(editor->history, &event, H_SAVE, editor->history_path.data);
        umask(before);
    }
    history_end(editor->history);
    el_end(editor->edit);
    text_buffer_deinit(&editor->history_path);
    free(editor);
}

enum line_editor_outcome line_editor_read(struct line_editor *editor, const char *prompt,
                                          struct text_buffer *out)
{
    int size = 0;
    HistEvent event;
    assert(prompt);
    text_buffer_clear(out);
    editor->prompt = prompt;
    editor->given_up = false;
    el_resize(editor->edit); /* the window may have changed since the last line */
    const char *line = el_gets(editor->edit, &size);
    if (editor->given_up) {
        puts("^C");
        el_reset(editor->edit);
        return LINE_EDITOR_CANCELLED;
    }
    if (!line || size <= 0) {
        putchar('\n');
        return LINE_EDITOR_END;
    }
    text_buffer_append(out, line, (size_t)size);
    if (strspn(line, " \t\n") < (size_t)size)
        history(editor->history, &event, H_ENTER, line);
    return LINE_EDITOR_LINE;
}

#else

struct line_editor {
    int wake_fd;
    struct text_buffer unread;
};

struct line_editor *line_editor_create(int wake_fd)
{
    struct line_editor *editor = text_buffer_array(NULL, 1, sizeof *editor);
    *editor = (struct line_editor){.wake_fd = wake_fd};
    return editor;
}

void line_editor_destroy(struct line_editor *editor)
{
    if (!editor)
        return;
    text_buffer_deinit(&editor->unread);
    free(editor);
}

static enum line_editor_outcome read_more(struct line_editor *editor)
{
    char bytes[4096];
    if (!wait_for_key(editor->wake_fd))
        return LINE_EDITOR_CANCELLED;
    ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
    if (size < 0 && errno == EINTR)
        return LINE_EDITOR_LINE;
    if (size <= 0)
        return LINE_EDITOR_END;
    text_buffer_append(&editor->unread, bytes, (size_t)size);
    return LINE_EDITOR_LINE;
}

enum line_editor_outcome line_editor_read(struct line_editor *editor, const char *prompt,
                                          struct text_buffer *out)
{
    assert(prompt);
    text_buffer_clear(out);
    fputs(prompt, stdout);
    fflush(stdout);
    char *newline = NULL;
    while (!editor->unread.data || !(newline = strchr(editor->unread.data, '\n'))) {
        enum line_editor_outcome outcome = read_more(editor);
        if (outcome != LINE_EDITOR_LINE) {
            putchar('\n');
            text_buffer_clear(&editor->unread);
            return outcome;
        }
    }
    size_t size = (size_t)(newline - editor->unread.data) + 1;
    text_buffer_append(out, editor->unread.data, size);
    text_buffer_drop(&editor->unread, size);
    return LINE_EDITOR_LINE;
}

#endif
