/* output.c -- the table of output modes. */
#include "output.h"

#include <string.h>

static const struct output_mode modes[] = {
    {"box", output_box}, {"csv", output_csv}, {"json", output_json}, {"line", output_line}};

const struct output_mode *output_find(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}
