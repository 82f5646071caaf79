/* peer.c -- commands are a letter, a length and bytes; answers an int. */
#include "peer.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool read_all(int fd, void *data, size_t size)
{
    for (char *at = data; size > 0;) {
        ssize_t n = read(fd, at, size);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = write(fd, at, size);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static int open_file(const char *path, sqlite3 **db)
{
    int code = sqlite3_open(path, db);
    sqlite3_busy_timeout(*db, 5000);
    return code ? code : sqlite3_exec(*db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
}

static int run(char command, const char *text, sqlite3 **db)
{
    int code = 0;
    switch (command) {
    case 'o':
        return open_file(text, db);
    case 'c':
        code = sqlite3_close(*db);
        *db = NULL;
        return code;
    default:
        code = sqlite3_exec(*db, text, NULL, NULL, NULL);
        if (!sqlite3_get_autocommit(*db))
            sqlite3_exec(*db, "ROLLBACK", NULL, NULL, NULL);
        return code;
    }
}

static void serve(int from, int to)
{
    sqlite3 *db = NULL;
    char command;
    uint32_t size;
    while (read_all(from, &command, 1) && read_all(from, &size, sizeof size)) {
        char *text = calloc(1, (size_t)size + 1);
        if (!read_all(from, text, size))
            break;
        int code = run(command, text, &db);
        free(text);
        if (!write_all(to, &code, sizeof code))
            break;
    }
    sqlite3_close(db);
}

bool peer_start(struct peer *peer)
{
    int down[2], up[2];
    if (pipe(down) || pipe(up))
        return false;
    signal(SIGPIPE, SIG_IGN);
    peer->pid = fork();
    if (peer->pid == 0) {
        close(down[1]);
        close(up[0]);
        serve(down[0], up[1]);
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    peer->to = down[1];
    peer->from = up[0];
    return peer->pid > 0;
}

static int ask(struct peer *peer, char command, const char *text)
{
    int code = -1;
    uint32_t size = (uint32_t)strlen(text);
    if (!write_all(peer->to, &command, 1) || !write_all(peer->to, &size, sizeof size) ||
        !write_all(peer->to, text, size) || !read_all(peer->from, &code, sizeof code))
        return -1;
    return code;
}

int peer_open(struct peer *peer, const char *path)
{
    return ask(peer, 'o', path);
}

int peer_execute(struct peer *peer, const char *sql)
{
    return ask(peer, 'x', sql);
}

int peer_close(struct peer *peer)
{
    return ask(peer, 'c', "");
}

void peer_stop(struct peer *peer)
{
    close(peer->to);
    close(peer->from);
    waitpid(peer->pid, NULL, 0);
}
