// A zero-cost MCP server on HTTP/1.1: one thread, epoll, about 6 µs of CPU a request.
// zero-http PORT [TEXT_BYTES=1024] [TOOLS=1]
// POST answers with JSON; GET and subscriptions/listen open an event stream that is held until the client leaves.
#include "answers.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1 << 17, EVENTS_AT_ONCE = 512, CHUNK = 16384 };

typedef struct { buffer in, out; size_t sent; } connection;

static connection *connections[MAX_CONNECTIONS];
static int poller;

static void respond(connection *c, const char *status, const buffer *body) {
  char head[160];
  int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        status, body->length);
  append(&c->out, head, length);
  append(&c->out, body->bytes, body->length);
}

static void hold_stream(connection *c, const char *event) {
  char head[512];
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n", strlen(event), event);
  append(&c->out, head, length);
}

static void acknowledge_listen(connection *c, span id) {
  char event[300];
  snprintf(event, sizeof event,
           "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{"
           "\"notifications\":{},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s}}}\n\n",
           (int)(id.length < 80 ? id.length : 80), id.start);
  hold_stream(c, event);
}

static void answer(connection *c, const char *method, span body) {
  static buffer json;
  static const buffer nothing = {"", 0, 0};
  if (!strncmp(method, "GET ", 4)) return hold_stream(c, ":ok\n\n");
  if (!strncmp(method, "DELETE ", 7)) return respond(c, "200 OK", &nothing);
  if (mentions(body, "\"subscriptions/listen\"")) return acknowledge_listen(c, find_id(body));
  json.length = 0;
  if (append_answer(&json, body)) respond(c, "200 OK", &json);
  else respond(c, "202 Accepted", &nothing);
}

// The length of one whole request at `at`, its body in `body`; 0 if bytes are missing.
static size_t take_request(char *at, size_t length, span *body) {
  char *end = memmem(at, length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  size_t head = end - at + 4;
  *end = 0;
  char *declared = strcasestr(at, "\ncontent-length:");
  int chunked = declared == NULL && strcasestr(at, "transfer-encoding: chunked") != NULL;
  size_t content = declared == NULL ? 0 : strtoul(declared + 16, NULL, 10);
  *end = '\r';
  if (chunked) {
    char *last = memmem(at + head - 2, length - head + 2, "\r\n0\r\n\r\n", 7);
    if (last == NULL) return 0;
    *body = (span){at + head, last > at + head ? (size_t)(last - at) - head : 0};
    return last - at + 7;
  }
  *body = (span){at + head, content};
  return length < head + content ? 0 : head + content;
}

static void answer_requests(connection *c) {
  size_t taken, at = 0;
  span body;
  while (at < c->in.length && (taken = take_request(c->in.bytes + at, c->in.length - at, &body)) > 0) {
    answer(c, c->in.bytes + at, body);
    at += taken;
  }
  c->in.length -= at;
  memmove(c->in.bytes, c->in.bytes + at, c->in.length);
}

static void watch(int operation, int fd, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(poller, operation, fd, &event);
}

static void flush(int fd, connection *c) {
  while (c->sent < c->out.length) {
    ssize_t written = write(fd, c->out.bytes + c->sent, c->out.length - c->sent);
    if (written < 0 && errno == EAGAIN) return watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
    if (written < 0) break;
    c->sent += written;
  }
  c->sent = c->out.length = 0;
}

// Reads what has arrived; answers 0 when the client is gone. Kept terminated by NUL, for the header search.
static int fill(int fd, connection *c) {
  for (;;) {
    char chunk[CHUNK];
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EAGAIN) return 1;
    if (got <= 0) return 0;
    append(&c->in, chunk, got);
    append(&c->in, "", 1);
    c->in.length--;
    if (got < CHUNK) return 1;
  }
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_CONNECTIONS) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[fd] = calloc(1, sizeof(connection));
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

static void serve(int fd, unsigned events) {
  connection *c = connections[fd];
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !fill(fd, c)) {
    close(fd);
    free(c->in.bytes);
    free(c->out.bytes);
    free(c);
    connections[fd] = NULL;
    return;
  }
  if (events & EPOLLOUT) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  answer_requests(c);
  if (c->out.length > 0) flush(fd, c);
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("listen");
    exit(1);
  }
  return listener;
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files = {100000, 100000};
  setrlimit(RLIMIT_NOFILE, &files);
  prepare_answers(count > 2 ? atol(arguments[2]) : 1024, count > 3 ? atoi(arguments[3]) : 1);
  int listener = listen_on(atoi(arguments[1]));
  poller = epoll_create1(0);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN);
  for (;;) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int ready = epoll_wait(poller, events, EVENTS_AT_ONCE, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_all(listener);
      else serve(events[i].data.fd, events[i].events);
    }
  }
}
