// A zero-cost MCP server on stdin and stdout, newline-delimited.   zero-stdio [TEXT_BYTES=1024] [TOOLS=1]
#include "answers.h"
#include <unistd.h>

static void write_all(const buffer *out) {
  for (size_t done = 0; done < out->length;) {
    ssize_t written = write(1, out->bytes + done, out->length - done);
    if (written <= 0) exit(0);
    done += written;
  }
}

int main(int count, char **arguments) {
  prepare_answers(count > 1 ? atol(arguments[1]) : 1024, count > 2 ? atoi(arguments[2]) : 1);
  buffer in = {0}, out = {0};
  for (;;) {
    char chunk[65536];
    ssize_t got = read(0, chunk, sizeof chunk);
    if (got <= 0) return 0;
    append(&in, chunk, got);
    char *line = in.bytes, *end = in.bytes + in.length, *newline;
    while ((newline = memchr(line, '\n', end - line)) != NULL) {
      if (append_answer(&out, (span){line, newline - line})) append_text(&out, "\n");
      line = newline + 1;
    }
    in.length = end - line;
    memmove(in.bytes, line, in.length);
    write_all(&out);
    out.length = 0;
  }
}
