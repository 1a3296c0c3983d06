// What the zero-cost upstreams answer: constant results, prepared once; only the JSON-RPC id is copied from the request.
// Both eras: a message that mentions 2026-07-28 gets results of that revision.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_INFO "{\"name\":\"zero\",\"version\":\"1.0.0\"}"
#define MODERN_TAIL ",\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":" SERVER_INFO "}"
#define CACHE_TAIL ",\"ttlMs\":0,\"cacheScope\":\"private\""

typedef struct { char *bytes; size_t length, capacity; } buffer;
typedef struct { const char *start; size_t length; } span;

static void append(buffer *b, const char *bytes, size_t length) {
  if (b->length + length > b->capacity) {
    b->capacity = (b->length + length) * 2;
    b->bytes = realloc(b->bytes, b->capacity);
  }
  memcpy(b->bytes + b->length, bytes, length);
  b->length += length;
}

static void append_text(buffer *b, const char *text) { append(b, text, strlen(text)); }

static int mentions(span message, const char *needle) {
  return memmem(message.start, message.length, needle, strlen(needle)) != NULL;
}

static struct { buffer call, call_modern, list, list_modern; } prepared;

// text_bytes: length of the text that a call answers. tools: number of tools, named echo, echo1, echo2, …
static void prepare_answers(size_t text_bytes, int tools) {
  static const char words[] = "The quick brown fox jumps over the lazy dog 0123456789, alice at example dot com. ";
  buffer call = {0}, list = {0};
  append_text(&call, "{\"content\":[{\"type\":\"text\",\"text\":\"");
  for (size_t i = 0; i < text_bytes; i++) append(&call, &words[i % (sizeof words - 1)], 1);
  append_text(&call, "\"}]");
  append_text(&list, "{\"tools\":[");
  for (int i = 0; i < tools; i++) {
    char name[64] = "echo";
    if (i > 0) snprintf(name, sizeof name, "echo%d", i);
    append_text(&list, i > 0 ? ",{\"name\":\"" : "{\"name\":\"");
    append_text(&list, name);
    append_text(&list, "\",\"description\":\"Echoes its text\",\"inputSchema\":{\"type\":\"object\",\"properties\":"
                       "{\"text\":{\"type\":\"string\",\"maxLength\":1048576}},\"required\":[\"text\"]}}");
  }
  append_text(&list, "]");
  append(&prepared.call, call.bytes, call.length);
  append_text(&prepared.call, "}");
  append(&prepared.call_modern, call.bytes, call.length);
  append_text(&prepared.call_modern, MODERN_TAIL "}");
  append(&prepared.list, list.bytes, list.length);
  append_text(&prepared.list, "}");
  append(&prepared.list_modern, list.bytes, list.length);
  append_text(&prepared.list_modern, CACHE_TAIL MODERN_TAIL "}");
}

// The bytes of the id; the last member named "id" counts, because clients put it in front of or behind the params.
static span find_id(span message) {
  const char *end = message.start + message.length, *found = NULL, *from = message.start;
  while ((from = memmem(from, end - from, "\"id\":", 5)) != NULL) found = from += 5;
  if (found == NULL) return (span){NULL, 0};
  size_t length = 0;
  while (found + length < end && found[length] != ',' && found[length] != '}') length++;
  return (span){found, length};
}

static void append_initialize(buffer *out, span message) {
  char version[11] = "2025-11-25";
  const char *asked = memmem(message.start, message.length, "\"protocolVersion\":\"", 19);
  if (asked != NULL && asked + 29 <= message.start + message.length) memcpy(version, asked + 19, 10);
  append_text(out, "{\"protocolVersion\":\"");
  append_text(out, version);
  append_text(out, "\",\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":" SERVER_INFO "}");
}

// Appends the response to one JSON-RPC message; answers 0 if it needs none.
static int append_answer(buffer *out, span message) {
  span id = find_id(message);
  if (id.start == NULL) return 0;
  int modern = mentions(message, "2026-07-28");
  append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
  append(out, id.start, id.length);
  append_text(out, ",\"result\":");
  if (mentions(message, "\"tools/call\"")) {
    buffer *call = modern ? &prepared.call_modern : &prepared.call;
    append(out, call->bytes, call->length);
  } else if (mentions(message, "\"tools/list\"")) {
    buffer *list = modern ? &prepared.list_modern : &prepared.list;
    append(out, list->bytes, list->length);
  } else if (mentions(message, "\"initialize\"")) {
    append_initialize(out, message);
  } else if (mentions(message, "\"server/discover\"")) {
    append_text(out, "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\":true}}" CACHE_TAIL MODERN_TAIL "}");
  } else {
    append_text(out, modern ? "{\"resultType\":\"complete\"}" : "{}");
  }
  append_text(out, "}");
  return 1;
}
