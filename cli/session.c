/* session.c -- lines become statements and commands. */
#include "session.h"

#include "command.h"
#include "line_editor.h"
#include "statement.h"
#include "statement_split.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct input {
    struct shell *shell;
    struct text_buffer pending; /* whole lines not yet run */
    size_t start;               /* of the first statement in them that is not run yet */
    struct statement_split split;
    bool stop_at_error;
};

static void drop_pending(struct input *input)
{
    text_buffer_clear(&input->pending);
    input->start = 0;
    input->split = (struct statement_split){0};
}

/* Run pending[start, end) as one statement, without the blank in front of it. */
static bool run_front(struct input *input, size_t end)
{
    struct shell *shell = input->shell;
    struct text_buffer sql = {0};
    assert(input->start < end && end <= input->pending.size);
    const char *from = input->pending.data + input->start, *to = input->pending.data + end;
    for (; from < to && strchr(" \t\r\n", *from); from++)
        shell->line += *from == '\n';
    text_buffer_append(&sql, from, (size_t)(to - from));
    bool done = statement_run(shell, sql.data);
    for (size_t i = 0; i < sql.size; i++)
        shell->line += sql.data[i] == '\n';
    input->start = end;
    text_buffer_deinit(&sql);
    return done;
}

static bool run_complete(struct input *input)
{
    size_t end;
    while (!input->shell->quit && statement_split_next(&input->split, input->pending.data,
                                                       input->pending.size, &end)) {
        bool done = run_front(input, end);
        bool interrupted = cancel_requested(&input->shell->cancel);
        if (interrupted && input->shell->interactive)
            drop_pending(input);
        if (!done && (input->stop_at_error || interrupted))
            return false;
    }
    text_buffer_drop(&input->pending, input->start);
    input->split.position -= input->start;
    input->start = 0;
    return true;
}

/* True when only blank lines and comments are pending. */
static bool between_statements(const struct input *input)
{
    return statement_split_blank(input->pending.data ? input->pending.data : "",
                                 input->pending.size) == input->pending.size &&
           input->split.open != '*';
}

static size_t count_lines(const struct text_buffer *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->size; i++)
        lines += text->data[i] == '\n';
    return lines;
}

static bool run_command(struct input *input, const char *line)
{
    struct shell *shell = input->shell;
    bool done = command_run(shell, line);
    shell->line++;
    return done || !(input->stop_at_error || cancel_requested(&shell->cancel));
}

/* Take one line; false when the input is to stop. */
static bool feed(struct input *input, const char *line, size_t size)
{
    if (line[0] == '.' && between_statements(input))
        return run_command(input, line);
    text_buffer_append(&input->pending, line, size);
    bool going = run_complete(input);
    if (between_statements(input)) { /* comments are not carried on: they may be long */
        input->shell->line += count_lines(&input->pending);
        drop_pending(input);
    }
    return going;
}

/* The end of the input ends a statement too. */
static bool finish(struct input *input)
{
    bool done = true;
    if (!input->shell->quit && !between_statements(input))
        done = run_front(input, input->pending.size);
    text_buffer_deinit(&input->pending);
    return done || !input->stop_at_error;
}

bool session_run_text(struct shell *shell, const char *text)
{
    struct input input = {.shell = shell, .stop_at_error = true};
    bool going = true;
    while (going && !shell->quit && *text) {
        size_t size = strcspn(text, "\n");
        size += text[size] == '\n';
        struct text_buffer line = {0};
        text_buffer_append(&line, text, size);
        going = feed(&input, line.data, line.size);
        text_buffer_deinit(&line);
        text += size;
    }
    if (!going)
        drop_pending(&input);
    return finish(&input) && going;
}

bool session_run_file(struct shell *shell, FILE *file, const char *name)
{
    struct input input = {.shell = shell, .stop_at_error = shell->bail};
    const char *outer_source = shell->source;
    size_t outer_line = shell->line, capacity = 0;
    char *line = NULL;
    bool going = true;
    assert(name);
    shell->source = name;
    shell->line = 1;
    while (going && !shell->quit) {
        ssize_t size = getline(&line, &capacity, file);
        if (size <= 0)
            break;
        if (memchr(line, 0, (size_t)size))
            going = shell_complain(shell, "the script holds a NUL byte: is it a text file?");
        else
            going = feed(&input, line, (size_t)size);
    }
    if (ferror(file))
        going = shell_complain(shell, "cannot read on: %s", strerror(errno));
    if (!going)
        drop_pending(&input);
    going = finish(&input) && going;
    free(line);
    shell->source = outer_source;
    shell->line = outer_line;
    return going;
}

void session_run_terminal(struct shell *shell)
{
    struct input input = {.shell = shell};
    struct text_buffer line = {0};
    struct line_editor *editor = line_editor_create(shell->cancel.wake_fd[0]);
    while (!shell->quit) {
        const char *prompt = between_statements(&input) ? "yoda> " : " ...> ";
        enum line_editor_outcome outcome = line_editor_read(editor, prompt, &line);
        if (outcome == LINE_EDITOR_END)
            break;
        if (outcome == LINE_EDITOR_CANCELLED)
            drop_pending(&input);
        else
            feed(&input, line.data, line.size);
        fflush(stdout);
    }
    text_buffer_deinit(&line);
    text_buffer_deinit(&input.pending);
    line_editor_destroy(editor);
}
