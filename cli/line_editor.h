/*
 * line_editor.h -- reads lines from a terminal: libedit with history where built in, else plain.
 *
 * Ctrl-C gives up the line (LINE_EDITOR_CANCELLED), Ctrl-D on an empty one ends the input. History
 * lives in $XDG_STATE_HOME/yoda/history, or ~/.local/state/yoda/history.
 */
#ifndef YODA_CLI_LINE_EDITOR_H
#define YODA_CLI_LINE_EDITOR_H

#include "text_buffer.h"

struct line_editor;

enum line_editor_outcome { LINE_EDITOR_LINE, LINE_EDITOR_CANCELLED, LINE_EDITOR_END };

/* wake_fd becomes readable on a SIGINT at the prompt. */
struct line_editor *line_editor_create(int wake_fd);
void line_editor_destroy(struct line_editor *editor);
/* Read a line into out, which is cleared first and ends with a newline unless the input did. */
enum line_editor_outcome line_editor_read(struct line_editor *editor, const char *prompt,
                                          struct text_buffer *out);

#endif
